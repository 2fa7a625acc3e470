// A socket that this process has bound and never accepts from, as systemd has it: programs inherit it.
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Address } from "../../src/core/transport.ts";
import type { Cleaner } from "./program.ts";

/** A descriptor, and where to dial it. */
export interface HeldSocket {
  readonly fd: number;
  readonly address: Address;
}

interface ServerHandle {
  readonly fd?: number;
  /** Deno: a duplicate. */
  fdForIpc?(): number;
  getsockname?(name: { port?: number }): void;
  listen(backlog: number): number;
}

/** The runtime's own way to a socket that nobody polls; it lives as long as this process. */
const held: unknown[] = [];

/** Binds a port of loopback, or a path. Connecting is possible once a program listens on it. */
export function heldSocket(t: Cleaner, kind: "tcp" | "unix" = "tcp"): HeldSocket {
  let path = "";
  if (kind === "unix") {
    const folder = mkdtempSync(join(tmpdir(), "millrace-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    path = join(folder, "s");
  }
  const place = (port: number): Address =>
    kind === "unix" ? { transport: "unix", path } : { transport: "tcp", host: "127.0.0.1", port };
  const { _createServerHandle: bind } = net as typeof net & {
    _createServerHandle?(address: string, port: number, type: number): ServerHandle | number;
  };
  if (bind === undefined) return onBun(kind, path, place);
  const handle = kind === "unix" ? bind(path, -1, -1) : bind("127.0.0.1", 0, 4);
  if (typeof handle === "number") throw new Error(`bind: error ${handle}`);
  held.push(handle);
  const name: { port?: number } = {};
  if (kind === "tcp") handle.getsockname!(name);
  return { fd: handle.fdForIpc?.() ?? handle.fd!, address: place(name.port ?? 0) };
}

function onBun(kind: "tcp" | "unix", path: string, place: (port: number) => Address): HeldSocket {
  const { Bun } = globalThis as unknown as {
    Bun: { listen(options: object): { readonly fd: number; readonly port: number; stop(): void } };
  };
  const ffi = process.getBuiltinModule("bun:ffi") as unknown as {
    dlopen(name: string, symbols: object): { readonly symbols: { dup(fd: number): number; link?: unknown } };
  };
  const where = kind === "unix" ? { unix: path } : { hostname: "127.0.0.1", port: 0 };
  const listener = Bun.listen({ ...where, socket: { open() {}, data() {} } });
  const { port } = listener;
  const fd = ffi.dlopen("libc.so.6", { dup: { args: ["int"], returns: "int" } }).symbols.dup(listener.fd);
  // Bun removes what it has bound by name when it stops.
  if (kind === "unix") renameSync(path, `${path}.kept`);
  listener.stop();
  if (kind === "unix") renameSync(`${path}.kept`, path);
  return { fd, address: place(port) };
}
