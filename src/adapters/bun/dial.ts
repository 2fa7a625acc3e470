/**
 * Connecting on Bun, by an attempt that can be called back.
 *
 * Used by `bun/adapter.ts`. `Bun.connect` gives no hold of an attempt before it has succeeded: one that is aborted keeps its
 * descriptor and the process alive for as long as the system goes on trying, two minutes and more. Bun's `node:net`
 * does, and its socket is one of Bun's own, whose handlers can be replaced (`reload`).
 */
import { Socket } from "node:net";
import type { AdapterConnectOptions, Address, Peer } from "../../core/transport.ts";
import { abortedConnect, openedPeer, unixPeer } from "../address.ts";
import { dialByName, type TcpAddress } from "../by_name.ts";
import { isUnreachable } from "./route.ts";
import { type BunHandlers, type BunSocket, handlers, type Slot } from "./transport.ts";
import { connectError } from "../connect_failure.ts";

/** The slice of Bun that is used here. */
declare const Bun: {
  connect(options: {
    readonly unix?: string;
    readonly hostname?: string;
    readonly port?: number;
    readonly data: Slot;
    readonly socket: BunHandlers<Slot>;
    readonly allowHalfOpen: boolean;
  }): Promise<unknown>;
};

/** What is below a socket of Bun's `node:net`. */
type Handle = BunSocket<Slot> & { reload(options: { readonly socket: BunHandlers<Slot> }): void };
type HandledSocket = Socket & { _handle?: Handle | null };

/** Takes a socket in the same turn that it has been opened. */
export type Opened<Result> = (socket: BunSocket<Slot>, peer: Peer) => Result;

/** Rejects with a `SocketError`; once the signal has aborted it, nothing of the attempt is left. */
export async function dialSocket<T extends { abort(): void }>(
  { address, signal }: AdapterConnectOptions,
  opened: Opened<T | Promise<T>>,
): Promise<T> {
  if (signal?.aborted) throw abortedConnect(signal, address);
  // At a path an attempt succeeds or fails at once.
  if (address.transport === "unix") return dialOwn(address, address, signal, opened);
  const { result } = await dialByName(
    address,
    signal,
    (at, each) => dialNet(at, address, each, opened),
    (late) => void Promise.resolve(late.result).then((one) => one.abort(), () => {}),
  );
  return result;
}

/** What was made of a socket once it was open, which may take longer than the attempt to open it. */
interface Taken<T> {
  readonly result: T | Promise<T>;
}

function dialNet<T>(
  at: TcpAddress,
  address: Address,
  signal: AbortSignal | undefined,
  opened: Opened<T | Promise<T>>,
): Promise<Taken<T>> {
  return new Promise((resolve, reject) => {
    const socket: HandledSocket = new Socket({ allowHalfOpen: true });
    const taken = takenBy(opened, (result) => resolve({ result }), reject);
    // Nothing is to be read before its own handlers are there.
    socket.pause();
    const settle = () => signal?.removeEventListener("abort", aborted);
    const aborted = () => {
      settle();
      socket.destroy();
      reject(abortedConnect(signal!, address));
    };
    signal?.addEventListener("abort", aborted);
    socket.on("error", (cause) => {
      settle();
      const refused = (cause as { code?: unknown }).code === "ECONNREFUSED";
      if (!refused || !isUnreachable(at.host.replace(/%.*/, ""))) return reject(connectError(cause, address));
      reject(connectError({ code: "ENETUNREACH", message: "the network is unreachable" }, address));
    });
    socket.on("connect", () => {
      settle();
      const own = takenFrom(socket);
      if (own !== undefined) return taken(own, openedPeer(own, at));
      // Another version of Bun.
      socket.destroy();
      resolve({ result: dialOwn(at, address, signal, opened) });
    });
    socket.connect({ host: at.host, port: at.port });
  });
}

/** Bun's own socket, from now on without the one of `node:net` above it; undefined where that is none of Bun's. */
function takenFrom(socket: HandledSocket): BunSocket<Slot> | undefined {
  const handle = socket._handle;
  if (typeof handle?.reload !== "function") return undefined;
  handle.reload({ socket: handlers });
  handle.resume();
  socket.removeAllListeners();
  socket._handle = null;
  // It holds on to what was above it, which would be a socket of `node:net` for each connection.
  for (const owner of Object.getOwnPropertySymbols(handle)) {
    Reflect.set(handle, owner, undefined);
  }
  return handle;
}

/** What `opened` throws rejects, and nothing of it gets into Bun's handlers. */
function takenBy<T>(
  opened: Opened<T | Promise<T>>,
  resolve: (result: T | Promise<T>) => void,
  reject: (error: unknown) => void,
): Opened<void> {
  return (socket, peer) => {
    try {
      resolve(opened(socket, peer));
    } catch (error) {
      reject(error);
    }
  };
}

function dialOwn<T>(
  at: Address,
  address: Address,
  signal: AbortSignal | undefined,
  opened: Opened<T | Promise<T>>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const taken = takenBy(opened, resolve, reject);
    const aborted = () => reject(abortedConnect(signal!, address));
    signal?.addEventListener("abort", aborted);
    const connected = (socket: BunSocket<Slot>) => {
      signal?.removeEventListener("abort", aborted);
      if (signal?.aborted) return socket.terminate();
      taken(socket, at.transport === "unix" ? unixPeer("") : openedPeer(socket, at));
    };
    const place = at.transport === "unix" ? { unix: at.path } : { hostname: at.host, port: at.port };
    Bun.connect({ ...place, data: connected, socket: handlers, allowHalfOpen: true }).catch((cause) => {
      signal?.removeEventListener("abort", aborted);
      reject(connectError(cause, address));
    });
  });
}
