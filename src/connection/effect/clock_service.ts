/**
 * Our clock as the `Clock` of Effect: sleeps and timeouts of Effects are moved by what moves every limit, be it the
 * clock of a test or that of the program around.
 */
import * as EffectClock from "effect/Clock";
import * as Context from "effect/Context";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import type { Clock } from "../../core/time/clock.ts";

/** The service that Effects on this clock are given. */
export function clockService(clock: Clock): Context.Context<never> {
  return Context.make(EffectClock.Clock, new ClockService(clock));
}

const toNanos = (ms: number): bigint => BigInt(Math.round(ms * 1_000_000));

class ClockService implements EffectClock.Clock {
  readonly currentTimeMillis: Effect.Effect<number> = Effect.sync(() => this.currentTimeMillisUnsafe());
  readonly currentTimeNanos: Effect.Effect<bigint> = Effect.sync(() => this.currentTimeNanosUnsafe());
  readonly monotonicTimeNanos: Effect.Effect<bigint> = Effect.sync(() => this.monotonicTimeNanosUnsafe());
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  currentTimeMillisUnsafe(): number {
    return this.#clock.wallTime();
  }

  currentTimeNanosUnsafe(): bigint {
    return toNanos(this.#clock.wallTime());
  }

  monotonicTimeNanosUnsafe(): bigint {
    return toNanos(this.#clock.now());
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const timer = this.#clock.setTimer(() => resume(Effect.void), Duration.toMillis(duration));
      return Effect.sync(() => this.#clock.clearTimer(timer));
    });
  }
}
