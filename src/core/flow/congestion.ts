/**
 * The time in which an outbox holds more than its limit: senders that wait for room, and the kernel's answer, where one
 * takes its time.
 *
 * Used by `outbox.ts`, which makes one when its limit is passed and lets go of it when half of that is free again.
 */
import { type Deferred, deferred } from "../deferred.ts";
import { Deadline } from "../time/deadline.ts";
import type { TimerWheel } from "../time/timer_wheel.ts";

/** Milliseconds after which no answer means that the kernel is full. */
const answerTime = 100;

/** One such time. */
export class Congestion {
  /** The kernel is known to be full: what does not fit is the peer's doing and no burst of ours. */
  slow = false;
  #answer: Deadline | undefined = undefined;
  #room: Deferred | undefined = undefined;

  /** Calls `overdue`, once, if this is not over before the kernel should have answered. */
  await(wheel: TimerWheel, overdue: () => void): void {
    this.#answer = new Deadline(wheel, () => {
      this.#answer = undefined;
      overdue();
    });
    this.#answer.set(answerTime);
  }

  /** True from `await` until the time for the answer is over. */
  get awaiting(): boolean {
    return this.#answer !== undefined;
  }

  /** What senders wait for, all of them for the same. */
  get room(): Promise<void> {
    return (this.#room ??= deferred()).promise;
  }

  /** There is room, or never will be: then for this reason. */
  over(error?: Error): void {
    this.#answer?.unset();
    if (error === undefined) this.#room?.resolve();
    else this.#room?.reject(error);
  }
}
