/** The metrics tap as a Web Stream. */
import { MetricsTap, type TapCounts } from "./metrics_tap.ts";
import type { StreamStrategies } from "./timed_stage.ts";

/** Passes chunks on as they are; what went through is in `counts`. */
export class MetricsTapStream<T = Uint8Array> extends TransformStream<T, T> {
  readonly #tap: MetricsTap<T>;

  /** A tap that stands in several streams counts all of them. */
  constructor(tap: MetricsTap<T> = new MetricsTap<T>(), strategies: StreamStrategies<T, T> = {}) {
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

  /** What has gone through so far. */
  get counts(): TapCounts {
    return this.#tap.counts();
  }
}
