/** A server as a layer, for programs that are built of layers. Only the entry point `effect` loads it. */
import type { Key as ContextKey } from "effect/Context";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import type { OptionsError, SocketError } from "../core/errors.ts";
import type { TlsError } from "../core/tls/tls_error.ts";
import { type EffectServeOptions, serve } from "./effect_server.ts";
import type { Server } from "./server.ts";

/**
 * A server as a layer, under a service key of your own. It fails as {@linkcode serve} does.
 *
 * @example
 * ```ts
 * import * as Context from "effect/Context";
 * import * as Effect from "effect/Effect";
 * import { lines, type Server } from "@millrace/millrace";
 * import { layer } from "@millrace/millrace/effect";
 *
 * class Echo extends Context.Service<Echo, Server<Uint8Array>>()("Echo") {}
 * const live = layer(Echo, { port: 0, framing: lines(), onFrame: (line, connection) => connection.send(line) });
 *
 * const program = Effect.gen(function* () {
 *   const server = yield* Echo;
 *   yield* Effect.log(server.state);
 * });
 * await Effect.runPromise(Effect.provide(program, live));
 * ```
 */
export function layer<Self, Received, Sent = Received, Context = undefined, R = never>(
  key: ContextKey<Self, Server<Received, Sent, Context>>,
  options: EffectServeOptions<Received, Sent, Context, R>,
): Layer.Layer<Self, OptionsError | SocketError | TlsError, Exclude<R, Scope.Scope>> {
  return Layer.effect(key, serve(options));
}
