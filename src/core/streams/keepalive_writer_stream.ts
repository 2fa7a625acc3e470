/** The keepalive writer as a Web Stream. */
import { KeepaliveWriter, type KeepaliveWriterOptions } from "./keepalive_writer.ts";
import { OptionsCheck } from "../options.ts";
import { checkStrategies, type StreamStrategies } from "./stream_strategies.ts";
import { type TimedStage, TimedStream } from "./timed_stage.ts";
import { sharedWheel, type TimerWheel } from "../time/timer_wheel.ts";

/** Settings of a {@linkcode KeepaliveWriterStream}. */
export interface KeepaliveWriterStreamOptions
  extends KeepaliveWriterOptions, StreamStrategies<Uint8Array, Uint8Array> {
  /** Timer wheel to use. @default a shared one */
  readonly wheel?: TimerWheel | undefined;
}

/**
 * Passes chunks through unchanged, each a complete frame, and adds the payload whenever none arrived for `interval`,
 * unless the last one still waits for the reader. An exception of a payload function errors the stream.
 *
 * @example A ping while there is nothing to say
 * ```ts
 * import { KeepaliveWriterStream } from "@millrace/millrace/streams";
 *
 * const ping = new TextEncoder().encode("ping\n");
 * const silent = new ReadableStream<Uint8Array>();
 * const reader = silent
 *   .pipeThrough(new KeepaliveWriterStream({ interval: "20 milliseconds", payload: ping }))
 *   .pipeThrough(new TextDecoderStream())
 *   .getReader();
 * console.log((await reader.read()).value?.trim()); // ping
 * await reader.cancel();
 * ```
 */
export class KeepaliveWriterStream extends TimedStream<Uint8Array, Uint8Array<ArrayBuffer>> {
  /**
   * Takes the payload and the interval.
   *
   * @throws {OptionsError} `invalid`, for an invalid option
   */
  constructor(options: KeepaliveWriterStreamOptions) {
    const { wheel = sharedWheel(), writableStrategy, readableStrategy, ...own } = options;
    const check = new OptionsCheck();
    checkStrategies(check, options);
    check.done();
    super(new KeepaliveWriter(own, wheel) as TimedStage<Uint8Array, Uint8Array<ArrayBuffer>>, {
      writableStrategy,
      readableStrategy,
    });
  }
}
