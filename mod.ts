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
export { replies } from "./src/connection/replies/replies.ts";
export type { RepliesOptions, RepliesStats } from "./src/connection/replies/replies_options.ts";
export { systemdSockets } from "./src/server/systemd_sockets.ts";
export { onSignals, type SignalsOptions } from "./src/server/on_signals.ts";
export type { ServerInspection } from "./src/server/inspection.ts";
export type { AdmissionOptions, RejectReason } from "./src/server/admission_options.ts";
export type { FirstBytesOptions, ProxyProtocolOptions } from "./src/server/preface/preface_options.ts";
export type { AuditEvent } from "./src/server/audit.ts";
export type { KillOptions } from "./src/server/kill_options.ts";
export type { LiveOptions } from "./src/server/live_options.ts";
export type { ServeOptions, ServerState, ShutdownReport } from "./src/server/server_options.ts";
export type { RateSample, ServerStats } from "./src/server/server_stats.ts";
export { prometheusText } from "./src/server/prometheus.ts";
export { prometheusContentType } from "./src/core/text/exposition.ts";
export type { Logger, LogRecord } from "./src/core/logger.ts";

// Clients
export { connect } from "./src/client/connect.ts";
export type { ConnectOptions } from "./src/client/connect_options.ts";
export type { ProxyHeaderOptions } from "./src/client/proxy_header_options.ts";

// Connections
export type { BroadcastReport } from "./src/connection/broadcast.ts";
export type {
  Connection,
  ConnectionState,
  ConnectionStats,
  ReframeOptions,
} from "./src/connection/connection.ts";
export type {
  ConnectionOptions,
  ConnectionRates,
  Handler,
  OnFrame,
} from "./src/connection/connection_options.ts";
export { type MemoryBudget, memoryBudget } from "./src/connection/memory_budget.ts";
export type { CloseReason, TerminationRecord } from "./src/connection/termination.ts";
export type { EgressPolicy, SendOutcome } from "./src/core/flow/outcome.ts";
export type { Address, Peer } from "./src/core/transport.ts";
export type { ProxyInfo } from "./src/core/proxy/proxy_info.ts";

// TLS
export { certificates } from "./src/certificates/certificates.ts";
export type {
  CertificateInspection,
  Certificates,
  CertificatesOptions,
  CertificateSource,
  ReloadReport,
} from "./src/core/tls/certificate_options.ts";
export type { TlsClientOptions, TlsServerOptions, UpgradeOptions } from "./src/connection/tls/options.ts";
export type { PeerCertificate } from "./src/core/tls/tls.ts";

// Framings
export type { Framing } from "./src/core/framing/framing.ts";
export { checksummed } from "./src/core/framing/checksummed.ts";
export type { ChecksumOptions } from "./src/core/framing/checksum_options.ts";
export { defineFraming } from "./src/core/framing/define_framing.ts";
export { delimited, type DelimitedOptions } from "./src/core/framing/delimited.ts";
export { fixedLength, type FixedLengthOptions } from "./src/core/framing/fixed_length.ts";
export { berField } from "./src/core/framing/ber_field.ts";
export { lengthField } from "./src/core/framing/length_field.ts";
export type { LengthFieldOptions } from "./src/core/framing/length_options.ts";
export { lines, type LinesOptions, type TextLinesOptions } from "./src/core/framing/lines.ts";
export { mapFraming } from "./src/core/framing/map_framing.ts";
export { varintField } from "./src/core/framing/varint_field.ts";
export type { VariableLengthOptions } from "./src/core/framing/variable_length.ts";
export { raw } from "./src/core/framing/raw.ts";
export { silence, type SilenceOptions } from "./src/core/framing/silence.ts";
export {
  discardAfterSilence,
  type DiscardAfterSilenceOptions,
} from "./src/core/framing/discard_after_silence.ts";

// Durations, sizes and errors
export type { DurationInput } from "./src/core/time/duration.ts";
export type { Backoff } from "./src/core/time/backoff.ts";
export type { SizeInput } from "./src/core/text/size.ts";
export {
  FrameError,
  IdleTimeoutError,
  LimitError,
  MillraceError,
  OptionsError,
  ShutdownTimeoutError,
  SocketError,
  TimeoutError,
} from "./src/core/errors.ts";
export { TlsError } from "./src/core/tls/tls_error.ts";
