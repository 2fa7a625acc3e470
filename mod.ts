/**
 * Millrace: framed TCP and Unix socket servers and clients for Bun, Deno and Node.
 *
 * @example An echo server
 * ```ts
 * import { lines, onSignals, serve } from "@millrace/millrace";
 *
 * const server = await serve({
 *   port: 3034,
 *   framing: lines(),
 *   handler: async (connection) => {
 *     for await (const line of connection) await connection.send(line);
 *   },
 * });
 * onSignals(server);
 * await server.finished;
 * ```
 *
 * @module
 */
// Servers
export { serve } from "./src/server/serve.ts";
export type { Server } from "./src/server/server.ts";
export { onSignals, type SignalsOptions, type Stoppable, type StopSignal } from "./src/server/on_signals.ts";
export type { ConnectionInspection, ServerInspection } from "./src/server/inspection.ts";
export type { Authorize, HandshakePeer, ServerTlsOptions, TlsInspection } from "./src/server/server_tls.ts";
export { certificates } from "./src/server/certificates.ts";
export type {
  CertificateChange,
  CertificateFiles,
  CertificateFunction,
  CertificateInspection,
  CertificateNames,
  Certificates,
  CertificatesOptions,
  CertificateSource,
  CertificatesUser,
  CertificateText,
  ClientAuthorities,
  ClientAuthoritiesInspection,
  ReloadReport,
} from "./src/server/certificate_options.ts";
export type { UpgradeOptions } from "./src/connection/upgrade.ts";
export type {
  CertificateChoice,
  TlsClientOptions,
  TlsProtocolOptions,
  TlsServerOptions,
} from "./src/connection/tls_options.ts";
export type {
  Logger,
  LogRecord,
  RateSample,
  RejectReason,
  ServeOptions,
  ServerOptions,
  ServerState,
  ServerStats,
  ShutdownReport,
} from "./src/server/server_options.ts";

// Clients
export { connect } from "./src/client/connect.ts";
export type { ClientOptions, ConnectOptions } from "./src/client/connect_options.ts";

// Connections
export type { BroadcastReport } from "./src/connection/broadcast.ts";
export type { Connection } from "./src/connection/connection.ts";
export type {
  ConnectionOptions,
  ConnectionRates,
  ConnectionState,
  ConnectionStats,
  Handler,
  KeepaliveOptions,
  OnFrame,
  Place,
} from "./src/connection/connection_options.ts";
export type { CloseReason, TerminationRecord } from "./src/connection/termination.ts";
export type { EgressPolicy, SendOutcome } from "./src/core/outcome.ts";

// Framings
export type {
  ByteSink,
  Decoder,
  FrameErrorPolicy,
  Framing,
  FramingHint,
} from "./src/core/framing/framing.ts";
export { delimited, type DelimitedOptions, type DelimiterOptions } from "./src/core/framing/delimited.ts";
export { fixedLength, type FixedLengthOptions } from "./src/core/framing/fixed_length.ts";
export { lengthField, type LengthFieldOptions, type LengthRules } from "./src/core/framing/length_field.ts";
export type { Endian } from "./src/core/framing/length_value.ts";
export { type LineRules, lines, type LinesOptions, type TextLinesOptions } from "./src/core/framing/lines.ts";
export { raw } from "./src/core/framing/raw.ts";
export type { TextEncoding } from "./src/core/framing/text_encoding.ts";
export {
  EncoderStream,
  type EncoderStreamOptions,
  FramerStream,
  type FramerStreamOptions,
} from "./src/core/framing/framer_stream.ts";

// Stages, as plain calls and as Web Streams
export { compose, type Stage, toTransformStream } from "./src/core/stage.ts";
export type { StreamStrategies } from "./src/core/stream_strategies.ts";
export type { Outlet, TimedStage, TimedStream } from "./src/core/timed_stage.ts";
export {
  type Batch,
  type BatchedFrame,
  Batcher,
  type BatcherOptions,
  type BatchReason,
} from "./src/core/batcher.ts";
export { BatcherStream, type BatcherStreamOptions } from "./src/core/batcher_stream.ts";
export type { IdleLimits } from "./src/core/idle_watchdog.ts";
export { IdleWatchdogStream, type IdleWatchdogStreamOptions } from "./src/core/idle_watchdog_stream.ts";
export type { KeepalivePayload, KeepaliveWriterOptions } from "./src/core/keepalive_writer.ts";
export {
  KeepaliveWriterStream,
  type KeepaliveWriterStreamOptions,
} from "./src/core/keepalive_writer_stream.ts";
export { MetricsTap, type TapCounts } from "./src/core/metrics_tap.ts";
export { MetricsTapStream } from "./src/core/metrics_tap_stream.ts";
export type { RateLimits } from "./src/core/rate_limiter.ts";
export { RateLimiterStream, type RateLimiterStreamOptions } from "./src/core/rate_limiter_stream.ts";
export type { ItemSize } from "./src/core/item_size.ts";
export { TimerWheel, type TimerWheelOptions, type WheelEntry } from "./src/core/timer_wheel.ts";

// Time, errors and the seam
export type { Clock } from "./src/core/clock.ts";
export type { DurationInput, DurationParts, DurationUnit, DurationValue } from "./src/core/duration.ts";
export * from "./src/core/errors.ts";
export { diagnose, type Diagnosis } from "./src/core/diagnosis.ts";
export { detectAdapter, type RuntimeMarks } from "./src/adapters/detect.ts";
export type { ByteChunk, Unshared } from "./src/core/byte_chunk.ts";
export { type Duplex, type DuplexOptions, toDuplex } from "./src/core/duplex.ts";
export type {
  Adapter,
  Address,
  Capability,
  ConnectOptions as DialOptions,
  Listener,
  ListenOptions,
  Peer,
  SocketTuning,
  Transport,
  TransportEvents,
} from "./src/core/transport.ts";
export type {
  ClientTls,
  Handshake,
  HandshakeObserver,
  PeerCertificate,
  ServerTls,
  TlsInfo,
  TlsMaterial,
  TlsProtocol,
  TlsVersion,
  UpgradeTls,
} from "./src/core/tls.ts";
export { TlsError, type TlsErrorReason } from "./src/core/tls_error.ts";
