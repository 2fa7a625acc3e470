/**
 * `millrace/effect`: servers and clients for programs written with Effect, as scoped resources, layers and streams.
 * Durations, framings and errors are those of the main entry point.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import * as Stream from "effect/Stream";
 * import { lines } from "@millrace/millrace";
 * import { frames, send, serve } from "@millrace/millrace/effect";
 *
 * const program = Effect.gen(function* () {
 *   const server = yield* serve({
 *     port: 3034,
 *     framing: lines(),
 *     handler: (connection) => Stream.runForEach(frames(connection), (line) => send(connection, line)),
 *   });
 *   yield* Effect.promise(() => server.finished);
 * });
 * await Effect.runPromise(Effect.scoped(program));
 * ```
 *
 * @module
 */
export { type EffectHandler, type EffectServeOptions, layer, serve } from "./src/server/effect_server.ts";
export { layerSocketServer, socketServer } from "./src/server/effect/socket_server_layer.ts";
export type { SocketServerOptions, SocketServerService } from "./src/server/effect/socket_server_options.ts";
export { borrow } from "./src/client/effect/effect_borrow.ts";
export { connect } from "./src/client/effect_client.ts";
export { layerSocket, socket, type SocketOptions } from "./src/client/effect/socket_layer.ts";
export {
  CurrentConnection,
  type SocketChunk,
  type SocketConnection,
} from "./src/connection/effect/current_connection.ts";
export { type EffectReconnectOptions, reconnect } from "./src/client/effect/effect_reconnect.ts";
export {
  batches,
  type ConnectionError,
  deliver,
  type DeliveryOutcome,
  flush,
  frames,
  type ReceiveError,
  reframe,
  send,
  type SendError,
  upgrade,
  type WaitTimeoutError,
} from "./src/connection/effect/connection_effects.ts";
export { channel, type ConnectionChannel, sink } from "./src/connection/effect/connection_channel.ts";
export {
  decode,
  type DecodeOptions,
  encode,
  type FramingChannel,
} from "./src/connection/effect/framing_channels.ts";
export { broadcast, close, type ConnectionFilter, publish } from "./src/server/server_effects.ts";
