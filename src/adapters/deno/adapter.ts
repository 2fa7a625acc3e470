/**
 * Sockets of Deno: `Deno.listen` and `Deno.connect`.
 *
 * Loaded by `detect.ts`; `deno/transport.ts` is one connection of it.
 */
import { searchBytes } from "../../core/bytes/byte_search.ts";
import { copyFrames } from "../../core/bytes/bytes.ts";
import { addressText } from "../../core/text/place.ts";
import { onFirstUse } from "../../core/loading.ts";
import { socketErrorFrom } from "../../core/errors.ts";
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
import { FailingAccepts } from "../accept_fault.ts";
import { abortedConnect, boundAt, longestPath, plainIp, tcpPeer, unixPeer } from "../address.ts";
import type { InheritedSocket } from "../inherited.ts";
import { connectError } from "../connect_failure.ts";
import { denoByteSearch } from "./byte_search.ts";
import { placed } from "../placed.ts";
import { secured } from "../tls/secured.ts";
import { type DenoAddr, type DenoConn, DenoTransport } from "./transport.ts";

/** The slice of Deno that is used here. */
declare const Deno: {
  listen(options: DenoListenOptions): DenoListener;
  connect(options: DenoPlace & { readonly signal?: AbortSignal }): Promise<DenoConn>;
  readonly build: { readonly os: string };
  /** There only with `--unstable-net`. */
  readonly listenDatagram?: unknown;
};

type DenoPlace =
  | { readonly transport: "unix"; readonly path: string }
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number };
type DenoListenOptions = DenoPlace & { tcpBacklog?: number; reusePort?: boolean };
interface DenoListener {
  readonly addr: DenoAddr;
  accept(): Promise<DenoConn>;
  close(): void;
}

const os = typeof Deno === "object" ? Deno.build.os : "linux";

if (typeof Deno === "object") {
  // Memory of its own costs ten times as much here as a view, be it for a few bytes.
  copyFrames(0);
  searchBytes(denoByteSearch);
}

const net = onFirstUse(() => import("./net.ts"));

/** What has a duplicate has loaded this before. */
function discard(descriptor: number): void {
  void net().then((loaded) => loaded.discard(descriptor));
}

const ownSockets = placed({ bind, dial, discard });

/** Deno's own sockets. */
export const denoAdapter: Adapter = {
  name: "deno",
  can: {
    reset: false,
    // Without `--unstable-net` asking for it ends the process, and no exception tells.
    reusePort: typeof Deno === "object" && Deno.listenDatagram !== undefined,
    backlog: true,
    ipv6Only: false,
    descriptor: os !== "windows",
    noDelay: true,
    keepAlive: true,
    keepAliveDelay: false,
    unix: true,
    socketMode: os !== "windows",
    socketOwner: os !== "windows",
    pause: true,
    tls: true,
    // Rustls leaves all of them as they are.
    tlsCiphers: false,
    tlsCipherSuites: false,
    ownTls: false,
  },
  longestPath: longestPath(os),
  ...secured(ownSockets, {
    sockets: async () => (await net()).netSockets(ownSockets),
    lower: async () => {
      const { BelowDeno } = await import("../tls/below_deno.ts");
      return (transport, owner, first) => new BelowDeno(transport, owner, first);
    },
  }),
};

// -- listening ------------------------------------------------------------------------------------------

function bind(
  options: AdapterListenOptions,
  accept: (transport: Transport) => void,
  at: Address,
): Promise<InheritedSocket> {
  // `Deno.listen` takes none.
  if (options.descriptor !== undefined) {
    return net().then(({ bindInherited }) => bindInherited(options, accept, at));
  }
  return Promise.resolve().then(() => new DenoAcceptor(open(options, at), options, accept));
}

function open({ address, backlog, reusePort }: AdapterListenOptions, at: Address): DenoListener {
  const options: DenoListenOptions = { ...place(at) };
  if (backlog !== undefined) options.tcpBacklog = backlog;
  if (reusePort) options.reusePort = true;
  try {
    return Deno.listen(options);
  } catch (cause) {
    throw socketErrorFrom(cause, `listen on ${addressText(address)}`);
  }
}

/** The loop of accepts of one listener. */
class DenoAcceptor implements Listener {
  readonly address: Address;
  readonly #listener: DenoListener;
  readonly #options: AdapterListenOptions;
  readonly #failing: FailingAccepts;
  readonly #accept: (transport: Transport) => void;
  #stopped: Promise<void> | undefined = undefined;
  #released: (() => void) | undefined = undefined;
  /** It accepts no more, and nobody asked it to stop. */
  #over = false;
  #resting: ReturnType<typeof setTimeout> | undefined = undefined;

  constructor(listener: DenoListener, options: AdapterListenOptions, accept: (transport: Transport) => void) {
    const { addr } = listener;
    this.address = addr.transport === "tcp"
      ? boundAt(options.address, { host: addr.hostname, port: addr.port })
      : options.address;
    this.#listener = listener;
    this.#options = options;
    this.#failing = new FailingAccepts(options);
    this.#accept = accept;
    this.#next();
  }

  /** The kernel's socket lives until the accept that is under way has been told off. */
  stop(): Promise<void> {
    return this.#stopped ??= new Promise((resolve) => {
      this.#released = resolve;
      if (!this.#over) this.#listener.close();
      if (!this.#over && this.#resting === undefined) return;
      clearTimeout(this.#resting);
      resolve();
    });
  }

  readonly #next = (): void => {
    this.#resting = undefined;
    this.#listener.accept().then(this.#accepted, this.#failed);
  };

  readonly #accepted = (conn: DenoConn): void => {
    this.#failing.passed();
    tune(conn, this.#options);
    this.#accept(new DenoTransport(conn, acceptedPeer(conn, this.address)));
    if (this.#stopped === undefined) this.#next();
    else this.#released!();
  };

  readonly #failed = (cause: unknown): void => {
    if (this.#stopped !== undefined) return this.#released!();
    const wait = this.#failing.met(cause, `accept on ${addressText(this.address)}`);
    if (wait === 0) return this.#next();
    if (wait !== undefined) this.#resting = setTimeout(this.#next, wait);
    else {
      this.#over = true;
      this.#listener.close();
    }
  };
}

function acceptedPeer({ remoteAddr, localAddr }: DenoConn, bound: Address): Peer {
  if (bound.transport === "unix" || remoteAddr.transport === "unix" || localAddr.transport === "unix") {
    return unixPeer(bound.transport === "unix" ? bound.path : "");
  }
  if (bound.host === "::" || bound.host === "0.0.0.0") {
    return tcpPeer(remoteAddr.hostname, remoteAddr.port, localAddr.hostname, localAddr.port);
  }
  return { ip: plainIp(remoteAddr.hostname), port: remoteAddr.port, local: bound };
}

// -- connecting -----------------------------------------------------------------------------------------

async function dial(options: AdapterConnectOptions): Promise<Transport> {
  const { address, signal } = options;
  let conn: DenoConn;
  try {
    conn = await Deno.connect(signal === undefined ? place(address) : { ...place(address), signal });
  } catch (cause) {
    if (signal?.aborted) throw abortedConnect(signal, address);
    throw connectError(cause, address);
  }
  // Not every kind of connection heeds the signal.
  if (signal?.aborted) {
    conn.close();
    throw abortedConnect(signal, address);
  }
  tune(conn, options);
  const { remoteAddr, localAddr } = conn;
  const peer = remoteAddr.transport === "unix" || localAddr.transport === "unix"
    ? unixPeer("")
    : tcpPeer(remoteAddr.hostname, remoteAddr.port, localAddr.hostname, localAddr.port);
  return new DenoTransport(conn, peer);
}

function place(address: Address): DenoPlace {
  return address.transport === "unix"
    ? address
    : { transport: "tcp", hostname: address.host, port: address.port };
}

function tune(conn: DenoConn, { noDelay, keepAlive }: SocketTuning): void {
  try {
    conn.setNoDelay?.(noDelay);
    if (keepAlive !== "system") conn.setKeepAlive?.(keepAlive !== false);
  } catch {
    // Some systems refuse it once the peer has reset the connection, which reading will tell.
  }
}
