/** Connections of programs written with Effect, on their tracer. Only the entry point `effect` loads it. */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Connection } from "../connection/connection.ts";
import { scopedConnection } from "./client.ts";
import { checkEffectVersion } from "../connection/effect/effect_version.ts";
import { clockOf } from "../connection/effect/effect_clock.ts";
import { effectSupport } from "../connection/effect/effects.ts";
import type { OptionsError, SocketError, TimeoutError } from "../core/errors.ts";
import type { TlsError } from "../core/tls/tls_error.ts";
import type { ConnectOptions } from "./connect_options.ts";

/** A connection that lives as long as the scope; closing the scope delivers what was sent, then closes. */
export function connect<Received, Sent = Received, Context = undefined>(
  options: ConnectOptions<Received, Sent, Context>,
): Effect.Effect<
  Connection<Received, Sent, Context>,
  OptionsError | SocketError | TimeoutError | TlsError,
  Scope.Scope
> {
  checkEffectVersion();
  return Effect.flatMap(
    Effect.context<never>(),
    (services) =>
      scopedConnection(options, {
        clock: clockOf(services),
        support: (clock) => effectSupport(services, clock, "client"),
      }),
  );
}
