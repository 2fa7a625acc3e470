/**
 * `millrace/adapter`: the seam between Millrace and a runtime's sockets, for whoever writes an adapter for another runtime
 * or transport, and for programs that use the sockets of this one without frames. An adapter is given to `serve` and
 * `connect` as the option `adapter`, and must hold every line of the comments on {@linkcode Adapter} and
 * {@linkcode Transport}.
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
  SocketTuning,
  TcpAddress,
  Transport,
  TransportEvents,
  UnixAddress,
} from "./src/core/transport.ts";
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
