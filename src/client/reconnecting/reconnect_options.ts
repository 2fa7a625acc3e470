/** What `reconnect` takes. */
import type { Connection } from "../../connection/connection.ts";
import type { TerminationRecord } from "../../connection/termination.ts";
import type { Logger } from "../../core/logger.ts";
import type { SizeInput } from "../../core/text/size.ts";
import type { Backoff } from "../../core/time/backoff.ts";
import type { DurationInput } from "../../core/time/duration.ts";
import type { ConnectOptions, UncheckedConnectOptions } from "../connect_options.ts";

/** Why there is no connection, or none any more. */
export interface ReconnectFailure {
  /** Failures in a row, this one included: 1 after a connection that was open for `stableAfter`. */
  readonly failures: number;
  /** What connecting or `logOn` failed with, or what broke the connection; undefined if it ended without an error. */
  readonly error: unknown;
  /** How the connection ended; undefined if none was made. */
  readonly record: TerminationRecord | undefined;
}

/** Options of the queue of a reconnecting client. */
export interface SendQueueOptions {
  /** Maximum number of frames. @default 1024 */
  readonly maxFrames?: number | undefined;
  /** Maximum number of bytes, as encoded. One frame is accepted whatever its size. @default 1_048_576 */
  readonly maxBytes?: SizeInput | undefined;
  /**
   * `keep`: a frame that does not fit is rejected (`LimitError` `waiting_sends`). `drop-oldest`: the oldest make room for
   * it, with the outcome `dropped`. `fail`: there is no queue; without a connection a frame fails at once
   * (`SocketError` `closed`). @default "keep"
   */
  readonly policy?: "keep" | "drop-oldest" | "fail" | undefined;
}

/** What `reconnect` has besides the options of `connect`. */
export interface ReconnectSettings<Received, Sent = Received, Context = undefined> {
  /**
   * The waits between attempts; or a function that is told of each failure and returns the wait before the next attempt,
   * or undefined for no further one. Parts that are left out: `initial` "1 second", `factor` 2, `max` "30 seconds",
   * `jitter` 0.5, `attempts` and `for` `Infinity`. The first attempt is made at once.
   */
  readonly reconnect?: Backoff | ((failure: ReconnectFailure) => DurationInput | undefined) | undefined;
  /**
   * How long a connection must have been open for the waits to begin anew, so that a server that accepts and then closes
   * is not connected to without a wait that grows. @default "10 seconds"
   */
  readonly stableAfter?: DurationInput | undefined;
  /**
   * Logs on or subscribes, on each new connection, before anything queued is sent. It sends on the connection and may
   * iterate over it, also with `onFrame`, which gets the frames that it leaves. If it throws or rejects, the connection
   * is closed and the attempt has failed.
   */
  readonly logOn?: ((connection: Connection<Received, Sent, Context>) => void | Promise<void>) | undefined;
  /** Time limit for `logOn` (`TimeoutError` `connect`). @default "10 seconds" */
  readonly logOnTimeout?: DurationInput | undefined;
  /** Frames that are sent while there is no connection. */
  readonly queue?: SendQueueOptions | undefined;
  /** Called when an attempt begins, with its number since the last stable connection. */
  readonly onConnecting?: ((attempt: number) => void) | undefined;
  /** Called when the connection is open and logged on; what was queued goes before anything sent from here. */
  readonly onConnected?: ((connection: Connection<Received, Sent, Context>) => void) | undefined;
  /**
   * Called when a connection has ended, and when an attempt failed, with the milliseconds until the next attempt;
   * undefined if there is none.
   */
  readonly onDisconnected?: ((failure: ReconnectFailure, wait: number | undefined) => void) | undefined;
  /** Called when no attempts follow, because `reconnect` allows no more or the options do not fit this runtime. */
  readonly onGaveUp?: ((failure: ReconnectFailure) => void) | undefined;
  /** Receives log records of connections, failures and of what these functions throw. @default none */
  readonly logger?: Logger | undefined;
  /** Not here: `onConnected` tells of connections that are ready. */
  readonly onConnect?: undefined;
  /** Not here: see `onDisconnected`. */
  readonly onDisconnect?: undefined;
  /** Not here: all connections have the framing of the client. */
  readonly reframable?: undefined;
}

/** Options of `reconnect`: those of `connect`, for each connection, and those of the client. */
export type ReconnectOptions<Received, Sent = Received, Context = undefined> =
  & ConnectOptions<Received, Sent, Context>
  & ReconnectSettings<Received, Sent, Context>;

/** The same before the check. */
export type UncheckedReconnectOptions<Received, Sent = Received, Context = undefined> =
  & Omit<UncheckedConnectOptions<Received, Sent, Context>, "onConnect" | "onDisconnect" | "reframable">
  & ReconnectSettings<Received, Sent, Context>;
