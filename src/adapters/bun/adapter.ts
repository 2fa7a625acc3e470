/**
 * Sockets of Bun: `Bun.listen` and `Bun.connect`.
 *
 * Loaded by `detect.ts`; `bun/transport.ts` is one connection of it.
 */
import type { Socket } from "node:net";
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
  Listener,
  Peer,
  SocketTuning,
  Transport,
} from "../../core/transport.ts";
import { resetBefore } from "../accept_fault.ts";
import { acceptedPeer, boundAt, longestPath } from "../address.ts";
import type { Opened } from "./dial.ts";
import { type SocketFiles, socketFiles } from "./files.ts";
import { type BunHandlers, type BunSocket, BunTransport, handlers, type Slot } from "./transport.ts";
import { placed } from "../placed.ts";
import { secured } from "../tls/secured.ts";
import { Shortage } from "../shortage.ts";

/** The slice of Bun that is used here. */
declare const Bun: {
  listen<Data>(options: BunOptions<Data>): BunAddress & { stop(): void };
  readonly version: string;
  readonly semver: { satisfies(version: string, range: string): boolean };
};

interface BunAddress {
  readonly hostname?: string;
  readonly port?: number;
  readonly unix?: string;
}
interface BunOptions<Data> extends BunAddress {
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
  ...secured(placed({ bind, dial }), {
    ownTls,
    // See tls/below_socket.ts.
    sockets: async () => {
      const net = await import("../node/adapter.ts");
      const files = await socketFiles();
      return placed({
        bind: (options, accept, at) => bindNet(options, accept, at, net.bind, files),
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
): Promise<Listener> {
  const { tls, handshakes } = options;
  if (tls === undefined) return bindSocket(options, (socket, peer) => accepted(socket, peer, accept), at);
  const { BunTlsAcceptor } = await import("./server_handshake.ts");
  const acceptor = new BunTlsAcceptor(tls, handshakes, accept);
  return { ...await bindSocket(options, (socket, peer) => acceptor.take(socket, peer), at), tls: "bun" };
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
): Promise<Listener> {
  const { address } = options;
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
  const bound = boundAt(address, { host: at.transport === "tcp" ? at.host : "", port: server.port ?? 0 });
  const action = `accept on ${addressText(bound)}`;
  const stop = () => {
    server.stop();
    return Promise.resolve();
  };
  return { address: bound, stop };
}

/** With the sockets of Bun's `node:net`. */
function bindNet(
  options: AdapterListenOptions,
  accept: (transport: Transport) => void,
  at: Address,
  bind: typeof import("../node/adapter.ts").bind,
  files: SocketFiles,
): Promise<Listener> {
  const { address, failed } = options;
  const shortage = new Shortage(failed);
  const keepSpare = (socket: Socket): void => {
    const error = spareNetSocket(socket, files, `accept on ${addressText(address)}`);
    if (error === undefined) return;
    shortage.met(() => error);
    socket.destroy();
  };
  return bind(options, accept, at, (server) => server.on("connection", keepSpare)).catch((error: Error) => {
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
  { address, reusePort, ipv6Only }: AdapterListenOptions,
  data: Slot,
  at: Address,
): BunAddress & { stop(): void } {
  try {
    return Bun.listen({
      ...place(at),
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
