/** Sockets of the draft on Bun, Deno and Node. */
import { detectAdapter } from "../adapters/detect.ts";
import { bindSockets, type Sockets, type SocketsOptions } from "./bind_sockets.ts";
import type { AnySocketAddress, ConnectedSocket, SocketOptions } from "./socket.ts";

/**
 * Connects as the [sockets API of WinterTC](https://sockets-api.proposal.wintertc.org/) has it: returns a socket at
 * once, whose streams can be used before it is open.
 *
 * @example
 * ```ts
 * import { connectSocket } from "@millrace/millrace/sockets";
 * import { lines, serve } from "@millrace/millrace";
 *
 * await using server = await serve({
 *   port: 0,
 *   framing: lines(),
 *   onFrame: (line, connection) => connection.send(line),
 * });
 *
 * const socket = connectSocket(`127.0.0.1:${server.address.port}`);
 * const writer = socket.writable.getWriter();
 * await writer.write(new TextEncoder().encode("hello\n"));
 * const { value } = await socket.readable.getReader().read();
 * console.log(new TextDecoder().decode(value).trim()); // hello
 * await socket.close();
 * ```
 *
 * @throws {SocketError} for an address or options that are not valid; `opened` rejects with one when connecting fails
 */
export function connectSocket(address: AnySocketAddress, options?: SocketOptions): ConnectedSocket {
  return bindSockets({}, detectAdapter).connect(address, options);
}

/**
 * Makes a binding object: its `connect` conforms to the draft, with settings that the draft does not know.
 *
 * @example Give up after two seconds
 * ```ts
 * import { sockets } from "@millrace/millrace/sockets";
 *
 * const { connect } = sockets({ connectTimeout: "2 seconds", tls: { minVersion: "TLSv1.3" } });
 * const socket = connect("127.0.0.1:1");
 * await socket.opened.catch((error) => console.log(error.cause.reason)); // refused
 * ```
 *
 * @throws {OptionsError} `invalid`
 */
export function sockets(options: SocketsOptions = {}): Sockets {
  return bindSockets(options, detectAdapter);
}
