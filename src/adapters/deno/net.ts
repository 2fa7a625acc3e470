/**
 * Deno's `node:net`: the sockets under TLS, since Deno lays `node:tls` over these without taking the ciphertext through
 * streams of JavaScript.
 *
 * Loaded by `deno/adapter.ts` when TLS is wanted. Knows where Deno's differs from Node's, and nothing of TLS.
 */
import { addressText } from "../../core/text/place.ts";
import { type Server, Socket } from "node:net";
import { SocketError, socketErrorFrom } from "../../core/errors.ts";
import type {
  Adapter,
  AdapterConnectOptions,
  AdapterListenOptions,
  Address,
  Listener,
  Transport,
} from "../../core/transport.ts";
import { connectError } from "../connect_failure.ts";
import type { InheritedSocket } from "../inherited.ts";
import { bind, dial } from "../node/adapter.ts";
import { placed } from "../placed.ts";

type Sockets = Pick<Adapter, "listen" | "connect">;

/** The part of a server of Deno's `node:net` that is meant here. */
interface Handled {
  readonly _handle?: {
    listen(backlog: number): number;
    /** A duplicate of its descriptor. */
    fdForIpc(): number;
    writeBuffer(request: { oncomplete: () => void }, chunk: Uint8Array): number;
  } | null;
  /** Called once the name has been looked up. */
  _listen2?: (...args: unknown[]) => void;
}

/** What Node and Deno take where nothing is said. */
const usualBacklog = 511;
const nothing = new Uint8Array(0);
/** How long a listener sleeps at most once the system had no descriptor for another connection, in ms. */
const longestSleep = 500;

/** `own` are Deno's own sockets, which say better why they cannot listen. */
export function netSockets(own: Sockets): Sockets {
  return placed({
    bind: (options, accept, at) => listen(options, accept, at, own),
    discard,
    dial: (options) => connect(options),
  });
}

/** On a descriptor that the process has inherited. */
export function bindInherited(
  options: AdapterListenOptions,
  accept: (transport: Transport) => void,
  at: Address,
): Promise<InheritedSocket> {
  return listen(options, accept, at, undefined);
}

/** Closes a descriptor. Deno's `node:fs` knows only those that it has opened. */
export function discard(descriptor: number): void {
  new Socket({ fd: descriptor, readable: false, writable: false }).on("error", ignore).destroy();
}

async function listen(
  options: AdapterListenOptions,
  accept: (transport: Transport) => void,
  at: Address,
  own: Sockets | undefined,
): Promise<InheritedSocket> {
  let server: Server & Handled;
  let listener: Listener;
  try {
    listener = await bind(options, accept, at, (made) => prepare(server = made, options));
  } catch (error) {
    const told = retold(error, `listen on ${addressText(options.address)}`);
    if (told.reason === "unknown" && own !== undefined && options.descriptor === undefined) {
      await (await own.listen(options, ignore)).stop();
    }
    throw told;
  }
  const { address } = listener;
  const waking = setInterval(() => wake(server, { ...options, address }), longestSleep);
  const stop = () => {
    clearInterval(waking);
    return listener.stop();
  };
  return { address, stop, duplicate: () => server._handle!.fdForIpc() };
}

/**
 * Where there is no descriptor left for a connection, a listener waits for good: nothing tells it that there are more
 * connections to accept. These calls change nothing, but make it look.
 */
function wake({ _handle }: Handled, { address, backlog }: AdapterListenOptions): void {
  if (address.transport === "tcp") _handle?.listen(backlog ?? usualBacklog);
  else _handle?.writeBuffer({ oncomplete: ignore }, nothing);
}

function prepare(server: Server & Handled, { keepAlive }: AdapterListenOptions): void {
  // A missing permission would end the program: nobody could catch it.
  const listen = server._listen2;
  server._listen2 = (...args) => {
    try {
      listen?.apply(server, args);
    } catch (error) {
      server.emit("error", error);
    }
  };
  // This option of a server is not heeded.
  if (keepAlive !== "system" && keepAlive !== false) {
    server.on("connection", (socket: Socket) => socket.setKeepAlive(true));
  }
}

function connect(options: AdapterConnectOptions): Promise<Transport> {
  return dial(options).catch((error) => {
    throw connectError(error, options.address, retold);
  });
}

function retold(error: unknown, action: string): SocketError {
  return error instanceof SocketError && error.reason !== "unknown"
    ? error
    : socketErrorFrom(error instanceof SocketError ? error.cause : error, action);
}

function ignore(): void {}
