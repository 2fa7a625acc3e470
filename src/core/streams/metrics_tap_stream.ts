/** The metrics tap as a Web Stream. */
import { MetricsTap, type TapCounts } from "./metrics_tap.ts";
import { OptionsCheck } from "../options.ts";
import { checkStrategies, strategyKeys, type StreamStrategies } from "./stream_strategies.ts";

/**
 * Passes chunks through unchanged, and counts them in `counts`.
 *
 * @example
 * ```ts
 * import { MetricsTapStream } from "@millrace/millrace/streams";
 *
 * const tap = new MetricsTapStream();
 * const text = await new Response(new Blob(["hello"]).stream().pipeThrough(tap)).text();
 * console.log(text, tap.counts.bytes); // hello 5
 * ```
 */
export class MetricsTapStream<T = Uint8Array<ArrayBuffer>> extends TransformStream<T, T> {
  readonly #tap: MetricsTap<T>;

  /**
   * One tap in several streams counts all of them.
   *
   * @throws {OptionsError} `invalid`, for an invalid option
   */
  constructor(tap: MetricsTap<T> = new MetricsTap<T>(), strategies: StreamStrategies<T, T> = {}) {
    const check = new OptionsCheck();
    check.keys(strategies, strategyKeys);
    checkStrategies(check, strategies);
    check.done();
    let next: (out: T) => void;
    super(
      {
        start(controller) {
          next = (out) => controller.enqueue(out);
        },
        transform: (item) => tap.push(item, next),
      },
      strategies.writableStrategy,
      strategies.readableStrategy,
    );
    this.#tap = tap;
  }

  /** The counts so far. */
  get counts(): TapCounts {
    return this.#tap.counts();
  }
}
