/** `serve`: a server behind plain promises. The Effect scope it lives in is closed when the server stops. */
import type { Server } from "./server.ts";
import type { ServeOptions } from "./server_options.ts";

type Parts = [typeof import("../connection/acquire.ts"), typeof import("./scoped_server.ts")];
let parts: Promise<Parts> | undefined;

/** Effect is most of what there is to load, and a program that only cuts frames needs none of it. */
function load(): Promise<Parts> {
  return parts ??= Promise.all([import("../connection/acquire.ts"), import("./scoped_server.ts")]);
}

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
  return acquire(scoped.serve(options), (server) => server.finished);
}
