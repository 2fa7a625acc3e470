/** The idle watchdog as a Web Stream. */
import { IdleWatchdog } from "./idle_watchdog.ts";
import type { DurationInput } from "../time/duration.ts";
import { OptionsCheck } from "../options.ts";
import { checkStrategies, strategyKeys, type StreamStrategies } from "./stream_strategies.ts";
import { TimedStream } from "./timed_stage.ts";
import { sharedWheel, type TimerWheel } from "../time/timer_wheel.ts";

/** Settings of an {@linkcode IdleWatchdogStream}. */
export interface IdleWatchdogStreamOptions<T> extends StreamStrategies<T, T> {
  /** The wheel on which it waits. @default one that all share */
  readonly wheel?: TimerWheel | undefined;
}

/**
 * Passes chunks on as they are, and errors with an `IdleTimeoutError` when none came for `timeout`. Time in which the
 * reader has not taken the last chunk does not count. Throws `OptionsError` for an option that makes no sense.
 */
export class IdleWatchdogStream<T = Uint8Array<ArrayBuffer>> extends TimedStream<T, T> {
  /** Errors after a silence of `timeout`. */
  constructor(timeout: DurationInput, options: IdleWatchdogStreamOptions<T> = {}) {
    const check = new OptionsCheck();
    check.keys(options, ["wheel", ...strategyKeys]);
    checkStrategies(check, options);
    check.done();
    super(new IdleWatchdog<T>({ idle: timeout }, options.wheel ?? sharedWheel()), options);
  }
}
