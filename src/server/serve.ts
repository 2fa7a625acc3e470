/** `serve`: a server behind plain promises. The Effect scope it lives in is closed when the server stops. */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import * as scoped from "./scoped_server.ts";
import type { Server } from "./server.ts";
import type { ServeOptions } from "./server_options.ts";

/**
 * Starts a server and resolves once it listens.
 *
 * Rejects with `OptionsError`, before any socket opens, for options that make no sense or that this runtime
 * cannot meet, and with `SocketError` when the address cannot be bound.
 */
export async function serve<Received, Sent = Received, Context = undefined>(
  options: ServeOptions<Received, Sent, Context>,
): Promise<Server<Received, Sent, Context>> {
  const scope = Scope.makeUnsafe();
  const exit = await Effect.runPromiseExit(Scope.provide(scoped.serve(options), scope));
  if (Exit.isFailure(exit)) {
    await Effect.runPromise(Scope.close(scope, exit));
    return await Effect.runPromise(exit);
  }
  const server = exit.value;
  void server.finished.then(() => Effect.runPromise(Scope.close(scope, Exit.void)));
  return server;
}
