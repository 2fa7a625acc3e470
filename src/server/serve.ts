/** `serve`: a server behind plain promises. */
import { onFirstUse } from "../core/loading.ts";
import type { Server } from "./server.ts";
import type { ServeOptions } from "./server_options.ts";
import type { AddressOf } from "../core/transport.ts";

/** Effect is most of what there is to load, and a program that only cuts frames needs none of it. */
const load = onFirstUse(() => import("./scoped_server.ts"));

/**
 * Starts a server and resolves once it listens. Its address has the form of the option that was given: with `port`
 * `server.address.port` is a number, with `path` `server.address.path` is text.
 *
 * Rejects with `OptionsError`, before any socket opens, for options that make no sense or that this runtime
 * cannot meet, and with `SocketError` when the address cannot be bound.
 */
export async function serve<
  Received,
  Sent = Received,
  Context = undefined,
  Port = unknown,
  Path = unknown,
>(
  options: ServeOptions<Received, Sent, Context> & { readonly port?: Port; readonly path?: Path },
): Promise<Server<Received, Sent, Context, AddressOf<Port, Path>>> {
  const { startServer } = await load();
  const server = await startServer(options);
  return server as Server<Received, Sent, Context, AddressOf<Port, Path>>;
}
