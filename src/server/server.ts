/** A running server as users see it: what `serve` gives. `socket_server.ts` is what implements it. */
import type { BroadcastReport } from "../connection/broadcast.ts";
import type { Connection } from "../connection/connection.ts";
import type { SendOutcome } from "../core/flow/outcome.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { Adapter, Address } from "../core/transport.ts";
import type { LiveOptions } from "./live_options.ts";
import type { KillOptions } from "./kill_options.ts";
import type { ServerInspection } from "./inspection.ts";
import type { ServerState, ShutdownReport } from "./server_options.ts";
import type { RateSample, ServerStats } from "./server_stats.ts";

/**
 * A running server, from `serve`.
 *
 * @typeParam Received what iterating a connection gives, decided by the framing
 * @typeParam Sent what `send` takes
 * @typeParam Context the value of the option `context`
 * @typeParam At the form of its address: a `port` has become a TCP address, a `path` that of a Unix socket
 */
export interface Server<Received, in Sent = Received, Context = undefined, At extends Address = Address>
  extends AsyncDisposable {
  /** Where it listens; port 0 is replaced by the chosen port. */
  readonly address: At;

  /** Where it is in its life; see {@linkcode ServerState}. */
  readonly state: ServerState;

  /** Open connections by id. */
  readonly connections: ReadonlyMap<string, Connection<Received, Sent, Context>>;

  /** Name of the adapter whose sockets are used. */
  readonly runtime: Adapter["name"];

  /** Resolves, and never rejects, once the server has stopped for any reason. */
  readonly finished: Promise<ShutdownReport>;

  /** Settings of its TLS and the certificates in service, as data; undefined where it has none from the start. */
  readonly tls: ServerInspection["tls"];

  /** Counters since the start, and what is held now. */
  stats(): ServerStats;

  /** Rates over the last second. Sampling starts with the first call, or with `onStats`. */
  rates(): RateSample;

  /** Listener and connections as data. */
  inspect(): ServerInspection;

  /**
   * Sends one frame to all connections, or to those for which `filter` returns true. It is encoded once, and each
   * connection's egress policy applies. Resolves when every outcome is known, so a peer that does not read delays it:
   * in `onFrame`, whose promise holds back the next frame, and in a loop over a connection, use {@linkcode publish}.
   * All frames are queued within one turn, so they reach all connections in the same order.
   *
   * @throws {FrameError} rejects, and sends nothing, for a frame that the framing cannot write
   */
  broadcast(
    frame: Sent,
    filter?: (connection: Connection<Received, Sent, Context>) => boolean,
  ): Promise<BroadcastReport>;

  /**
   * Like `broadcast`, but does not wait and reports no outcomes: use it in `onFrame`. Returns the number of
   * connections that the frame was queued for. Each connection's egress policy applies; `drop-oldest` and `close`
   * suit publishing best. Under `wait`, frames to a slow peer above twice its `egressLimit` are dropped without
   * notice.
   *
   * @throws {FrameError} for a frame that the framing cannot write; nothing is sent, also when `filter` throws
   */
  publish(frame: Sent, filter?: (connection: Connection<Received, Sent, Context>) => boolean): number;

  /** Sends to one connection; for an unknown id the outcome is `failed` with a `SocketError` `unknown_connection`. */
  deliver(id: string, frame: Sent): Promise<SendOutcome>;

  /**
   * Ends one connection; returns false if the id is unknown. Without `lastWords` it is dropped at once, with RST where
   * the runtime can. With them they are sent as the last frame, then FIN. `ban` keeps its address away for a time.
   * The reason in its record is `killed`, with `reason` and `code`. Told to `onAudit`.
   *
   * @example
   * ```ts
   * import { lines, serve } from "@millrace/millrace";
   *
   * const server = await serve({
   *   port: 0,
   *   framing: lines({ encoding: "utf-8" }),
   *   onFrame: (line, { id }) => {
   *     if (line === "spam") server.kill(id, { reason: "spam", lastWords: "bye", ban: "10 minutes" });
   *   },
   * });
   * await server.close();
   * ```
   *
   * @throws {OptionsError} for options that are invalid, and for `ban` where the peer's address is not known; nothing
   * was done then
   * @throws {FrameError} for last words that the framing cannot write; nothing was done then
   */
  kill(id: string, options?: KillOptions<Sent>): boolean;

  /**
   * Bans an address, or the network that it belongs to (`addressPrefix`), for a time; `Infinity` until `unban`. Its
   * connections are rejected as `banned`; open ones stay. A second ban replaces the first. At most 4,096 at one time:
   * past that, the ban that would end first is lifted. Bans are in `inspect().admission`, and end with the server.
   * Told to `onAudit`.
   *
   * @throws {OptionsError} for an address or a duration that is none; a range belongs in the option `deny`
   */
  ban(
    address: string,
    duration: DurationInput,
    why?: Pick<KillOptions<never>, "reason" | "code" | "by">,
  ): void;

  /**
   * Lifts a ban; returns false if there is none. Told to `onAudit`.
   *
   * @throws {OptionsError} for an address that is none
   */
  unban(address: string, why?: Pick<KillOptions<never>, "reason" | "code" | "by">): boolean;

  /**
   * Changes limits while the server runs; {@linkcode LiveOptions} says which, and for whom. All of the change is in
   * force when it returns, or nothing of it. Told to `onAudit`.
   *
   * @throws {OptionsError} for what `serve` would reject, and for an option that cannot change
   */
  update(changes: LiveOptions, why?: Pick<KillOptions<never>, "reason" | "code" | "by">): void;

  /** Stops accepting: the port refuses connections until `resume`. Open connections continue. */
  suspend(): Promise<void>;

  /**
   * Accepts again, on the same address.
   *
   * @throws {SocketError} rejects when another process has taken the address, and with reason `closed` after `close`
   * or `destroy`
   */
  resume(): Promise<void>;

  /**
   * Drains: stops accepting, tells handlers through `connection.signal`, lets them finish, flushes and closes. At the
   * deadline (default: the option `shutdownDeadline`) the remaining connections are destroyed. With `spread` (default:
   * the option `drainSpread`) connections are told one after the other, evenly over that time. Idempotent: the first
   * call decides, and errors name its deadline; `destroy` ends it at once. It waits for every handler, so a handler
   * or hook of this server must not await it, which would wait for itself until the deadline. Call it there without
   * `await`, and return.
   *
   * @throws {ShutdownTimeoutError} rejects when connections were still open at the deadline
   */
  close(
    options?: { readonly deadline?: DurationInput | undefined; readonly spread?: DurationInput | undefined },
  ): Promise<ShutdownReport>;

  /** Destroys everything at once, even during a shutdown. Idempotent, never rejects. */
  destroy(): Promise<ShutdownReport>;

  /**
   * At the end of `await using`: like `close()`, but connections that remain at the deadline are destroyed without an
   * error.
   */
  [Symbol.asyncDispose](): Promise<void>;
}
