/** A client of requests as users see it. `requester.ts` is what implements it. */
import type { RequestOptions } from "./request_options.ts";

/**
 * Requests and their replies over one connection, or over those of a reconnecting client, from `requests`.
 *
 * @typeParam Received a reply, decided by the framing
 * @typeParam Sent a request
 */
export interface RequestClient<Received, in Sent = Received> extends AsyncDisposable {
  /**
   * Sends a request, and resolves with its reply. Requests that are made together leave together; none waits for the
   * reply of the one before it. While `window` requests are open, further ones wait, and keep a reference to their frame
   * until they are sent. Nothing is sent twice.
   *
   * Rejects with a `RequestError`, whose `sent` says whether the peer may have the request; with a `FrameError` for a
   * frame that the framing cannot write; and with an `OptionsError` for an invalid timeout.
   */
  request(frame: Sent, options?: RequestOptions): Promise<Received>;

  /** The counters at this moment. */
  stats(): RequestStats;

  /**
   * Takes no more requests, waits for those that are open, each for no longer than its timeout, and closes the connection.
   * Idempotent.
   */
  close(): Promise<void>;
}

/** Counters of a client of requests, over all of its connections. */
export interface RequestStats {
  /** Requests that were sent and have no reply, those that were abandoned among them. */
  readonly outstanding: number;
  /** Those of them that timed out or were aborted. */
  readonly abandoned: number;
  /** Requests that wait for a place in the window, or for a connection. */
  readonly waiting: number;
  /** Requests that were handed to a connection. */
  readonly requests: number;
  /** Replies that their callers got. */
  readonly replies: number;
  /** Requests that timed out. */
  readonly timedOut: number;
  /** Requests that were aborted. */
  readonly aborted: number;
  /** Requests that failed because the connection ended. */
  readonly disconnected: number;
  /** Requests that were not accepted: too many waiting, a duplicate key, a bad frame, or nothing can be sent any more. */
  readonly rejected: number;
  /** Replies to requests that had been abandoned. */
  readonly late: number;
  /** Frames that answered no request. */
  readonly unsolicited: number;
  /** Those of them that were dropped: without `onUnsolicited`, or beyond `maxUnsolicited`. */
  readonly unsolicitedDropped: number;
  /** Heartbeats that were sent. */
  readonly pings: number;
  /** Answers to heartbeats. */
  readonly pongs: number;
  /** Heartbeats in a row that the peer of the present connection has not answered. */
  readonly pingsMissed: number;
}

/** Those that only grow. */
export type RequestCounts = {
  -readonly [
    Name in Exclude<keyof RequestStats, "outstanding" | "abandoned" | "waiting" | "pingsMissed">
  ]: number;
};
