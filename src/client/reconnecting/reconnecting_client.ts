/** A reconnecting client as users see it. `client_face.ts` is what implements it. */
import type { Connection } from "../../connection/connection.ts";
import type { SendOutcome } from "../../core/flow/outcome.ts";
import type { DurationInput } from "../../core/time/duration.ts";

/**
 * One connection after the other to the same server, from `reconnect`.
 *
 * @typeParam Received what iterating gives, decided by the framing
 * @typeParam Sent what `send` takes
 * @typeParam Context the user's own value of each connection
 */
export interface ReconnectingClient<Received, in Sent = Received, Context = undefined>
  extends AsyncIterable<Received>, AsyncDisposable {
  /**
   * `connecting`: an attempt, `logOn` included; `connected`; `waiting`: for the next attempt; `closing`: `close` was
   * called; `closed`: there will be no connection.
   */
  readonly state: "connecting" | "connected" | "waiting" | "closing" | "closed";

  /** The connection, while the state is `connected`, and while `close` waits for its end. */
  readonly connection: Connection<Received, Sent, Context> | undefined;

  /** Resolves with the connection as soon as there is one; rejects when there will be none. */
  readonly connected: Promise<Connection<Received, Sent, Context>>;

  /**
   * Sends one frame on the connection, as `Connection.send` does; without one it is queued, and sent on the next. From
   * half of the queue on, `send` returns a promise that resolves when there is room again, except with `drop-oldest`.
   * When `send` returns, you may reuse the memory of the frame.
   *
   * @throws {FrameError} immediately, for a frame that the framing cannot write; any other error rejects
   */
  send(frame: Sent): void | Promise<void>;

  /**
   * Sends, and resolves with the outcome of the frame, be it after a time in the queue: `sent`: the kernel accepted it;
   * `dropped` from the queue or by the egress policy; `failed` with `kernel: "none"`: it was not sent, and with
   * `"unknown"`: the connection broke while it was being handed over. A frame is never sent twice.
   */
  deliver(frame: Sent): Promise<SendOutcome>;

  /** Resolves when everything sent so far has reached the kernel; rejects when a connection ends before that. */
  flush(): Promise<void>;

  /**
   * Frames in order, of one connection after the other. The loop ends when the client is closed, and throws when it gave
   * up. How a connection ends is told by `onDisconnected`. One loop at a time; breaking out leaves the remaining frames in
   * place. Until an open loop has taken the frames of earlier connections, no further connection is made; without a
   * loop, frames of the last ended connection are kept, and older ones dropped and counted.
   */
  [Symbol.asyncIterator](): AsyncIterator<Received, undefined>;

  /** The same frames in arrays, as those of `Connection.batches`. */
  batches(): AsyncIterable<Received[]>;

  /** The counters at this moment. */
  stats(): ReconnectStats;

  /**
   * Takes no more frames, delivers what was sent, also over a connection that has yet to be made, and closes as
   * `Connection.close` does. After `deadline`, 30 seconds by default, it is destroyed. Idempotent.
   */
  close(options?: {
    /** Maximum time for all of it. @default "30 seconds" */
    readonly deadline?: DurationInput | undefined;
    /** Goes into the record of the connection. */
    readonly message?: string | undefined;
  }): Promise<ReconnectReport>;

  /** Drops the connection and the queue at once. Idempotent. */
  destroy(): void;

  /** Resolves, and never rejects, when the client is closed. */
  readonly finished: Promise<ReconnectReport>;
}

/** How a reconnecting client ended. */
export interface ReconnectReport {
  /** `closed`: by `close`; `aborted`: by `destroy`, the option `signal` or a deadline; `gave_up`: no attempts were left. */
  readonly reason: "closed" | "aborted" | "gave_up";
  /** Why it gave up; undefined otherwise. */
  readonly error: unknown;
  /** Queued frames that were never handed to a connection; those that a connection lost are in `stats()`. */
  readonly framesUnsent: number;
}

/** Counters of a reconnecting client, over all of its connections. */
export interface ReconnectStats {
  /** Attempts to connect. */
  readonly attempts: number;
  /** Connections that were made. */
  readonly connections: number;
  /** Attempts that failed, and connections that ended. */
  readonly failures: number;
  /** Frames in the queue. */
  readonly framesQueued: number;
  /** Bytes in the queue. */
  readonly bytesQueued: number;
  /** Frames dropped from the queue or by the egress policy. */
  readonly framesDropped: number;
  /** Frames that connections accepted and that did not reach the kernel completely, as far as is known. */
  readonly framesLost: number;
  /** Received frames that were never handed over: of ended connections, without a loop. */
  readonly framesUnhandled: number;
  /** Bytes received. */
  readonly bytesReceived: number;
  /** Bytes handed to the kernel. */
  readonly bytesSent: number;
  /** Complete frames received. */
  readonly framesReceived: number;
  /** Frames handed to the kernel completely. */
  readonly framesSent: number;
}
