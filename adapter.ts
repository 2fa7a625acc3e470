/**
 * `millrace/adapter`: the interface between Millrace and a runtime's sockets, for writing an adapter for another runtime or
 * transport, and for programs that use this runtime's sockets without frames. Pass an adapter to `serve` and `connect` as
 * the option `adapter`. It must meet everything that the comments on {@linkcode Adapter} and {@linkcode Transport} say.
 *
 * @example The sockets of this runtime as a pair of Web Streams
 * ```ts
 * import { detectAdapter, toDuplex } from "@millrace/millrace/adapter";
 *
 * const adapter = await detectAdapter();
 * const transport = await adapter.connect({
 *   address: { transport: "tcp", host: "127.0.0.1", port: 3034 },
 *   noDelay: true,
 *   keepAlive: "system",
 *   signal: undefined,
 *   tls: undefined,
 * });
 * const { readable, writable } = toDuplex(transport);
 * await readable.pipeTo(writable);
 * ```
 *
 * @module
 */
export { detectAdapter, type RuntimeMarks } from "./src/adapters/detect.ts";
export type { FileRights } from "./src/core/text/file_rights.ts";
export { type Duplex, type DuplexOptions, toDuplex } from "./src/core/streams/duplex.ts";
export type {
  Adapter,
  AdapterConnectOptions,
  AdapterListenOptions,
  Address,
  AddressOf,
  Capability,
  Listener,
  Peer,
  Secure,
  SocketTuning,
  TcpAddress,
  Transport,
  TransportEvents,
  UnixAddress,
} from "./src/core/transport.ts";
export type { ProxyInfo } from "./src/core/proxy/proxy_info.ts";
export type {
  Handshake,
  HandshakeObserver,
  PeerCertificate,
  TlsClientSettings,
  TlsInfo,
  TlsMaterial,
  TlsProtocol,
  TlsServerSettings,
  TlsUpgradeSettings,
  TlsVersion,
} from "./src/core/tls/tls.ts";
export { TlsError, type TlsErrorReason } from "./src/core/tls/tls_error.ts";
export { SocketError, socketErrorFrom, type SocketErrorReason } from "./src/core/errors.ts";
