/** A running server as users see it: what `serve` gives. `socket_server.ts` is what implements it. */
import type { BroadcastReport } from "../connection/broadcast.ts";
import type { Connection } from "../connection/connection.ts";
import type { SendOutcome } from "../core/flow/outcome.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { Adapter, Address } from "../core/transport.ts";
import type { ServerInspection } from "./inspection.ts";
import type { RateSample, ServerState, ServerStats, ShutdownReport } from "./server_options.ts";

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
  /** Where it listens; port 0 has become the port that was chosen. */
  readonly address: At;

  /** Where it is in its life; see {@linkcode ServerState}. */
  readonly state: ServerState;

  /** Open connections by id. */
  readonly connections: ReadonlyMap<string, Connection<Received, Sent, Context>>;

  /** Name of the adapter whose sockets are used. */
  readonly runtime: Adapter["name"];

  /** Resolves, never rejects, once the server has stopped, whoever stopped it. */
  readonly finished: Promise<ShutdownReport>;

  /** Settings of its TLS and the certificates in service, as data; undefined where it has none from the start. */
  readonly tls: ServerInspection["tls"];

  /** What was counted since the start, and what is held now. */
  stats(): ServerStats;

  /** Rates over the last second; sampling starts with the first call or with `onStats`. */
  rates(): RateSample;

  /** Listener and connections as data. */
  inspect(): ServerInspection;

  /**
   * Sends one frame to all connections, or to those for which `filter` is true: encoded once, each under its own
   * egress policy. Resolves when the outcome of every one is known, so that one peer that does not read
   * keeps it waiting: in `onFrame`, whose promise holds the next frame back, and in a loop over a connection use
   * {@linkcode publish}. Rejects, and sends nothing, for a frame that the framing cannot write. Handing the frame to all
   * of them is one turn, however many they are, so that frames reach all of them in the same order.
   */
  broadcast(
    frame: Sent,
    filter?: (connection: Connection<Received, Sent, Context>) => boolean,
  ): Promise<BroadcastReport>;

  /**
   * As `broadcast`, but waits for nobody and tells no outcomes: the form for `onFrame`. Returns for how many connections
   * the frame was meant; each egress policy decides for its own peer, `drop-oldest` or `close` being the ones for
   * publishing: under `wait` a slow peer's frames above twice its `egressLimit` are refused, which nobody hears of here.
   * Throws, and sends nothing, for a frame that the framing cannot write and with what `filter` throws.
   */
  publish(frame: Sent, filter?: (connection: Connection<Received, Sent, Context>) => boolean): number;

  /** Sends to one connection; an unknown id is the outcome `failed` with reason `unknown_connection`. */
  deliver(id: string, frame: Sent): Promise<SendOutcome>;

  /** Drops one connection at once; false when the id is unknown. */
  kill(
    id: string,
    why?: { readonly reason?: string | undefined; readonly code?: string | undefined },
  ): boolean;

  /** Stops accepting: the port refuses until `resume`; open connections go on. */
  suspend(): Promise<void>;

  /**
   * Accepts again, on the same address. Rejects with `SocketError` when another process has taken it, and with reason
   * `closed` once `close` or `destroy` was called.
   */
  resume(): Promise<void>;

  /**
   * Drains: accepts no more, tells handlers (`connection.signal`), lets them finish, flushes, closes. At
   * the deadline (default: the option `shutdownDeadline`) the rest is destroyed, and this rejects with
   * `ShutdownTimeoutError`. Idempotent: the first call decides, and its deadline is the one that errors name; `destroy`
   * cuts it short. It waits for every handler, so a handler or hook of this server must not await it: it would wait for
   * itself until the deadline. Call it there without `await`, and return.
   */
  close(options?: { readonly deadline?: DurationInput | undefined }): Promise<ShutdownReport>;

  /** Destroys everything now, also in the middle of a shutdown. Idempotent, never rejects. */
  destroy(): Promise<ShutdownReport>;

  /** At the end of `await using`: as `close()`, but what remains at the deadline is destroyed without an error. */
  [Symbol.asyncDispose](): Promise<void>;
}
