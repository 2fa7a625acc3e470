/** `serve`: a server behind plain promises. */
import { onFirstUse } from "../core/loading.ts";
import type { Server } from "./server.ts";
import type { ServeOptions } from "./server_options.ts";
import type { Address, AddressOf } from "../core/transport.ts";

/** Effect is most of what there is to load, and a program that only cuts frames needs none of it. */
const load = onFirstUse(() => import("./scoped_server.ts"));

/**
 * Starts a server and resolves once it listens. Its address has the form of the option that was given: with `port`
 * `server.address.port` is a number, with `path` `server.address.path` is text, and an `address` that is written there as
 * text is either, by whether it begins with `unix:`.
 *
 * @example An echo server, and a client
 * ```ts
 * import { connect, lines, serve } from "@millrace/millrace";
 *
 * const framing = lines({ encoding: "utf-8" });
 * const server = await serve({
 *   port: 0, // any free port
 *   framing,
 *   handler: async (connection) => {
 *     for await (const line of connection) await connection.send(line);
 *   },
 * });
 * const connection = await connect({ port: server.address.port, framing });
 * await connection.send("hello");
 * for await (const line of connection) {
 *   console.log(line); // hello
 *   break;
 * }
 * await connection.close();
 * await server.close({ deadline: "5 seconds" });
 * ```
 *
 * @throws {OptionsError} before any socket opens: `invalid` or `conflict` for invalid or contradicting options, `unsupported` for
 * those that this runtime cannot meet
 * @throws {SocketError} when the address cannot be bound: `address_in_use`, `address_not_available`, `permission_denied`
 * @throws {TlsError} when a certificate cannot be used
 */
export async function serve<
  Received,
  Sent = Received,
  Context = undefined,
  Port = unknown,
  Path = unknown,
  Given extends string | Address | undefined = string | Address | undefined,
>(
  options: ServeOptions<Received, Sent, Context> & {
    readonly port?: Port;
    readonly path?: Path;
    readonly address?: Given;
  },
): Promise<Server<Received, Sent, Context, AddressOf<Port, Path, Given>>> {
  const { startServer } = await load();
  const server = await startServer(options);
  return server as Server<Received, Sent, Context, AddressOf<Port, Path, Given>>;
}
