/** `serve`: a server behind plain promises. The Effect scope it lives in is closed when the server stops. */
import { onFirstUse } from "../core/loading.ts";
import type { Server } from "./server.ts";
import type { ServeOptions } from "./server_options.ts";

/** Effect is most of what there is to load, and a program that only cuts frames needs none of it. */
const load = onFirstUse(() =>
  Promise.all([import("../connection/effect/acquire.ts"), import("./scoped_server.ts")])
);

/**
 * Starts a server and resolves once it listens.
 *
 * Rejects with `OptionsError`, before any socket opens, for options that make no sense or that this runtime
 * cannot meet, and with `SocketError` when the address cannot be bound.
 */
export async function serve<Received, Sent = Received, Context = undefined>(
  options: ServeOptions<Received, Sent, Context>,
): Promise<Server<Received, Sent, Context>> {
  const [{ acquire }, scoped] = await load();
  return acquire(scoped.scopedServer(options), (server) => server.finished);
}
