/**
 * A stage that also acts when nothing comes: it times out, fills a silence, or delivers what it holds.
 *
 * Such stages wait on the timer wheel. `TimedStream` makes one a standard `TransformStream`, and lets go of the wheel
 * however the stream ends. Knows nothing of what the stages do.
 */
import type { Stage } from "./stage.ts";
import type { StreamStrategies } from "./stream_strategies.ts";

/** How a timed stage acts between two pushes. */
export interface Outlet<Out> {
  /** True while the last item has not been taken: the silence is then not the source's fault. */
  readonly full: boolean;
  /** The same as `next` within a push. */
  deliver(out: Out): void;
  /** Ends the pipeline with an error, in both directions. */
  fail(error: unknown): void;
}

/** A stage with timers, which run from `start` to `stop`. */
export interface TimedStage<In, Out> extends Stage<In, Out> {
  /** Called once, before the first push. */
  start(outlet: Outlet<Out>): void;
  /** The pipeline has ended for any reason: stop waiting and deliver nothing more. May be called several times. */
  stop(): void;
}

/**
 * A timed stage as a standard `TransformStream`.
 */
export class TimedStream<In, Out> extends TransformStream<In, Out> {
  /** Runs `stage`, which must be used by this stream alone. */
  constructor(stage: TimedStage<In, Out>, strategies: StreamStrategies<In, Out> = {}) {
    let next: (out: Out) => void;
    // Called when the reader cancels or the writer aborts; some type libraries do not have it yet.
    const transformer: Transformer<In, Out> & { cancel(): void } = {
      start(controller) {
        next = (out) => controller.enqueue(out);
        stage.start({
          get full() {
            return (controller.desiredSize ?? 0) <= 0;
          },
          deliver: next,
          fail(error) {
            stage.stop();
            controller.error(error);
          },
        });
      },
      transform(item) {
        try {
          stage.push(item, next);
        } catch (error) {
          stage.stop();
          throw error;
        }
      },
      flush() {
        stage.stop();
        stage.flush?.(next);
      },
      cancel() {
        stage.stop();
      },
    };
    super(transformer, strategies.writableStrategy, strategies.readableStrategy ?? { highWaterMark: 1 });
  }
}
