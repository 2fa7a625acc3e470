/** The idle watchdog as a Web Stream. */
import { IdleWatchdog } from "./idle_watchdog.ts";
import type { DurationInput } from "../time/duration.ts";
import { OptionsCheck } from "../options.ts";
import { checkStrategies, strategyKeys, type StreamStrategies } from "./stream_strategies.ts";
import { TimedStream } from "./timed_stage.ts";
import { sharedWheel, type TimerWheel } from "../time/timer_wheel.ts";

/** Settings of an {@linkcode IdleWatchdogStream}. */
export interface IdleWatchdogStreamOptions<T> extends StreamStrategies<T, T> {
  /** Timer wheel to use. @default a shared one */
  readonly wheel?: TimerWheel | undefined;
}

/**
 * Passes chunks through unchanged, and errors with an `IdleTimeoutError` when none arrived for `timeout`. Time during
 * which the reader has not taken the last chunk does not count.
 *
 * @example A source that falls silent
 * ```ts
 * import { IdleWatchdogStream } from "@millrace/millrace/streams";
 *
 * const silent = new ReadableStream<string>({ start: (controller) => controller.enqueue("one") });
 * try {
 *   for await (const chunk of silent.pipeThrough(new IdleWatchdogStream<string>("50 milliseconds"))) {
 *     console.log(chunk); // one
 *   }
 * } catch (error) {
 *   console.log((error as Error).name); // IdleTimeoutError
 * }
 * ```
 */
export class IdleWatchdogStream<T = Uint8Array<ArrayBuffer>> extends TimedStream<T, T> {
  /**
   * Errors after a silence of `timeout`.
   *
   * @throws {OptionsError} `invalid`, for a timeout that is not a duration above 0, and for an invalid option
   */
  constructor(timeout: DurationInput, options: IdleWatchdogStreamOptions<T> = {}) {
    const check = new OptionsCheck();
    check.keys(options, ["wheel", ...strategyKeys]);
    checkStrategies(check, options);
    check.done();
    super(new IdleWatchdog<T>(timeout, options.wheel ?? sharedWheel()), options);
  }
}
