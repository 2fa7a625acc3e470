/** What a worker says about the connections that it is given. */
import type { Framing } from "../core/framing/framing.ts";
import type { ConnectionOptions, Handler, OnFrame } from "../connection/connection_options.ts";

/**
 * Options of `serveInWorker`: those of a connection, but for the ones of its socket, which is the server's, and either
 * `handler` or `onFrame`. `idleTimeout` is `Infinity` here unless it is set, because the server has one.
 */
export type ServeInWorkerOptions<Received, Sent = Received, Context = undefined> =
  & {
    /** How bytes are cut into frames, and frames written as bytes. It determines the type of a frame. */
    readonly framing: Framing<Received, Sent>;
  }
  & Omit<
    ConnectionOptions<Received, Sent, Context>,
    "framing" | "onFrame" | "noDelay" | "tcpKeepAlive" | "upgradable" | "maxLifetime"
  >
  & {
    /**
     * Called before the worker ends with its pool, when it has no connections any more: to close what it has opened. It is
     * waited for until the deadline of the pool's `close`.
     */
    readonly onClose?: (() => void | Promise<void>) | undefined;
  }
  & (
    | {
      /** Called with each frame. */
      readonly onFrame: OnFrame<Received, Sent, Context>;
      /** Not with `onFrame`. */
      readonly handler?: undefined;
    }
    | {
      /** Runs once for each connection. */
      readonly handler: Handler<Received, Sent, Context>;
      /** Not with `handler`. */
      readonly onFrame?: undefined;
    }
  );
