/**
 * `millrace/protocols`: framings of protocols in the field, ready to use with `serve`, `connect`, `FramerStream` and the
 * gateway. They need no sockets, so they run in browsers and at the edge.
 *
 * @example Netstrings, each sent back
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { netstring } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: netstring(),
 *   onFrame: (frame, connection) => connection.send(frame),
 * });
 * await server.close();
 * ```
 *
 * @module
 */
export type { FrameErrorPolicy, Framing } from "./src/core/framing/framing.ts";
export type { SizeInput } from "./src/core/text/size.ts";
export { astm } from "./src/protocols/astm.ts";
export { cobs } from "./src/protocols/cobs.ts";
export { dnp3, type Dnp3Options } from "./src/protocols/dnp3.ts";
export { fix, type FixOptions } from "./src/protocols/fix.ts";
export { gt06, gt06Answer, type Gt06Options } from "./src/protocols/gt06.ts";
export { hdlc, type HdlcOptions } from "./src/protocols/hdlc.ts";
export { hl7Answer, type Hl7AnswerOptions } from "./src/protocols/hl7_answer.ts";
export { iec104 } from "./src/protocols/iec104.ts";
export { iso8583, type Iso8583Length, type Iso8583Options, swapTpdu } from "./src/protocols/iso8583.ts";
export type { ProtocolLimits } from "./src/protocols/limits.ts";
export { mllp, mllpCommit, mllpCommitOf, type MllpOptions } from "./src/protocols/mllp.ts";
export { modbus } from "./src/protocols/modbus.ts";
export { mqtt } from "./src/protocols/mqtt.ts";
export { ndjson } from "./src/protocols/ndjson.ts";
export { netstring } from "./src/protocols/netstring.ts";
export { nmea, type NmeaOptions } from "./src/protocols/nmea.ts";
export { opcua } from "./src/protocols/opcua.ts";
export { postgres, type PostgresOptions } from "./src/protocols/postgres.ts";
export { resp, type RespOptions } from "./src/protocols/resp.ts";
export { slip, type SlipOptions } from "./src/protocols/slip.ts";
export { stxEtx, type StxEtxOptions } from "./src/protocols/stx_etx.ts";
export { syslog, type SyslogOptions } from "./src/protocols/syslog.ts";
export { teltonika, teltonikaAnswer, type TeltonikaOptions } from "./src/protocols/teltonika.ts";
export { tpkt } from "./src/protocols/tpkt.ts";
export { parseFraming } from "./src/protocols/framing_text.ts";
