/**
 * A wait that may end in a call: one entry of the timer wheel that is set and unset many times.
 */
import type { TimerWheel, WheelEntry } from "./timer_wheel.ts";

/** Calls back once when the time it was last set for has fully passed, unless unset before. */
export class Deadline implements WheelEntry {
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  readonly #wheel: TimerWheel;
  readonly #passed: () => void;

  constructor(wheel: TimerWheel, passed: () => void) {
    this.#wheel = wheel;
    this.#passed = passed;
  }

  /** Starts the wait anew. */
  set(ms: number): void {
    this.#wheel.cancel(this);
    if (ms !== Infinity) this.#wheel.schedule(this, ms);
  }

  /** Ends the wait without a call. */
  unset(): void {
    this.#wheel.cancel(this);
  }

  expire(): number {
    this.#passed();
    return 0;
  }
}
