/** What a framed connection over a socket takes: the options of other connections, but for those of their sockets. */
import type { ConnectionOptions, Handler } from "../connection/connection_options.ts";
import type { Clock } from "../core/time/clock.ts";
import type { DurationInput } from "../core/time/duration.ts";

/** Options of `frameSocket`. */
export type FrameSocketOptions<Received, Sent = Received, Context = undefined> =
  & Omit<
    ConnectionOptions<Received, Sent, Context>,
    "noDelay" | "tcpKeepAlive" | "upgradable" | "memoryBudget"
  >
  & {
    /** Time limit for the socket to open (`TimeoutError` `connect`). @default "10 seconds" */
    readonly connectTimeout?: DurationInput | undefined;
    /** Drops the connection. */
    readonly signal?: AbortSignal | undefined;
    /** Clock to use, for tests. @default the system's, with timers of this connection's own */
    readonly clock?: Clock | undefined;
  };

/** Options of `serveSocket`: with a handler or `onFrame`, as for `serve`. */
export type ServeSocketOptions<Received, Sent = Received, Context = undefined> =
  & FrameSocketOptions<Received, Sent, Context>
  & {
    /** Runs once. When the promise that it returns settles, the connection is flushed and closed. */
    readonly handler?: Handler<Received, Sent, Context> | undefined;
  };
