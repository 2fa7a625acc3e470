/**
 * `millrace/streams`: framings, and the stages of a connection, as Web Streams. They compose with any other stream by
 * `pipeThrough`. They need no sockets, so they run in browsers and at the edge.
 *
 * @example Lines of a response, with a limit on silence
 * ```ts
 * import { FramerStream, IdleWatchdogStream, lines } from "@millrace/millrace/streams";
 *
 * const response = await fetch("http://127.0.0.1:3034/log");
 * const log = response.body!
 *   .pipeThrough(new IdleWatchdogStream("30 seconds"))
 *   .pipeThrough(new FramerStream(lines({ encoding: "utf-8" })));
 * for await (const line of log) console.log(line);
 * ```
 *
 * @module
 */
// Framings
export type {
  ByteSink,
  Decoder,
  FrameErrorPolicy,
  Framing,
  FramingHint,
} from "./src/core/framing/framing.ts";
export { checksummed } from "./src/core/framing/checksummed.ts";
export type {
  ChecksumChoice,
  ChecksumNotation,
  ChecksumOptions,
} from "./src/core/framing/checksum_options.ts";
export { defineFraming, type FramingDefinition } from "./src/core/framing/define_framing.ts";
export type { FoundFrame } from "./src/core/framing/found_frame.ts";
export { delimited, type DelimitedOptions, type DelimiterOptions } from "./src/core/framing/delimited.ts";
export { fixedLength, type FixedLengthOptions } from "./src/core/framing/fixed_length.ts";
export { berField } from "./src/core/framing/ber_field.ts";
export { lengthField } from "./src/core/framing/length_field.ts";
export type {
  HeaderWriting,
  LengthFieldOptions,
  LengthMeaning,
  LengthNotation,
  LengthRules,
} from "./src/core/framing/length_options.ts";
export type { DigitFormat, Endian } from "./src/core/framing/length_value.ts";
export { type LineRules, lines, type LinesOptions, type TextLinesOptions } from "./src/core/framing/lines.ts";
export { type FrameCodec, mapFraming } from "./src/core/framing/map_framing.ts";
export { parseFraming } from "./src/protocols/framing_text.ts";
export { varintField } from "./src/core/framing/varint_field.ts";
export type { VariableLengthOptions } from "./src/core/framing/variable_length.ts";
export { raw } from "./src/core/framing/raw.ts";
export { silence, type SilenceOptions } from "./src/core/framing/silence.ts";
export {
  discardAfterSilence,
  type DiscardAfterSilenceOptions,
} from "./src/core/framing/discard_after_silence.ts";
export type { TextEncoding } from "./src/core/text/text_encoding.ts";
export { checksum, type ChecksumName } from "./src/core/checksum/checksum.ts";
export {
  EncoderStream,
  type EncoderStreamOptions,
  FramerStream,
  type FramerStreamOptions,
} from "./src/core/streams/framer_stream.ts";

// Stages, as plain calls and as Web Streams
export { compose, type Stage, toTransformStream } from "./src/core/streams/stage.ts";
export type { StreamStrategies } from "./src/core/streams/stream_strategies.ts";
export type { Outlet, TimedStage, TimedStream } from "./src/core/streams/timed_stage.ts";
export type { ByteChunk, Unshared } from "./src/core/bytes/byte_chunk.ts";
export {
  type Batch,
  type BatchedFrame,
  Batcher,
  type BatcherOptions,
  type BatchReason,
} from "./src/core/streams/batcher.ts";
export { BatcherStream, type BatcherStreamOptions } from "./src/core/streams/batcher_stream.ts";
export {
  IdleWatchdogStream,
  type IdleWatchdogStreamOptions,
} from "./src/core/streams/idle_watchdog_stream.ts";
export type { KeepalivePayload, KeepaliveWriterOptions } from "./src/core/streams/keepalive_writer.ts";
export {
  KeepaliveWriterStream,
  type KeepaliveWriterStreamOptions,
} from "./src/core/streams/keepalive_writer_stream.ts";
export { MetricsTap, type TapCounts } from "./src/core/streams/metrics_tap.ts";
export { MetricsTapStream } from "./src/core/streams/metrics_tap_stream.ts";
export type { RateLimits } from "./src/core/streams/rate_limiter.ts";
export { RateLimiterStream, type RateLimiterStreamOptions } from "./src/core/streams/rate_limiter_stream.ts";
export type { ItemSize } from "./src/core/bytes/item_size.ts";
export { TimerWheel, type TimerWheelOptions, type WheelEntry } from "./src/core/time/timer_wheel.ts";

// Sizes, time and errors
export type { SizeInput, SizeUnit } from "./src/core/text/size.ts";
export type { Clock } from "./src/core/time/clock.ts";
export type { DurationInput, DurationParts, DurationUnit, DurationValue } from "./src/core/time/duration.ts";
export { FrameError, LimitError, MillraceError, OptionsError, TimeoutError } from "./src/core/errors.ts";
export { diagnose, type Diagnosis } from "./src/core/framing/diagnosis.ts";
