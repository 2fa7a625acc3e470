/** What a pool does now and then: one entry of the wheel, which borrowing never touches. */
import { Deadline } from "../../core/time/deadline.ts";
import type { TimerWheel } from "../../core/time/timer_wheel.ts";

/** One pool's. */
export class Upkeep {
  #at = Infinity;
  #stopped = false;
  readonly #wheel: TimerWheel;
  readonly #deadline: Deadline;

  /** `tend` says how many ms later it wants to be called again. */
  constructor(wheel: TimerWheel, tend: (now: number) => number) {
    this.#wheel = wheel;
    this.#deadline = new Deadline(wheel, () => {
      this.#at = Infinity;
      this.within(tend(wheel.clock.now()));
    });
  }

  /** It will be called. */
  get set(): boolean {
    return this.#at !== Infinity;
  }

  /** Calls in so many ms, or earlier where that is due. */
  within(ms: number): void {
    const at = this.#wheel.clock.now() + ms;
    if (this.#stopped || at >= this.#at) return;
    this.#at = at;
    this.#deadline.set(Math.max(1, ms));
  }

  stop(): void {
    this.#stopped = true;
    this.#deadline.unset();
  }
}
