/**
 * `millrace/sockets/edge`: the names of `millrace/sockets` for workerd, without a module of Node. Bundlers that know the
 * conditions `workerd`, `worker` or `browser` take it where a program of npm imports `millrace/sockets`.
 *
 * @module
 */
export { connectSocket, sockets } from "./edge_sockets.ts";
export type { Sockets, SocketSettings, SocketsOptions } from "./bind_sockets.ts";
export type { CloudflareConnect, CloudflareSocket } from "./cloudflare_sockets.ts";
export type { FrameSocketOptions, ServeSocketOptions } from "./framed_options.ts";
export { frameSocket, serveSocket } from "./serve_socket.ts";
export { SocketError } from "./socket_error.ts";
export type {
  AnySocketAddress,
  Connect,
  ConnectedSocket,
  HostSocket,
  SecureTransportKind,
  Socket,
  SocketAddress,
  SocketInfo,
  SocketOptions,
} from "./socket.ts";
