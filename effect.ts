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
export { connect } from "./src/client/effect_client.ts";
export {
  batches,
  type ConnectionError,
  deliver,
  type DeliveryOutcome,
  flush,
  frames,
  type ReceiveError,
  send,
  type SendError,
  upgrade,
  type WaitTimeoutError,
} from "./src/connection/effect/connection_effects.ts";
export { broadcast, close, type ConnectionFilter, publish } from "./src/server/server_effects.ts";
