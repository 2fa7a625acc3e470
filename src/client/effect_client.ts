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

/**
 * A connection that lives as long as the scope. Closing the scope delivers what was sent, then closes the connection.
 *
 * Fails with `OptionsError` before any socket opens, with `TimeoutError` after `connectTimeout`, and with
 * `SocketError` or `TlsError` when the connection cannot be made. Interruption aborts the attempt.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { lines } from "@millrace/millrace";
 * import { connect, send, serve } from "@millrace/millrace/effect";
 *
 * const program = Effect.gen(function* () {
 *   const framing = lines({ encoding: "utf-8" });
 *   const server = yield* serve({ port: 0, framing, onFrame: (line) => console.log(line) }); // hello
 *   const connection = yield* connect({ port: server.address.port, framing });
 *   yield* send(connection, "hello");
 * });
 * await Effect.runPromise(Effect.scoped(program));
 * ```
 */
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
