/**
 * Sockets of Bun: `Bun.listen` and `Bun.connect`.
 *
 * Loaded by `detect.ts`; `bun/transport.ts` is one connection of it.
 */
import type { Socket } from "node:net";
import { closeSync } from "node:fs";
import process from "node:process";
import { copyFrames } from "../../core/bytes/bytes.ts";
import { SocketError, socketErrorFrom } from "../../core/errors.ts";
import { onFirstUse } from "../../core/loading.ts";
import { addressText, isIp } from "../../core/text/place.ts";
import type {
  Adapter,
  AdapterConnectOptions,
  AdapterListenOptions,
  Address,
  Peer,
  SocketTuning,
  Transport,
} from "../../core/transport.ts";
import { resetBefore } from "../accept_fault.ts";
import { acceptedPeer, boundAt, inheritedAt, longestPath } from "../address.ts";
import type { InheritedSocket } from "../inherited.ts";
import type { Opened } from "./dial.ts";
import { type SocketFiles, socketFiles } from "./files.ts";
import { type BunHandlers, type BunSocket, BunTransport, handlers, type Slot } from "./transport.ts";
import { placed } from "../placed.ts";
import { secured } from "../tls/secured.ts";
import { Shortage } from "../shortage.ts";

/** The slice of Bun that is used here. */
declare const Bun: {
  listen<Data>(options: BunOptions<Data>): BunListener;
  readonly version: string;
  readonly semver: { satisfies(version: string, range: string): boolean };
};

interface BunAddress {
  readonly hostname?: string;
  readonly port?: number;
  readonly unix?: string;
}
interface BunListener extends BunAddress {
  readonly fd: number;
  /** Fills in where it is bound; nothing for a Unix socket. */
  getsockname(name: { address?: string; port?: number }): void;
  stop(): void;
}
interface BunOptions<Data> extends BunAddress {
  readonly fd?: number;
  readonly data: Data;
  readonly socket: BunHandlers<Data>;
  readonly allowHalfOpen: boolean;
  readonly reusePort?: boolean;
  readonly ipv6Only?: boolean;
}

/** Its TLS needs what no document of Bun promises (`initialData`), so only in versions like the one it was tried in. */
const ownTls = typeof Bun === "object" && Bun.semver.satisfies(Bun.version, "^1.4.5");

/** In JavaScriptCore a view is the dearer: it has to be told of, and its memory is collected apart. */
copyFrames(512);

/** Bun's own sockets. */
export const bunAdapter: Adapter = {
  name: "bun",
  can: {
    reset: true,
    reusePort: true,
    // Always 512.
    backlog: false,
    ipv6Only: true,
    descriptor: process.platform !== "win32",
    noDelay: true,
    keepAlive: true,
    keepAliveDelay: true,
    unix: true,
    socketMode: process.platform !== "win32",
    socketOwner: process.platform !== "win32",
    pause: true,
    tls: true,
    tlsCiphers: true,
    // BoringSSL leaves those of TLS 1.3 as they are.
    tlsCipherSuites: false,
    ownTls,
  },
  longestPath: longestPath(process.platform),
  ...secured(placed({ bind, dial, discard: closeSync }), {
    ownTls,
    // See tls/below_socket.ts.
    sockets: async () => {
      const net = await import("../node/adapter.ts");
      const files = await socketFiles();
      return placed({
        bind: (options, accept, at) => bindNet(options, accept, at, net.bind, files),
        discard: closeSync,
        dial: (options) => net.dial(options, (socket, action) => spareNetSocket(socket, files, action)),
      });
    },
    lower: async () => {
      const { BelowSocket } = await import("../tls/below_socket.ts");
      return (transport, owner, first) => new BelowSocket(transport, owner, first);
    },
  }),
};

// -- listening ------------------------------------------------------------------------------------------

/** With `tls`, secured by Bun itself. */
async function bind(
  options: AdapterListenOptions,
  accept: (transport: Transport) => void,
  at: Address,
): Promise<InheritedSocket> {
  const { tls, handshakes } = options;
  if (tls === undefined) return bindSocket(options, (socket, peer) => accepted(socket, peer, accept), at);
  const { BunTlsAcceptor } = await import("./server_handshake.ts");
  const acceptor = new BunTlsAcceptor(tls, handshakes, accept);
  const listener = await bindSocket(options, (socket, peer) => acceptor.take(socket, peer), at);
  return Object.assign(listener, { tls: "bun" });
}

/** Bun does not tell which address of a name it has bound. */
async function resolved(at: Address): Promise<Address> {
  if (at.transport === "unix" || isIp(at.host)) return at;
  try {
    const { lookup } = await import("node:dns/promises");
    return { ...at, host: (await lookup(at.host)).address };
  } catch (cause) {
    throw listenError(cause, at);
  }
}

function accepted(socket: BunSocket<Slot>, peer: Peer, accept: (transport: Transport) => void): void {
  const transport = new BunTransport(socket, peer);
  accept(transport);
  transport.accepted();
}

async function bindSocket(
  options: AdapterListenOptions,
  opened: Opened<void>,
  place: Address,
): Promise<InheritedSocket> {
  const { address, descriptor } = options;
  const at = await resolved(place);
  const files = await socketFiles();
  const shortage = new Shortage(options.failed);
  const server = open(options, (socket) => {
    if (files.isSpare(socket.fd)) {
      shortage.met(() => files.error(action));
      return socket.terminate();
    }
    tune(socket, options, bound);
    const peer = acceptedPeer(socket, bound);
    if (peer.ip === "" && bound.transport === "tcp") options.lost?.(resetBefore(action));
    opened(socket, peer);
  }, at);
  const bound = descriptor === undefined
    ? boundAt(address, { host: at.transport === "tcp" ? at.host : "", port: server.port ?? 0 })
    : inheritedAt(address, toldBy(server));
  const action = `accept on ${addressText(bound)}`;
  const stop = () => {
    server.stop();
    return Promise.resolve();
  };
  return {
    address: bound,
    get descriptor() {
      return server.fd >= 0 ? server.fd : undefined;
    },
    stop,
    duplicate: () => duplicated(server.fd),
  };
}

async function duplicated(descriptor: number | undefined): Promise<number> {
  const { duplicate } = await import("./duplicate.ts");
  return duplicate(descriptor ?? -1);
}

/** Where the socket of a listener is bound; undefined for a Unix socket. */
function toldBy(server: BunListener): { readonly host: string; readonly port: number } | undefined {
  const name: { address?: string; port?: number } = {};
  server.getsockname(name);
  const { address: host, port } = name;
  return host === undefined || port === undefined ? undefined : { host, port };
}

/** With the sockets of Bun's `node:net`. */
function bindNet(
  options: AdapterListenOptions,
  accept: (transport: Transport) => void,
  at: Address,
  bind: typeof import("../node/adapter.ts").bind,
  files: SocketFiles,
): Promise<InheritedSocket> {
  const { address, failed } = options;
  const shortage = new Shortage(failed);
  const keepSpare = (socket: Socket): void => {
    const error = spareNetSocket(socket, files, `accept on ${addressText(address)}`);
    if (error === undefined) return;
    shortage.met(() => error);
    socket.destroy();
  };
  const listening = bind(options, accept, at, (server) => server.on("connection", keepSpare));
  return listening.then((listener) => ({
    address: listener.address,
    get descriptor() {
      return listener.descriptor;
    },
    stop: () => listener.stop(),
    duplicate: () => duplicated(listener.descriptor),
  }), (error: Error) => {
    throw error instanceof SocketError ? listenError(error.cause, address) : error;
  });
}

function spareNetSocket(
  { _handle }: Socket & { readonly _handle?: { readonly fd?: number } | null },
  files: SocketFiles,
  action: string,
): SocketError | undefined {
  return files.isSpare(_handle?.fd) ? files.error(action) : undefined;
}

function open(
  { address, reusePort, ipv6Only, descriptor }: AdapterListenOptions,
  data: Slot,
  at: Address,
): BunListener {
  try {
    return Bun.listen({
      ...(descriptor === undefined ? place(at) : { fd: descriptor }),
      data,
      socket: handlers,
      allowHalfOpen: true,
      reusePort,
      ipv6Only,
    });
  } catch (cause) {
    throw listenError(cause, address);
  }
}

function listenError(cause: unknown, address: Address): SocketError {
  const action = `listen on ${addressText(address)}`;
  // Bun says nothing about a name that it can't resolve but that listening failed.
  if (address.transport === "tcp" && (cause as { code?: string }).code === undefined) {
    return socketErrorFrom(Object.assign(cause as Error, { code: "ENOTFOUND" }), action);
  }
  return socketErrorFrom(cause, action);
}

// -- connecting -----------------------------------------------------------------------------------------

/** Bun's `node:net`, which is a quarter of what a server would have to load before it listens. */
const dialing = onFirstUse(() => import("./dial.ts"));
const securing = onFirstUse(() => import("./client_handshake.ts"));

/** With `tls`, secured by Bun itself. */
async function dial(options: AdapterConnectOptions): Promise<Transport> {
  const { tls, address, signal } = options;
  const { dialSocket } = await dialing();
  const files = await socketFiles();
  const secure = tls && (await securing()).secureBunClient;
  return dialSocket(options, (socket, peer) => {
    if (files.isSpare(socket.fd)) {
      socket.terminate();
      throw files.error(`connect to ${addressText(address)}`);
    }
    tune(socket, options, address);
    return secure ? secure(socket, peer, tls, address, signal) : connected(socket, peer);
  });
}

function connected(socket: BunSocket<Slot>, peer: Peer): Transport {
  const transport = new BunTransport(socket, peer);
  transport.accepted();
  return transport;
}

function place(address: Address): BunAddress {
  return address.transport === "unix"
    ? { unix: address.path }
    : { hostname: address.host, port: address.port };
}

function tune(socket: BunSocket<Slot>, { noDelay, keepAlive }: SocketTuning, { transport }: Address): void {
  if (transport === "unix") return;
  // Bun has it on from the start, and each of these is a call of the system.
  if (!noDelay) socket.setNoDelay(false);
  if (keepAlive !== "system") {
    socket.setKeepAlive(keepAlive !== false, Number(keepAlive === true ? 0 : keepAlive));
  }
}
