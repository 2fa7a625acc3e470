/** `connect`: an outgoing framed connection behind plain promises. */
import type { Connection } from "../connection/connection.ts";
import { onFirstUse } from "../core/loading.ts";
import type { ConnectOptions } from "./connect_options.ts";

/** Effect is most of what there is to load, and a program that only cuts frames needs none of it. */
const load = onFirstUse(() => import("./client.ts"));

/**
 * Connects and gives the same `Connection` that a server's handler gets (F-36).
 *
 * Rejects with `OptionsError` before any socket opens, `TimeoutError` (reason `connect`) after `connectTimeout`,
 * and `SocketError`: `refused`, `host_not_found`, `unreachable`, or `aborted` by the signal.
 */
export async function connect<Received, Sent = Received, Context = undefined>(
  options: ConnectOptions<Received, Sent, Context>,
): Promise<Connection<Received, Sent, Context>> {
  const { startConnection } = await load();
  return startConnection(options);
}
