/**
 * The process that Millrace runs in: files, arguments, signals, standard streams.
 *
 * Used by the gateway and its commands. Nobody else outside `adapters/` may touch the host. Knows nothing
 * of sockets or frames. Works unchanged on Bun, Deno and Node.
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { SocketError, socketErrorFrom } from "./core/errors.ts";

/** Where text goes out: standard output or standard error. */
export interface TextOutput {
  /** True when a person looks at it, so colours and progress bars make sense. */
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; undefined when it is none. */
  readonly columns: number | undefined;
  /**
   * Writes now. A promise means that the reader is slow: wait for it before writing more. It rejects with
   * `SocketError` `broken_pipe` once nobody reads any more, and so does every later write.
   */
  write(text: string): void | Promise<void>;
}

/** The arguments after the program's name. */
export function programArguments(): string[] {
  return process.argv.slice(2);
}

/** Name and version of the runtime, such as `"bun 1.4.5"`. */
export function runtimeName(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `bun ${bun}`;
  return deno !== undefined ? `deno ${deno}` : `node ${node}`;
}

/** A path as seen from a folder; an absolute one stays. */
export function resolvePath(folder: string, path: string): string {
  return resolve(folder, path);
}

/** The folder that a file stands in. */
export function folderOfFile(path: string): string {
  return dirname(path);
}

/**
 * Reads a file as UTF-8; rejects with the runtime's own error, whose `code` is `ENOENT` when there is none, and with a
 * `TypeError` for bytes that are no UTF-8.
 */
export async function readTextFile(path: string): Promise<string> {
  const bytes = await readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new TypeError("its bytes are no UTF-8: save it in that encoding", { cause });
  }
}

/**
 * True when whoever started this process, such as `nohup`, wants a hang-up to be ignored. Known of Bun on Linux; Node
 * and Deno forget it when they start.
 */
export function ignoresHangup(): boolean {
  if (process.versions.bun === undefined) return false;
  try {
    const [, lowest = "0"] = /^SigIgn:.*([0-9a-f])$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return (Number.parseInt(lowest, 16) & 1) === 1;
  } catch {
    return false;
  }
}

/** Ends the process now. Only the command line's entry point may call it. */
export function exit(code: number): never {
  process.exit(code);
}

/** Sets the code with which the process ends once nothing is left to do. */
export function setExitCode(code: number): void {
  process.exitCode = code;
}

/** What `TextOutput` needs of a Node stream. */
interface WritableLike {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): boolean;
  on(event: "drain" | "error", listener: (error: unknown) => void): unknown;
}

class StandardOutput implements TextOutput {
  readonly #stream: WritableLike;
  readonly #action: string;
  #room: { readonly promise: Promise<void>; settle(error?: SocketError): void } | undefined = undefined;
  #broken: SocketError | undefined = undefined;

  constructor(stream: WritableLike, action: string) {
    this.#stream = stream;
    this.#action = action;
    stream.on("drain", () => this.#settle());
    stream.on("error", (cause) => {
      this.#broken ??= socketErrorFrom(cause, action);
      this.#settle();
    });
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number | undefined {
    return this.#stream.columns;
  }

  write(text: string): void | Promise<void> {
    if (this.#broken !== undefined) return rejected(this.#broken);
    try {
      if (this.#stream.write(text)) return;
    } catch (cause) {
      return rejected(this.#broken = socketErrorFrom(cause, this.#action));
    }
    return (this.#room ??= makeRoom()).promise;
  }

  #settle(): void {
    this.#room?.settle(this.#broken);
    this.#room = undefined;
  }
}

function makeRoom(): { readonly promise: Promise<void>; settle(error?: SocketError): void } {
  let settle!: (error?: SocketError) => void;
  const promise = new Promise<void>((resolve, reject) => {
    settle = (error) => error === undefined ? resolve() : reject(error);
  });
  // Whoever does not await the room must not end the process.
  promise.catch(() => {});
  return { promise, settle };
}

function rejected(error: SocketError): Promise<void> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}

let output: TextOutput | undefined = undefined;
let errorOutput: TextOutput | undefined = undefined;

/** Standard output; opened at the first call. */
export function standardOutput(): TextOutput {
  return output ??= new StandardOutput(process.stdout, "write to standard output");
}

/** Standard error; opened at the first call. */
export function standardError(): TextOutput {
  return errorOutput ??= new StandardOutput(process.stderr, "write to standard error");
}
