/**
 * A socket that is bound and that nobody accepts from in this process: for the processes that inherit its descriptor.
 *
 * Used by the gateway's `--takeover` and `--processes`. Node and Deno bind without listening by what `node:net` has for
 * `node:cluster`; Bun listens, and is left with a duplicate. Whoever inherits it listens.
 */
import { closeSync, renameSync } from "node:fs";
import { lookup } from "node:dns/promises";
import net from "node:net";
import { getSystemErrorName } from "node:util";
import { type SocketError, socketErrorFrom } from "../core/errors.ts";
import type { FileRights } from "../core/text/file_rights.ts";
import { addressText } from "../core/text/place.ts";
import type { Address } from "../core/transport.ts";
import { dial } from "./node/adapter.ts";
import type { InheritedSocket } from "./inherited.ts";
import { placed } from "./placed.ts";

/** A socket for others. */
export interface HeldSocket {
  readonly descriptor: number;
  /** Closes the descriptor of this process, and removes the file of a Unix socket. */
  release(): Promise<void>;
}

/** What `node:net` has at its private name. */
interface BoundHandle {
  readonly fd?: number;
  /** Deno: a duplicate. */
  fdForIpc?(): number;
  getsockname(name: { port?: number }): unknown;
  close(): void;
}

type CreateHandle = (
  address: string,
  port: number,
  type: number,
  fd?: number,
  flags?: number,
) => BoundHandle | number;

/** The slice of Bun that is used here. */
interface BunNet {
  listen(options: object): { readonly fd: number; stop(): void };
}

/** Whether children have a descriptor by the number that it has here, without its being passed to them. */
export const inheritedByNumber: boolean = "Deno" in globalThis;

/** Where, and for whom. */
export interface HeldPlace {
  readonly address: Address;
  readonly rights?: FileRights | undefined;
  readonly ipv6Only?: boolean | undefined;
}

/** That of libuv: no IPv4 on an address of IPv6. */
const ipv6OnlyFlag = 1;

/** Binds. Rejects with a `SocketError`. */
export async function holdSocket({ address, rights, ipv6Only = false }: HeldPlace): Promise<HeldSocket> {
  const own = inheritedByNumber ? await import("./deno/inheritable.ts") : undefined;
  await own?.prepareInheritable();
  let descriptor = -1;
  const sockets = placed({
    async bind(_options, _accept, at): Promise<InheritedSocket> {
      const socket = await bound(at, ipv6Only, own?.inheritable);
      descriptor = socket.descriptor;
      return { address: at, descriptor: socket.descriptor, stop: () => Promise.resolve(socket.close()) };
    },
    dial,
  });
  const options = {
    address,
    rights,
    backlog: undefined,
    reusePort: false,
    ipv6Only,
    noDelay: true,
    keepAlive: "system",
    tls: undefined,
    failed: () => {},
  } as const;
  const listener = await sockets.listen(options, () => {});
  return { descriptor, release: () => listener.stop() };
}

/** A descriptor, and how to close it. */
interface Closable {
  readonly descriptor: number;
  close(): void;
}

async function bound(
  at: Address,
  ipv6Only: boolean,
  inheritable: ((descriptor: number) => Closable) | undefined,
): Promise<Closable> {
  const { _createServerHandle: create } = net as typeof net & { readonly _createServerHandle?: CreateHandle };
  if (create === undefined) return onBun(at, ipv6Only);
  const found = at.transport === "unix" ? undefined : await resolved(at);
  const handle = at.transport === "unix"
    ? create(at.path, -1, -1)
    : create(found!.address, at.port, found!.family, undefined, ipv6Only ? ipv6OnlyFlag : 0);
  if (typeof handle === "number") throw failure(getSystemErrorName(handle), at);
  if (at.transport === "tcp") {
    const name: { port?: number } = {};
    handle.getsockname(name);
    // An address in use is told by libuv only to those who listen.
    if (!name.port) {
      handle.close();
      throw failure("EADDRINUSE", at);
    }
  }
  if (inheritable === undefined) return { descriptor: handle.fd!, close: () => handle.close() };
  const socket = inheritable(handle.fdForIpc!());
  return {
    descriptor: socket.descriptor,
    close: () => {
      socket.close();
      handle.close();
    },
  };
}

async function resolved(at: Extract<Address, { readonly transport: "tcp" }>) {
  try {
    return await lookup(at.host);
  } catch (cause) {
    throw socketErrorFrom(cause, `listen on ${addressText(at)}`);
  }
}

async function onBun(at: Address, ipv6Only: boolean) {
  const { Bun } = globalThis as unknown as { readonly Bun: BunNet };
  const { duplicate } = await import("./bun/duplicate.ts");
  const place = at.transport === "unix" ? { unix: at.path } : { hostname: at.host, port: at.port };
  let listener: ReturnType<BunNet["listen"]>;
  try {
    listener = Bun.listen({ ...place, ipv6Only, socket: { open() {}, data() {} } });
  } catch (cause) {
    throw socketErrorFrom(cause, `listen on ${addressText(at)}`);
  }
  const descriptor = duplicate(listener.fd);
  // Bun removes what it has bound by name when it stops.
  if (at.transport === "unix") renameSync(at.path, `${at.path}~`);
  listener.stop();
  if (at.transport === "unix") renameSync(`${at.path}~`, at.path);
  return { descriptor, close: () => closeSync(descriptor) };
}

function failure(code: string, at: Address): SocketError {
  return socketErrorFrom(Object.assign(new Error(code), { code }), `listen on ${addressText(at)}`);
}
