/** `connect`: an outgoing framed connection behind plain promises. */
import type { Connection } from "../connection/connection.ts";
import { onFirstUse } from "../core/loading.ts";
import type { ConnectOptions } from "./connect_options.ts";

/** Effect is most of what there is to load, and a program that only cuts frames needs none of it. */
const load = onFirstUse(() => import("./client.ts"));

/**
 * Connects to a server, and resolves once the connection can be used, with `tls` after the handshake. It is the same
 * kind of `Connection` that a server's handler gets. A host name is looked up, and its addresses are tried in turn,
 * as described in [RFC 8305](https://www.rfc-editor.org/rfc/rfc8305).
 *
 * @example A request and its answer
 * ```ts
 * import { connect, lines, serve } from "@millrace/millrace";
 *
 * const framing = lines({ encoding: "utf-8" });
 * await using server = await serve({
 *   port: 0,
 *   framing,
 *   onFrame: (name, connection) => connection.send(`hello, ${name}`),
 * });
 *
 * await using connection = await connect({
 *   host: "127.0.0.1",
 *   port: server.address.port,
 *   framing,
 *   connectTimeout: "3 seconds",
 * });
 * await connection.send("Ada");
 * for await (const line of connection) {
 *   console.log(line); // hello, Ada
 *   break;
 * }
 * ```
 *
 * @throws {OptionsError} before any socket opens: `invalid`, `conflict`, or `unsupported` on this runtime
 * @throws {TimeoutError} `connect` after `connectTimeout`, 10 seconds by default
 * @throws {SocketError} such as `refused`, `host_not_found` or `unreachable`, or `aborted` by the option `signal`
 * @throws {TlsError} when the handshake fails, such as `certificate_untrusted`
 */
export async function connect<Received, Sent = Received, Context = undefined>(
  options: ConnectOptions<Received, Sent, Context>,
): Promise<Connection<Received, Sent, Context>> {
  const { startConnection } = await load();
  return startConnection(options);
}
