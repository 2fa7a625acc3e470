/**
 * Descriptors on Deno that a child process has by their number, by the system's own `dup`.
 *
 * Loaded by `held.ts`. Deno closes its own at `exec`, and makes those that `spawn` passes on blocking, for all who share the
 * socket: an accept that another process was faster at would then stop the process.
 */
import { SocketError } from "../../core/errors.ts";

/** The slice of Deno that is used here. */
declare const Deno: {
  readonly build: { readonly os: string };
  readonly permissions: {
    query(wanted: { readonly name: "ffi" | "run" }): Promise<{ readonly state: string }>;
  };
  dlopen(library: string, symbols: object): { readonly symbols: Calls };
};

/** Of the C library. */
interface Calls {
  dup(descriptor: number): number;
  close(descriptor: number): number;
}

/** `spawn` numbers what it passes on from 3 on: a pipe for messages, and nothing else. */
const firstOfOurs = 8;
const libraries = ["libc.so.6", "libc.so", "libSystem.B.dylib"] as const;
let calls: Calls | undefined;

/** Loads what is needed; rejects with a `SocketError` where that is not permitted, or not there. */
export async function prepareInheritable(): Promise<void> {
  for (const name of ["ffi", "run"] as const) {
    if ((await Deno.permissions.query({ name })).state === "granted") continue;
    throw new SocketError(
      "permission_denied",
      `hold sockets for other processes: --allow-${name} is needed; run again with --allow-all`,
    );
  }
  calls ??= load();
}

/** A descriptor of the same socket that children have, and how to close it. Closes the one given. */
export function inheritable(descriptor: number): { readonly descriptor: number; close(): void } {
  const low: number[] = [];
  let found = calls!.dup(descriptor);
  for (; found >= 0 && found < firstOfOurs; found = calls!.dup(descriptor)) low.push(found);
  for (const each of [descriptor, ...low]) calls!.close(each);
  if (found >= 0) return { descriptor: found, close: () => void calls!.close(found) };
  throw new SocketError(
    "too_many_open_files",
    "hold a socket for other processes: there is no descriptor left",
  );
}

function load(): Calls {
  const number = { parameters: ["i32"], result: "i32" } as const;
  for (const library of libraries) {
    try {
      return Deno.dlopen(library, { dup: number, close: number }).symbols;
    } catch {
      // Another system's.
    }
  }
  throw new SocketError("unknown", "hold sockets for other processes: the system's C library is not found");
}
