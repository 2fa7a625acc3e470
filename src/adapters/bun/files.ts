/**
 * Descriptors on Bun: how many a process may have, and the last ones, which no socket of ours takes.
 *
 * Used by what accepts and connects on Bun. When Bun finds no descriptor for an accept it tells nobody, and asks again
 * and again at full speed. So the last ones are left to the rest of the program: the system gives out the lowest that
 * is free, which tells how many are left.
 */
import { type SocketError, socketErrorFrom } from "../../core/errors.ts";

/** The slice of Bun that is used here. */
declare const Bun: { file(path: string): { text(): Promise<string> } };

/** Descriptors that are left to the rest of the program: files, name lookups, pipes. */
const spare = 8;
let limit: Promise<number> | undefined;

/** Which descriptors sockets may have. */
export class SocketFiles {
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether a socket that has just been opened took one of the last. */
  isSpare(fd: number | undefined): boolean {
    return fd !== undefined && fd >= this.#most - spare;
  }

  /** What is to be told then. */
  error(action: string): SocketError {
    const message = `this process may have ${this.#most} files open, and the last ${spare} are reserved`;
    return socketErrorFrom({ code: "EMFILE", message }, action);
  }
}

/** Those of this process; without a bound where the system does not say it. */
export async function socketFiles(): Promise<SocketFiles> {
  return new SocketFiles(await (limit ??= readLimit()));
}

async function readLimit(): Promise<number> {
  const limits = await Bun.file("/proc/self/limits").text().catch(() => "");
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity);
}
