/**
 * Standard output and standard error, on which a slow reader, or none at all, never stops the process.
 *
 * Used by the gateway, its commands, and the logger that servers have by default. Node and Bun write to pipes without
 * blocking; Deno's `process.stdout` does not, so there each write is one of Deno's own, one at a time. Imports no module of
 * a runtime, so that entry points that offer a logger load where there are no processes; there the console is written to.
 */
import { type Deferred, deferred, refused } from "../core/deferred.ts";
import { type SocketError, socketErrorFrom } from "../core/errors.ts";

/** A destination for text: standard output or standard error. */
export interface TextOutput {
  /** It is a terminal, so colours and progress bars make sense. */
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; undefined if it is not a terminal. */
  readonly columns: number | undefined;
  /**
   * Writes text. If it returns a promise, the reader is slow: wait for it before writing more.
   *
   * @throws {SocketError} rejects with `broken_pipe` once the reader is gone, as do all later writes
   */
  write(text: string): void | Promise<void>;
}

/** Text and bytes, in the order in which they are written. */
export interface ByteOutput extends TextOutput {
  /** Like `write`, for bytes as they are. They are not to be changed afterwards. */
  writeBytes(bytes: Uint8Array): void | Promise<void>;
  /** Resolves when all that was written is out, or cannot get out any more. */
  flush(): Promise<void>;
}

/** What is needed of a stream of Node: false for one that is full. */
interface Sink {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(data: string | Uint8Array, done?: () => void): boolean;
  on(event: "drain" | "error", listener: (error?: unknown) => void): unknown;
}

/** The slice of Deno that is used here. */
interface DenoWriter {
  write(bytes: Uint8Array): Promise<number>;
}

/** Bytes that may wait in Deno's place before writers are asked to wait too: as many as in a stream of Node. */
const fullFrom = 16 * 1024;
const encoder = new TextEncoder();

/** A stream of Deno, without its `process`: what waits is written together. */
class DenoSink implements Sink {
  readonly #writer: DenoWriter;
  readonly #stream: Sink;
  readonly #listeners: { drain?: () => void; error?: (error: unknown) => void } = {};
  #waiting: Uint8Array[] = [];
  #done: (() => void)[] = [];
  #bytes = 0;
  #busy = false;

  constructor(writer: DenoWriter, stream: Sink) {
    this.#writer = writer;
    this.#stream = stream;
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number {
    return this.#stream.columns!;
  }

  on(event: "drain" | "error", listener: (error?: unknown) => void): void {
    this.#listeners[event] = listener;
  }

  write(data: string | Uint8Array, done?: () => void): boolean {
    if (done !== undefined) this.#done.push(done);
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    if (bytes.length > 0) this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    if (!this.#busy) void this.#work();
    return this.#bytes < fullFrom;
  }

  async #work(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#waiting.length > 0) {
        const bytes = joined(this.#waiting);
        this.#waiting = [];
        for (let at = 0; at < bytes.length;) at += await this.#writer.write(bytes.subarray(at));
        this.#bytes -= bytes.length;
      }
      this.#busy = false;
      this.#listeners.drain?.();
      this.#settle();
    } catch (error) {
      // Nobody reads any more; it stays busy, since there is nobody to write to.
      this.#waiting = [];
      this.#listeners.error?.(error);
      this.#settle();
    }
  }

  #settle(): void {
    for (const done of this.#done.splice(0)) done();
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

class StandardOutput implements ByteOutput {
  readonly #sink: Sink;
  readonly #action: string;
  #room: Deferred | undefined = undefined;
  #broken: SocketError | undefined = undefined;
  readonly #flushing: Set<() => void> = new Set();

  constructor(sink: Sink, action: string) {
    this.#sink = sink;
    this.#action = action;
    sink.on("drain", () => this.#settle());
    sink.on("error", (cause) => {
      this.#broken ??= socketErrorFrom(cause, action);
      this.#settle();
      for (const resolve of this.#flushing) resolve();
      this.#flushing.clear();
    });
  }

  get isTerminal(): boolean {
    return this.#sink.isTTY === true;
  }

  get columns(): number | undefined {
    return this.#sink.columns;
  }

  write(text: string): void | Promise<void> {
    return this.#write(text);
  }

  writeBytes(bytes: Uint8Array): void | Promise<void> {
    return this.#write(bytes);
  }

  flush(): Promise<void> {
    if (this.#broken !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#flushing.add(resolve);
      // What is written in order is done in order.
      this.#sink.write("", () => this.#flushing.delete(resolve) && resolve());
    });
  }

  #write(data: string | Uint8Array): void | Promise<void> {
    if (this.#broken !== undefined) return refused(this.#broken);
    try {
      if (this.#sink.write(data)) return;
    } catch (cause) {
      return refused(this.#broken = socketErrorFrom(cause, this.#action));
    }
    return (this.#room ??= deferred()).promise;
  }

  #settle(): void {
    if (this.#broken === undefined) this.#room?.resolve();
    else this.#room?.reject(this.#broken);
    this.#room = undefined;
  }
}

const { Deno, process } = globalThis as {
  readonly Deno?: { readonly stdout: DenoWriter; readonly stderr: DenoWriter };
  readonly process?: { readonly stdout?: Sink; readonly stderr?: Sink };
};

/** On a host without processes. */
class ConsoleSink implements Sink {
  write(data: string | Uint8Array, done?: () => void): boolean {
    console.error(typeof data === "string" ? data.replace(/\n$/, "") : new TextDecoder().decode(data));
    done?.();
    return true;
  }

  on(): void {}
}

function sinkFor(name: "stdout" | "stderr"): Sink {
  const stream = process?.[name];
  if (stream === undefined) return new ConsoleSink();
  return Deno === undefined ? stream : new DenoSink(Deno[name], stream);
}

let output: ByteOutput | undefined = undefined;
let errorOutput: ByteOutput | undefined = undefined;

/** Standard output; opened at the first call. */
export function standardOutput(): ByteOutput {
  return output ??= new StandardOutput(sinkFor("stdout"), "write to standard output");
}

/** Standard error; opened at the first call. */
export function standardError(): ByteOutput {
  return errorOutput ??= new StandardOutput(sinkFor("stderr"), "write to standard error");
}
