/**
 * `millrace/sockets`: the sockets API of WinterTC on Bun, Deno, Node and workerd, and framed connections over sockets
 * that a host hands over.
 *
 * @module
 */
export { connectSocket, sockets } from "./src/sockets/native_sockets.ts";
export type { Sockets, SocketSettings, SocketsOptions } from "./src/sockets/bind_sockets.ts";
export type { CloudflareConnect, CloudflareSocket } from "./src/sockets/cloudflare_sockets.ts";
export type { FrameSocketOptions, ServeSocketOptions } from "./src/sockets/framed_options.ts";
export { frameSocket, serveSocket } from "./src/sockets/serve_socket.ts";
export { SocketError } from "./src/sockets/socket_error.ts";
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
} from "./src/sockets/socket.ts";
