/** A server whose handlers may be Effects, as `serve` gives one: its scope is closed when it has stopped. */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { type EffectHandler, type EffectServeOptions, serve } from "../../effect.ts";
import type { Handler } from "../../src/connection/connection_options.ts";
import type { serve as promised } from "../../src/server/serve.ts";

/** Does what `serve` does, through the entry point for Effect. */
export const serveEffects = (async (options) => {
  const scope = Scope.makeUnsafe();
  const server = await Effect.runPromise(
    Scope.provide(serve(options as unknown as EffectServeOptions<unknown>), scope),
  );
  void server.finished.then(() => Effect.runPromise(Scope.close(scope, Exit.void)));
  return server;
}) as typeof promised;

/** For a place's options, whose handlers are plain functions by their type. */
export function asHandler<Received, Sent, Data>(
  handler: EffectHandler<Received, Sent, Data>,
): Handler<Received, Sent, Data> {
  return handler as Handler<Received, Sent, Data>;
}
