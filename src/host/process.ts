/**
 * The process that Millrace runs in: files, arguments, signals, standard streams.
 *
 * Used by the gateway and its commands. Nobody else outside `adapters/` may touch the host. Knows nothing
 * of sockets or frames. Works unchanged on Bun, Deno and Node.
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import process from "node:process";

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

/** The number that the system has for this process. */
export function processId(): number {
  return process.pid;
}

/** The name of this machine; empty where it may not be asked. */
export function hostName(): string {
  try {
    return hostname();
  } catch {
    return "";
  }
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
    throw new TypeError("it is not UTF-8: save it in that encoding", { cause });
  }
}

/**
 * True when the program that started this process, such as `nohup`, wants a hang-up to be ignored. Known of Bun on Linux; Node
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
