/**
 * Millrace: framed TCP and Unix socket servers and clients for Bun, Deno and Node.
 *
 * @example An echo server
 * ```ts
 * import { lines, serve } from "@millrace/millrace";
 *
 * const server = await serve({
 *   port: 3034,
 *   framing: lines(),
 *   handler: async (connection) => {
 *     for await (const line of connection) await connection.send(line);
 *   },
 * });
 * ```
 *
 * @module
 */
export { serve } from "./src/server/serve.ts";
export type { Server } from "./src/server/server.ts";
export type { ConnectionInspection, ServerInspection } from "./src/server/inspection.ts";
export type {
  ConnectionRates,
  Logger,
  LogRecord,
  RateSample,
  RejectReason,
  ServerOptions,
  ServerState,
  ServerStats,
  ShutdownReport,
} from "./src/server/server_options.ts";
export { connect } from "./src/client/connect.ts";
export type { ConnectOptions } from "./src/client/connect_options.ts";
export type { BroadcastReport } from "./src/connection/broadcast.ts";
export type { Connection } from "./src/connection/connection.ts";
export type {
  ConnectionOptions,
  ConnectionState,
  ConnectionStats,
  Handler,
  KeepaliveOptions,
  OnFrame,
} from "./src/connection/connection_options.ts";
export type { CloseReason, TerminationRecord } from "./src/connection/termination.ts";
export * from "./src/core/errors.ts";
export type { EgressPolicy, SendOutcome } from "./src/core/outcome.ts";
export type { Adapter, Address, Capability, Peer, TlsInfo } from "./src/core/transport.ts";
export { compose, type Stage, toTransformStream } from "./src/core/stage.ts";
export type { ByteSink, Decoder, Framing } from "./src/core/framing/framing.ts";
export { lines, type LinesOptions } from "./src/core/framing/lines.ts";
