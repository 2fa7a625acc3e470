/**
 * Connections as scoped resources on the runtime's own sockets: what `connect.ts` runs, and `effect_client.ts` with the
 * tracer of its program.
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { detectAdapter } from "../adapters/detect.ts";
import type { Connection } from "../connection/connection.ts";
import type { OptionsError, SocketError, TimeoutError } from "../core/errors.ts";
import type { TlsError } from "../core/tls/tls_error.ts";
import { type ClientProgram, makeConnection } from "./client.ts";
import type { ConnectOptions } from "./connect_options.ts";

/** A connection that lives as long as the scope; closing the scope delivers what was sent, then closes. */
export function scopedConnection<Received, Sent, Context>(
  options: ConnectOptions<Received, Sent, Context>,
  program?: ClientProgram<Received, Sent, Context>,
): Effect.Effect<
  Connection<Received, Sent, Context>,
  OptionsError | SocketError | TimeoutError | TlsError,
  Scope.Scope
> {
  return Effect.flatMap(
    Effect.tryPromise({
      try: async () => options?.adapter ?? await detectAdapter(),
      catch: (error) => error as OptionsError,
    }),
    (adapter) => makeConnection(options, adapter, program),
  );
}
