/**
 * A second descriptor of a socket on Bun, by the system's own `dup`: Bun closes the one that it listens on.
 *
 * Used by `bun/adapter.ts` when a listener on an inherited descriptor pauses.
 */
import { SocketError } from "../../core/errors.ts";

/** The slice of `bun:ffi` that is used here. */
interface Ffi {
  dlopen(
    library: string,
    symbols: { readonly dup: { readonly args: readonly ["int"]; readonly returns: "int" } },
  ): { readonly symbols: { dup(descriptor: number): number } };
}

/** Under these names the C library is found: of GNU, of musl, of macOS. */
const libraries = ["libc.so.6", "libc.so", `libc.musl-${machine()}.so.1`, "libSystem.B.dylib"] as const;

let found: ((descriptor: number) => number) | undefined;

/** Throws a `SocketError` where the system has no such function, or gives none. */
export function duplicate(descriptor: number): number {
  found ??= load();
  const other = found?.(descriptor) ?? -1;
  if (other >= 0) return other;
  throw new SocketError(
    "bad_descriptor",
    `suspend the listener on descriptor ${descriptor}: the system gives no second one, and Bun would close this one for ` +
      "good; let the server run, or close it",
  );
}

function load(): ((descriptor: number) => number) | undefined {
  const ffi = globalThis.process.getBuiltinModule("bun:ffi") as unknown as Ffi;
  for (const library of libraries) {
    try {
      return ffi.dlopen(library, { dup: { args: ["int"], returns: "int" } }).symbols.dup;
    } catch {
      // Another system's.
    }
  }
  return undefined;
}

function machine(): string {
  return globalThis.process.arch === "arm64" ? "aarch64" : "x86_64";
}
