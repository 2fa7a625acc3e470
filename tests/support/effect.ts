/** A server whose handlers may be Effects, as `serve` gives one: its scope is closed when it has stopped. */
import { type EffectHandler, serve } from "../../effect.ts";
import type { Handler } from "../../src/connection/connection_options.ts";
import { acquire } from "../../src/connection/effect/acquire.ts";
import type { serve as promised } from "../../src/server/serve.ts";

/** Does what `serve` does, through the entry point for Effect. */
export const serveEffects =
  ((options) => acquire(serve(options), (server) => server.finished)) as typeof promised;

/** For a place's options, whose handlers are plain functions by their type. */
export function asHandler<Received, Sent, Data>(
  handler: EffectHandler<Received, Sent, Data>,
): Handler<Received, Sent, Data> {
  return handler as Handler<Received, Sent, Data>;
}
