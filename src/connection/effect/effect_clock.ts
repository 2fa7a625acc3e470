/**
 * The time of a program written with Effect: where its `Clock` is not the default one, as under `TestClock`, that clock
 * governs every limit. With the default one, time is the system's, and nothing of this is used.
 *
 * Behind it is the wheel of `timer_wheel.ts`, as everywhere: one fiber that sleeps, however many connections there are.
 * Only the entry point `effect` loads it.
 */
import * as EffectClock from "effect/Clock";
import * as Context from "effect/Context";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scheduler from "effect/Scheduler";
import { type Clock, systemClock } from "../../core/time/clock.ts";

const nanosecondsPerMillisecond = 1_000_000;

/** One object a clock, so that all that run on a clock share its wheel. */
const known = new WeakMap<EffectClock.Clock, Clock>();

/** The clock among these services as ours; undefined for the default one. */
export function clockOf(services: Context.Context<never>): Clock | undefined {
  const clock = Context.get(services, EffectClock.Clock);
  if (clock === Context.get(Context.empty(), EffectClock.Clock)) return undefined;
  let time = known.get(clock);
  if (time === undefined) known.set(clock, time = new ProgramClock(clock, services));
  return time;
}

/** What `setTimer` gives. */
interface Timer {
  fired: boolean;
  /** Stops what waits. */
  stop: () => void;
}

class ProgramClock implements Clock {
  readonly endOfTurn: (callback: () => void) => void;
  readonly #clock: EffectClock.Clock;
  readonly #fork: ReturnType<typeof Effect.runForkWith<never>>;

  constructor(clock: EffectClock.Clock, services: Context.Context<never>) {
    this.#clock = clock;
    this.#fork = Effect.runForkWith(services);
    this.endOfTurn = turnsOf(services);
  }

  now(): number {
    return Number(this.#clock.monotonicTimeNanosUnsafe()) / nanosecondsPerMillisecond;
  }

  wallTime(): number {
    return this.#clock.currentTimeMillisUnsafe();
  }

  setTimer(callback: () => void, ms: number): unknown {
    // No time has to pass: this asks for a look at what has come, which is the event loop's to give.
    if (ms <= 0) return systemClock.setTimer(callback, 0);
    if (ms === Infinity) return undefined;
    const timer: Timer = { fired: false, stop: () => {} };
    let setting = true;
    const fire = (): void => {
      if (timer.fired) return;
      timer.fired = true;
      guarded(callback);
    };
    const sleeping = this.#fork(this.#clock.sleep(Duration.millis(ms)));
    timer.stop = () => {
      timer.fired = true;
      sleeping.interruptUnsafe();
    };
    sleeping.addObserver((exit) => {
      if (!Exit.isSuccess(exit)) return;
      // A clock that does not sleep so little: nobody expects to be called before `setTimer` has returned.
      if (setting) this.endOfTurn(fire);
      else fire();
    });
    setting = false;
    return timer;
  }

  clearTimer(handle: unknown): void {
    if (isTimer(handle)) handle.stop();
    else systemClock.clearTimer(handle);
  }
}

function isTimer(handle: unknown): handle is Timer {
  return typeof handle === "object" && handle !== null && "stop" in handle && "fired" in handle;
}

/**
 * Turns end as everywhere, but through the program's scheduler where it has one of its own: that of `TestClock` knows
 * from it that what a timer has begun is not over, and waits.
 */
function turnsOf(services: Context.Context<never>): (callback: () => void) => void {
  if (!services.mapUnsafe.has(Scheduler.Scheduler.key)) return systemClock.endOfTurn;
  const scheduler = Context.get(services, Scheduler.Scheduler);
  if (scheduler.executionMode === "sync") return systemClock.endOfTurn;
  const turns = scheduler.makeDispatcher();
  return (callback) => turns.scheduleTask(() => guarded(callback), 0);
}

/** What is thrown goes to the runtime, as from its own timers, and not into a fiber or a scheduler. */
function guarded(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    systemClock.endOfTurn(() => {
      throw error;
    });
  }
}
