/**
 * Servers as scoped resources on the runtime's own sockets: what `serve.ts` runs and what the door for Effect
 * offers.
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { detectAdapter } from "../adapters/detect.ts";
import type { OptionsError, SocketError } from "../core/errors.ts";
import type { TlsError } from "../core/tls_error.ts";
import { makeServer, type Server } from "./server.ts";
import type { ServeOptions } from "./server_options.ts";

/**
 * A server that lives as long as the scope; closing the scope drains it within `shutdownDeadline`.
 *
 * Handlers may be Effects that require services, which are taken from here, and their own `Scope`, which is closed
 * when the handler is over.
 */
export function serve<Received, Sent = Received, Context = undefined, R = never>(
  options: ServeOptions<Received, Sent, Context, R>,
): Effect.Effect<
  Server<Received, Sent, Context>,
  OptionsError | SocketError | TlsError,
  Scope.Scope | Exclude<R, Scope.Scope>
> {
  return Effect.flatMap(
    Effect.tryPromise({
      try: async () => options?.adapter ?? await detectAdapter(),
      catch: (error) => error as OptionsError,
    }),
    (adapter) => makeServer(options, adapter),
  );
}
