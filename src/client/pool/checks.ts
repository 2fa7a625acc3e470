/**
 * Health checks in the background: one target's after the other, each at its own time.
 *
 * Held by `targets.ts`, which says what a check is and when the next one is due.
 */
import { Deadline } from "../../core/time/deadline.ts";
import type { TimerWheel } from "../../core/time/timer_wheel.ts";
import type { Place } from "./place.ts";

/** The checks of all targets. */
export class Checks<Idle> {
  readonly #wheel: TimerWheel;
  readonly #run: (place: Place<Idle>) => Promise<number>;
  readonly #due: Map<Place<Idle>, Deadline> = new Map();

  /** `run` does not reject, and says how many ms later it wants to run again. */
  constructor(wheel: TimerWheel, run: (place: Place<Idle>) => Promise<number>) {
    this.#wheel = wheel;
    this.#run = run;
  }

  /** Begins with a check at once. */
  add(place: Place<Idle>): void {
    const check = (): void =>
      void this.#run(place).then((wait) => {
        if (this.#due.get(place) === due) due.set(wait);
      });
    const due = new Deadline(this.#wheel, check);
    this.#due.set(place, due);
    check();
  }

  remove(place: Place<Idle>): void {
    this.#due.get(place)?.unset();
    this.#due.delete(place);
  }

  stop(): void {
    for (const place of [...this.#due.keys()]) this.remove(place);
  }
}
