/** What `socketServer` takes, and what it gives. */
import type * as Effect from "effect/Effect";
import type { Socket } from "effect/socket/Socket";
import type * as SocketServer from "effect/socket/SocketServer";
import type { CurrentConnection, SocketChunk } from "../../connection/effect/current_connection.ts";
import type { EffectServeOptions } from "../effect_server.ts";
import type { Server } from "../server.ts";

/** Options of `socketServer`: those of `serve`, without framing and handler. */
export type SocketServerOptions = EffectServeOptions<Uint8Array, SocketChunk> extends infer Options
  ? Options extends unknown ? Omit<
      Options,
      | "framing"
      | "onFrame"
      | "allowHalfOpen"
      | "reframable"
      | "frameTimeout"
      | "minByteRate"
      | "onFrameError"
      | "onOtherProtocol"
      | "context"
      | "handler"
    >
  : never
  : never;

/** Effect's `SocketServer`, and the server beneath it. */
export interface SocketServerService extends Omit<SocketServer.SocketServer["Service"], "run"> {
  /** As that of Effect; its handlers have the service `CurrentConnection` besides. */
  readonly run: <R, E, _>(
    handler: (socket: Socket) => Effect.Effect<_, E, R>,
  ) => Effect.Effect<never, SocketServer.SocketServerError, Exclude<R, CurrentConnection>>;
  /** For statistics, live limits, `kill` and `close`. */
  readonly server: Server<Uint8Array, SocketChunk>;
}
