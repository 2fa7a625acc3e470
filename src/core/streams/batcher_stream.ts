/** The batcher as a Web Stream. */
import { type Batch, Batcher, type BatcherOptions } from "./batcher.ts";
import { OptionsCheck } from "../options.ts";
import { checkStrategies, type StreamStrategies } from "./stream_strategies.ts";
import { TimedStream } from "./timed_stage.ts";
import { sharedWheel, type TimerWheel } from "../time/timer_wheel.ts";

/** Settings of a {@linkcode BatcherStream}. */
export interface BatcherStreamOptions<Frame>
  extends BatcherOptions<Frame>, StreamStrategies<Frame, Batch<Frame>> {
  /** Timer wheel to use. @default a shared one */
  readonly wheel?: TimerWheel | undefined;
}

/**
 * Collects frames into groups; the last group is delivered when the input ends. If the stream errors or is cancelled,
 * the frames of the incomplete group are lost.
 *
 * @example
 * ```ts
 * import { BatcherStream, FramerStream, lines } from "@millrace/millrace/streams";
 *
 * const groups = new Blob(["a\nb\nc\n"]).stream()
 *   .pipeThrough(new FramerStream(lines({ encoding: "utf-8" })))
 *   .pipeThrough(new BatcherStream<string>({ maxFrames: 2, maxDelay: "1 second" }));
 * for await (const { frames } of groups) console.log(frames.map(({ frame }) => frame).join());
 * // a,b
 * // c
 * ```
 */
export class BatcherStream<Frame = Uint8Array> extends TimedStream<Frame, Batch<Frame>> {
  /**
   * Takes the limits of a group.
   *
   * @throws {OptionsError} `invalid`, for an invalid option
   */
  constructor(options: BatcherStreamOptions<Frame> = {}) {
    const { wheel = sharedWheel(), writableStrategy, readableStrategy, ...own } = options;
    const check = new OptionsCheck();
    checkStrategies(check, options);
    check.done();
    super(new Batcher<Frame>(own, wheel), { writableStrategy, readableStrategy });
  }
}
