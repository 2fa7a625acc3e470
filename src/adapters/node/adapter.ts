/**
 * Sockets of Node.js: `node:net`.
 *
 * Loaded by `detect.ts`; `node/transport.ts` is one connection of it.
 */
import { addressText } from "../../core/text/place.ts";
import { createServer, type ListenOptions as NodeListenOptions, type Server, Socket } from "node:net";
import { type SocketError, socketErrorFrom } from "../../core/errors.ts";
import type {
  Adapter,
  AdapterConnectOptions,
  AdapterListenOptions,
  Address,
  Listener,
  SocketTuning,
} from "../../core/transport.ts";
import { FailingAccepts, resetBefore } from "../accept_fault.ts";
import {
  abortedConnect,
  acceptedPeer,
  boundAt,
  inheritedAt,
  longestPath,
  openedPeer,
  unixPeer,
} from "../address.ts";
import type { InheritedSocket } from "../inherited.ts";
import { dialByName } from "../by_name.ts";
import { connectError } from "../connect_failure.ts";
import { PausingListener } from "./pausing.ts";
import { NodeTransport } from "./transport.ts";
import { placed } from "../placed.ts";
import { secured } from "../tls/secured.ts";

/** Not by an import of its module, for which Node opens all of its standard streams. */
const { process } = globalThis;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

/** Plain sockets, also those under TLS on Bun. */
const nodeSockets: Pick<Adapter, "listen" | "connect"> = placed({ bind, dial });

/** The same where nothing will be laid over them. */
const keptSockets = placed({
  bind: (options, accept, at) => bind(options, (transport) => accept(transport.keep()), at),
  dial: async (options) => (await dial(options)).keep(),
});

/** Node's own sockets. */
export const nodeAdapter: Adapter = {
  name: "node",
  can: {
    reset: true,
    // Before 23.1 only `node:cluster` shares a port; and SO_REUSEPORT balances on few systems, of which Linux.
    reusePort: process.platform === "linux" && (major > 23 || (major === 23 && minor >= 1)),
    backlog: true,
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
    tlsCipherSuites: true,
    ownTls: false,
  },
  longestPath: longestPath(process.platform),
  ...secured(keptSockets, {
    sockets: () => Promise.resolve(nodeSockets),
    lower: async () => {
      const { BelowHandle } = await import("../tls/below_handle.ts");
      return (transport, owner, first) => new BelowHandle(transport, owner, first);
    },
  }),
};

// -- listening ------------------------------------------------------------------------------------------

/** `made` is given the server before it listens; it may destroy connections, which are not accepted then. */
export function bind(
  options: AdapterListenOptions,
  accept: (transport: NodeTransport) => void,
  at: Address,
  made?: (server: Server) => void,
): Promise<InheritedSocket> {
  const { address } = options;
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, ...tuning(options) });
    made?.(server);
    const refused = (cause: Error) => reject(socketErrorFrom(cause, `listen on ${addressText(address)}`));
    server.once("error", refused);
    server.listen(binding(options, at), () => {
      const bound = boundAddress(server, options);
      server.off("error", refused);
      // Of too many open files this hears nothing: libuv then accepts with a descriptor it kept back, and closes.
      const failing = new FailingAccepts(options);
      const action = `accept on ${addressText(bound)}`;
      server.on("error", (cause: Error) => {
        if (failing.met(cause, action) === undefined) server.close();
      });
      server.on("connection", (socket: Socket) => {
        if (socket.destroyed) return;
        const peer = acceptedPeer(socket, bound);
        if (peer.ip === "" && bound.transport === "tcp") options.lost?.(resetBefore(action));
        accept(new NodeTransport(socket, peer));
      });
      const listener = new NodeListener(bound, server);
      if (options.descriptor === undefined) resolve(listener);
      else resolve(new PausingListener(listener, server, options.backlog));
    });
  });
}

function binding(
  { backlog, ipv6Only, reusePort, descriptor }: AdapterListenOptions,
  at: Address,
): NodeListenOptions {
  // A worker of `node:cluster` would ask the primary process for its own descriptor of that number.
  const options: NodeListenOptions & { reusePort?: boolean; fd?: number } = descriptor !== undefined
    ? { fd: descriptor, exclusive: true }
    : at.transport === "unix"
    ? { path: at.path }
    : { host: at.host, port: at.port, ipv6Only };
  if (backlog !== undefined) options.backlog = backlog;
  if (reusePort) options.reusePort = true;
  return options;
}

function boundAddress(server: Server, { address: asked, descriptor }: AdapterListenOptions): Address {
  const bound = server.address();
  if (descriptor !== undefined) {
    const told = bound !== null && typeof bound === "object" && "port" in bound ? bound : undefined;
    return inheritedAt(asked, told && { host: told.address, port: told.port });
  }
  if (bound === null || typeof bound === "string") return asked;
  return boundAt(asked, { host: bound.address, port: bound.port });
}

/** A server of `node:net` that listens. */
class NodeListener implements Listener {
  readonly address: Address;
  readonly #server: Server & { readonly _handle?: { readonly fd?: number } | null };

  constructor(address: Address, server: Server) {
    this.address = address;
    this.#server = server;
  }

  get descriptor(): number | undefined {
    const fd = this.#server._handle?.fd;
    return fd !== undefined && fd >= 0 ? fd : undefined;
  }

  /** The descriptor is closed when `close` returns; its callback would wait for every open connection. */
  stop(): Promise<void> {
    if (this.#server.listening) this.#server.close();
    return Promise.resolve();
  }
}

// -- connecting -----------------------------------------------------------------------------------------

/** Asked of a socket that is connected; what it returns refuses it. */
type Fault = (socket: Socket, action: string) => SocketError | undefined;

/** Connects. */
export function dial(options: AdapterConnectOptions, fault?: Fault): Promise<NodeTransport> {
  const { address, signal } = options;
  if (address.transport === "unix") return dialAt(address, options, signal, fault);
  return dialByName(address, signal, (at, each) => dialAt(at, options, each, fault), (late) => late.abort());
}

function dialAt(
  at: Address,
  options: AdapterConnectOptions,
  signal: AbortSignal | undefined,
  fault: Fault | undefined,
): Promise<NodeTransport> {
  const { address } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortedConnect(signal, address));
    // `connect` would take these and not heed them: only the constructor does.
    const socket = new Socket({ allowHalfOpen: true, ...(address.transport === "tcp" && tuning(options)) });
    socket.pause();
    const settle = () => {
      socket.off("error", failed);
      socket.off("connect", connected);
      signal?.removeEventListener("abort", aborted);
    };
    const failed = (cause: Error) => {
      settle();
      reject(connectError(cause, address));
    };
    const connected = () => {
      settle();
      const error = fault?.(socket, `connect to ${addressText(address)}`);
      if (error !== undefined) {
        socket.destroy();
        return reject(error);
      }
      const peer = at.transport === "unix" ? unixPeer("") : openedPeer(socket, at);
      resolve(new NodeTransport(socket, peer));
    };
    const aborted = () => {
      settle();
      socket.on("error", ignore);
      socket.destroy();
      reject(abortedConnect(signal!, address));
    };
    socket.on("error", failed);
    socket.on("connect", connected);
    signal?.addEventListener("abort", aborted);
    socket.connect(at.transport === "unix" ? { path: at.path } : { host: at.host, port: at.port });
  });
}

function tuning({ noDelay, keepAlive }: SocketTuning): SocketOptions {
  if (typeof keepAlive === "boolean" || keepAlive === "system") {
    return { noDelay, keepAlive: keepAlive === true };
  }
  return { noDelay, keepAlive: true, keepAliveInitialDelay: keepAlive };
}

interface SocketOptions {
  noDelay: boolean;
  keepAlive: boolean;
  keepAliveInitialDelay?: number;
}

function ignore(): void {}
