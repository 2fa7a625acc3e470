/** `connect`: an outgoing framed connection behind plain promises. */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import type { Connection } from "../connection/connection.ts";
import type { ConnectOptions } from "./connect_options.ts";
import * as scoped from "./scoped_client.ts";

/**
 * Connects and gives the same `Connection` that a server's handler gets (F-36).
 *
 * Rejects with `OptionsError` before any socket opens, `TimeoutError` (reason `connect`) after `connectTimeout`,
 * and `SocketError`: `refused`, `host_not_found`, `unreachable`, or `aborted` by the signal.
 */
export async function connect<Received, Sent = Received, Context = undefined>(
  options: ConnectOptions<Received, Sent, Context>,
): Promise<Connection<Received, Sent, Context>> {
  const scope = Scope.makeUnsafe();
  const connection = await Effect.runPromise(Scope.provide(scoped.connect(options), scope));
  void connection.closed.then(() => Effect.runPromise(Scope.close(scope, Exit.void)));
  return connection;
}
