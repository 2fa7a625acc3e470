/**
 * Notices that nothing has come for a while, once after each time that something has.
 *
 * Used where a framing ends frames by silence, by connections and by streams. What lies unread while the process stands still
 * is read first, as of all that waits on the wheel; while its owner does not read, the silence is not the sender's.
 */
import type { TimerWheel, WheelEntry } from "./timer_wheel.ts";

/** Whose silence it is. */
export interface SilenceOwner {
  /** Nothing is read at present. */
  readonly paused: boolean;
  /** Nothing has come for the whole time. */
  silent(): void;
}

/** One sender's silences. */
export class SilenceWatch implements WheelEntry {
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  readonly #gap: number;
  readonly #wheel: TimerWheel;
  readonly #owner: SilenceOwner;
  /** Something has come since the last silence. */
  #waiting = false;
  #last = 0;

  /** `gap` in milliseconds. */
  constructor(gap: number, wheel: TimerWheel, owner: SilenceOwner) {
    this.#gap = gap;
    this.#wheel = wheel;
    this.#owner = owner;
  }

  /** Something has come, or is read again: the silence begins anew. */
  arrived(): void {
    // First the tick, then the reading: it must not be older than what the wheel allows for such a wait.
    if (!this.#waiting) this.#wheel.schedule(this, this.#gap);
    this.#waiting = true;
    this.#last = this.#wheel.now;
  }

  /** Reading goes on. */
  resumed(): void {
    if (this.#waiting) this.#last = this.#wheel.now;
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.#waiting = false;
    this.#wheel.cancel(this);
  }

  /** For the wheel. */
  expire(now: number): number {
    if (this.#owner.paused) return this.#gap;
    const left = this.#wheel.left(this.#last, this.#gap, now);
    if (left > 0) return left;
    this.#waiting = false;
    this.#owner.silent();
    return 0;
  }
}
