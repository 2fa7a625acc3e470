/** A server as a layer, for programs that are built of layers. Only the entry point `effect` loads it. */
import type { Key as ContextKey } from "effect/Context";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import type { OptionsError, SocketError } from "../core/errors.ts";
import type { TlsError } from "../core/tls/tls_error.ts";
import { type EffectServeOptions, serve } from "./effect_server.ts";
import type { Server } from "./server.ts";

/** Builds the server with the layer, under a service key of your own. */
export function layer<Self, Received, Sent = Received, Context = undefined, R = never>(
  key: ContextKey<Self, Server<Received, Sent, Context>>,
  options: EffectServeOptions<Received, Sent, Context, R>,
): Layer.Layer<Self, OptionsError | SocketError | TlsError, Exclude<R, Scope.Scope>> {
  return Layer.effect(key, serve(options));
}
