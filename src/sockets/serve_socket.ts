/**
 * Framed connections over sockets that are there: of the draft, or handed over by a host such as workerd.
 *
 * What serves or connects elsewhere makes the socket itself; from there on it is the same connection.
 */
import type { Connection } from "../connection/connection.ts";
import { connectionKeys, resolveProfile } from "../connection/profile.ts";
import { Registry } from "../connection/registry.ts";
import type { Session } from "../connection/session.ts";
import type { TerminationRecord } from "../connection/termination.ts";
import { SocketError, TimeoutError } from "../core/errors.ts";
import { defaults, OptionsCheck } from "../core/options.ts";
import { systemClock } from "../core/time/clock.ts";
import { checkDuration } from "../core/time/duration.ts";
import type { FrameSocketOptions, ServeSocketOptions } from "./framed_options.ts";
import type { HostSocket, SocketInfo } from "./socket.ts";
import { brokenBy, peerOf, SocketTransport } from "./socket_transport.ts";

const keys: readonly string[] = [
  ...connectionKeys.filter((key) => !["noDelay", "tcpKeepAlive", "upgradable", "memoryBudget"].includes(key)),
  "connectTimeout",
  "signal",
  "clock",
];

/**
 * Serves one socket that is handed over, as `serve` serves each of its connections: frames, limits, time limits, and the
 * end of the connection are the same. On workerd it is what a Worker's `connect(socket)` calls. Resolves with the
 * termination record when the connection is over and its handler has returned; whatever ends a connection is in its
 * record.
 *
 * @example A Worker that serves TCP on workerd
 * ```ts
 * import { type HostSocket, serveSocket } from "@millrace/millrace/sockets";
 * import { lines } from "@millrace/millrace/streams";
 *
 * export default {
 *   async connect(socket: HostSocket): Promise<void> {
 *     await serveSocket(socket, {
 *       framing: lines({ encoding: "utf-8" }),
 *       onFrame: (line, connection) => connection.send(`got: ${line}`),
 *     });
 *   },
 * };
 * ```
 *
 * @throws {OptionsError} rejects for options that are not valid, and closes the socket
 * @throws {SocketError} rejects when the socket does not open
 * @throws {TimeoutError} rejects when it has not opened by `connectTimeout`
 */
export async function serveSocket<Received, Sent = Received, Context = undefined>(
  socket: HostSocket,
  options: ServeSocketOptions<Received, Sent, Context>,
): Promise<TerminationRecord> {
  const { session, registry } = await begin(socket, options, true);
  return new Promise((resolve) => registry.whenEmpty(() => resolve(session.record!)));
}

/**
 * Makes a framed connection of a socket that this side has connected: `connect` for sockets of the draft, and for those of
 * `cloudflare:sockets`. Resolves when the socket is open.
 *
 * @example
 * ```ts
 * import { connectSocket, frameSocket } from "@millrace/millrace/sockets";
 * import { lines, serve } from "@millrace/millrace";
 *
 * const framing = lines({ encoding: "utf-8" });
 * await using server = await serve({ port: 0, framing, onFrame: (line, connection) => connection.send(line) });
 *
 * const socket = connectSocket(`127.0.0.1:${server.address.port}`, { allowHalfOpen: true });
 * await using connection = await frameSocket(socket, { framing });
 * await connection.send("hello");
 * for await (const line of connection) {
 *   console.log(line); // hello
 *   break;
 * }
 * ```
 *
 * @throws {OptionsError} rejects for options that are not valid, and closes the socket
 * @throws {SocketError} rejects when the socket does not open
 * @throws {TimeoutError} rejects when it has not opened by `connectTimeout`
 */
export async function frameSocket<Received, Sent = Received, Context = undefined>(
  socket: HostSocket,
  options: FrameSocketOptions<Received, Sent, Context>,
): Promise<Connection<Received, Sent, Context>> {
  return (await begin(socket, options, false)).session.connection;
}

interface Begun<Received, Sent, Context> {
  readonly session: Session<Received, Sent, Context>;
  readonly registry: Registry<Received, Sent, Context>;
}

async function begin<Received, Sent, Context>(
  socket: HostSocket,
  options: ServeSocketOptions<Received, Sent, Context>,
  accepted: boolean,
): Promise<Begun<Received, Sent, Context>> {
  try {
    const check = new OptionsCheck();
    check.keys(options, accepted ? [...keys, "handler"] : keys);
    const { handler, signal } = options;
    check.functions({ handler }, ["handler"]);
    if (handler !== undefined && options.onFrame !== undefined) {
      check.refuse("handler", "handler and onFrame", "one of the two");
    }
    const profile = { ...resolveProfile(check, options, handler), accepted };
    const timeout = checkDuration(check, "connectTimeout", options.connectTimeout, defaults.connectTimeout);
    check.done();
    // Timers of its own: hosts such as workerd let a request wake up nothing but itself.
    const clock = options.clock ?? { ...systemClock };
    const info = await within(socket, timeout, signal, clock);
    const transport = new SocketTransport(socket, peerOf(socket, info, !accepted));
    const abort = () => session.connection.destroy();
    const closed = () => signal?.removeEventListener("abort", abort);
    const registry = new Registry<Received, Sent, Context>(clock, [{ closed }]);
    const session = registry.open(transport, Object.freeze(profile));
    if (session.record === undefined) signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    return { session, registry };
  } catch (error) {
    // Nobody else will.
    Promise.resolve(socket?.close?.(error)).catch(() => {});
    throw error;
  }
}

/** Waits for the socket to open. */
async function within(
  socket: HostSocket,
  timeout: number,
  signal: AbortSignal | undefined,
  clock: typeof systemClock,
): Promise<Partial<SocketInfo>> {
  let fail!: (error: Error) => void;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  failed.catch(() => {});
  const give = () => fail(new SocketError("aborted", "open a socket: aborted"));
  const timer = clock.setTimer(() => {
    fail(new TimeoutError("connect", timeout, `open a socket: it has not opened within ${timeout} ms`));
  }, timeout);
  signal?.addEventListener("abort", give);
  if (signal?.aborted) give();
  try {
    return await Promise.race([socket.opened, failed]) ?? {};
  } catch (error) {
    throw error instanceof TimeoutError ? error : brokenBy(error, "open a socket");
  } finally {
    clock.clearTimer(timer);
    signal?.removeEventListener("abort", give);
  }
}
