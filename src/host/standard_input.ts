/**
 * Standard input, a chunk for each one that is asked for.
 *
 * Used by the gateway and its commands. Knows nothing of what is in it.
 */
import process from "node:process";
import { type SocketError, socketErrorFrom } from "../core/errors.ts";

/** The slice of Bun that is used here. */
interface BunInput {
  stream(): ReadableStream<Uint8Array>;
}

/** A source of bytes: chunks until the end of the input. `return()` stops reading at once. */
export type ByteInput = AsyncIterable<Uint8Array>;

/** True when a person types into standard input. */
export function standardInputIsTerminal(): boolean {
  return process.stdin.isTTY === true;
}

/** Standard input. Reading begins with the first `next()` and pauses while nobody asks. One reader only. */
export function standardInput(): ByteInput {
  // Bun's `process.stdin` now and then loses the end of the input when it is paused and resumed.
  const { Bun } = globalThis as { readonly Bun?: { readonly stdin: BunInput } };
  return {
    [Symbol.asyncIterator]: () => Bun === undefined ? new StandardInput() : new StreamedInput(Bun.stdin),
  };
}

function inputError(cause: unknown): SocketError {
  return socketErrorFrom(cause, "read standard input");
}

/** Standard input as Bun has it. */
class StreamedInput implements AsyncIterator<Uint8Array, undefined> {
  readonly #input: BunInput;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined = undefined;
  #over = false;

  constructor(input: BunInput) {
    this.#input = input;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#over) return { value: undefined, done: true };
    try {
      this.#reader ??= this.#input.stream().getReader();
      const { value } = await this.#reader.read();
      if (value !== undefined && !this.#over) return { value, done: false };
    } catch (cause) {
      if (!this.#over) {
        this.#over = true;
        throw inputError(cause);
      }
    }
    this.#over = true;
    return { value: undefined, done: true };
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#over = true;
    this.#reader?.cancel().catch(() => {});
    return Promise.resolve({ value: undefined, done: true });
  }
}

/** Standard input as Node has it, and Deno after it. */
class StandardInput implements AsyncIterator<Uint8Array, undefined> {
  #chunks: Uint8Array[] = [];
  #started = false;
  #over = false;
  #error: SocketError | undefined = undefined;
  #wake: (() => void) | undefined = undefined;

  readonly #data = (chunk: Uint8Array): void => {
    this.#chunks.push(chunk);
    process.stdin.pause();
    this.#wake?.();
  };
  readonly #end = (): void => this.#finish(undefined);
  readonly #fail = (cause: unknown): void => this.#finish(inputError(cause));

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#chunks.length === 0 && !this.#over) {
      const woken = new Promise<void>((resolve) => this.#wake = resolve);
      this.#read();
      await woken;
    }
    const value = this.#chunks.shift();
    if (value !== undefined) return { value, done: false };
    if (this.#error === undefined) return { value: undefined, done: true };
    const error = this.#error;
    this.#error = undefined;
    throw error;
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#chunks = [];
    this.#finish(undefined);
    // A terminal or pipe that is still open would keep the process alive.
    if (this.#started) process.stdin.destroy();
    return Promise.resolve({ value: undefined, done: true });
  }

  #read(): void {
    const { stdin } = process;
    if (!this.#started) {
      this.#started = true;
      stdin.on("data", this.#data).on("end", this.#end).on("close", this.#end).on("error", this.#fail);
    }
    stdin.resume();
  }

  #finish(error: SocketError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    process.stdin.off("data", this.#data).off("end", this.#end).off("close", this.#end);
    this.#wake?.();
  }
}
