/** What `replies` takes and gives. */
import type { Connection } from "../connection.ts";

/** Options of `replies`. */
export interface RepliesOptions<Received, Sent = Received, Context = undefined> {
  /** Whether replies leave in the order of the requests; `false`: as soon as they are there. @default true */
  readonly inOrder?: boolean | undefined;
  /** Maximum number of requests of one connection at work; then its reading stops until half of them are done. @default 64 */
  readonly window?: number | undefined;
  /**
   * Returns the reply to a request whose handler threw or rejected, or undefined to end the connection behind the replies
   * before it (`handler_error`), as without this option.
   */
  readonly onError?:
    | ((
      error: unknown,
      request: Received,
      connection: Connection<Received, Sent, Context>,
    ) => NoInfer<Sent> | undefined)
    | undefined;
}

/** Counters of `replies`, over all connections. */
export interface RepliesStats {
  /** Requests that handlers work on, or whose replies wait for those before them or for room. */
  readonly open: number;
  /** Requests that handlers were called with. */
  readonly requests: number;
  /** Replies that were sent; a handler that returns undefined has none. */
  readonly replies: number;
  /** Handlers that threw or rejected, and replies that could not be written. */
  readonly failed: number;
  /** Replies that could not be sent, since the connection had ended. */
  readonly lost: number;
}

/** Those but `open`, to be counted in. */
export type RepliesCounts = { -readonly [Name in keyof RepliesStats]: number };
