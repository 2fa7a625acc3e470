/** What `requests` and `request` take. */
import type { Connection } from "../../connection/connection.ts";
import type { DurationInput } from "../../core/time/duration.ts";

/** What belongs to a request and to its reply, such as a transaction number. */
export type RequestKey = string | number | bigint;

/** How requests and replies are matched by key. */
export type KeyOptions<Received, Sent> =
  & {
    /** The key of a reply; undefined for a frame that is none. */
    readonly ofReply: (frame: Received) => RequestKey | undefined;
  }
  & (
    | {
      /** The key that a request has already. */
      readonly ofRequest: (frame: Sent) => RequestKey;
      /** Not with `ofRequest`. */
      readonly assign?: undefined;
      /** Not with `ofRequest`. */
      readonly first?: undefined;
      /** Not with `ofRequest`. */
      readonly last?: undefined;
    }
    | {
      /** Writes a key into a request, and returns what is to be sent: the same frame, or another. */
      readonly assign: (frame: Sent, key: number) => Sent;
      /** The first key, and the one after `last`. @default 1 */
      readonly first?: number | undefined;
      /** The last key, such as 65_535 for a field of two bytes. @default 2_147_483_647 */
      readonly last?: number | undefined;
      /** Not with `assign`. */
      readonly ofRequest?: undefined;
    }
  );

/** Options of `requests`. */
export type RequestsOptions<Received, Sent = Received> =
  & {
    /** How long a request may take from its call to its reply. @default "30 seconds" */
    readonly timeout?: DurationInput | undefined;
    /**
     * Maximum number of requests that are sent and have no reply. One that was abandoned keeps its place until its reply
     * arrives or the connection ends. When all places are kept so for `timeout`, the connection is dropped
     * (`reply_timeout`). @default 256
     */
    readonly window?: number | undefined;
    /** Maximum number of requests that wait for a place; further ones fail (`window_full`). 0: none wait. @default 1024 */
    readonly maxWaiting?: number | undefined;
    /**
     * `close`: when a request that was sent times out, the connection is dropped (`reply_timeout`), since without a
     * key its reply holds up those of all later ones. @default "keep"
     */
    readonly afterTimeout?: "keep" | "close" | undefined;
    /** Asks whether the peer is still there when it is silent. @default none */
    readonly heartbeat?: HeartbeatOptions<Received, Sent> | undefined;
    /**
     * Called with each frame that answers no request. While a promise that it returned is pending, up to
     * `maxUnsolicited` further ones wait; what does not fit is dropped and counted. What it throws ends the connection.
     * @default they are dropped and counted
     */
    readonly onUnsolicited?:
      | ((frame: Received, connection: Connection<Received, Sent, unknown>) => void | Promise<void>)
      | undefined;
    /** Maximum number of frames that wait for `onUnsolicited`. @default 1024 */
    readonly maxUnsolicited?: number | undefined;
  }
  & (
    | {
      /** Matches requests and replies by a key in the frames, so that replies may come in any order. @default in order */
      readonly key: KeyOptions<Received, Sent>;
      /** Not with `key`, whose `ofReply` returns undefined for such a frame. */
      readonly isUnsolicited?: undefined;
    }
    | {
      /** Not with `isUnsolicited`. */
      readonly key?: undefined;
      /** Says of a frame that it is no reply, such as a notification, so that it is not taken for one. @default none is */
      readonly isUnsolicited?: ((frame: Received) => boolean) | undefined;
    }
  );

/** Heartbeats of `requests`. */
export interface HeartbeatOptions<Received, Sent = Received> {
  /** The frame to send, or what makes it. */
  readonly ping: NoInfer<Sent> | (() => NoInfer<Sent>);
  /** Sent whenever nothing was received for this long. @default "15 seconds" */
  readonly interval?: DurationInput | undefined;
  /**
   * The connection is dropped (`reply_timeout`) when so many heartbeats in a row were followed by `interval` without a
   * byte from the peer. @default 3
   */
  readonly missed?: number | undefined;
  /**
   * Recognises an answer to `ping`, which answers no request then. Left out, a heartbeat is a request: it is answered by
   * the frame with its key, or, in order, by the next frame. In order, none is sent while a request is open, whose
   * `timeout` is the limit then. @default left out
   */
  readonly isPong?: ((frame: Received) => boolean) | undefined;
}

/** Options of one request. */
export interface RequestOptions {
  /** How long it may take (`RequestError` `timeout`). @default that of `requests` */
  readonly timeout?: DurationInput | undefined;
  /** Gives it up (`RequestError` `aborted`). */
  readonly signal?: AbortSignal | undefined;
}
