/** Sockets of the draft on workerd. */
import { bindSockets, type Sockets, type SocketsOptions } from "./bind_sockets.ts";
import { cloudflareSockets } from "./cloudflare_sockets.ts";
import type { Adapter } from "../core/transport.ts";
import type { AnySocketAddress, ConnectedSocket, SocketOptions } from "./socket.ts";

/** The module of the host is there by the time that somebody connects. */
const own = (): Promise<Adapter> => Promise.resolve(cloudflareSockets());

/**
 * `connectSocket` of `millrace/sockets` over `cloudflare:sockets`.
 *
 * @example
 * ```ts
 * import { connectSocket } from "@millrace/millrace/sockets/edge";
 *
 * const socket = connectSocket("example.org:7");
 * await socket.opened.catch((error) => console.log(error.cause.reason)); // unsupported
 * ```
 *
 * @throws {SocketError} for an address or options that are not valid; `opened` rejects with one when connecting fails
 */
export function connectSocket(address: AnySocketAddress, options?: SocketOptions): ConnectedSocket {
  return bindSockets({}, own).connect(address, options);
}

/**
 * `sockets` of `millrace/sockets` over `cloudflare:sockets`.
 *
 * @example
 * ```ts
 * import { sockets } from "@millrace/millrace/sockets/edge";
 *
 * const { connect } = sockets({ connectTimeout: "2 seconds" });
 * const socket = connect("example.org:7");
 * await socket.opened.catch((error) => console.log(error.cause.reason)); // unsupported
 * ```
 *
 * @throws {OptionsError} `invalid`
 */
export function sockets(options: SocketsOptions = {}): Sockets {
  return bindSockets(options, own);
}
