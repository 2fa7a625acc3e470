/** Waits that end: a promise with a time limit, on the gateway's clock. */
import type { Clock } from "../core/time/clock.ts";

/** Resolves true when the promise settles, either way, and false when that takes longer than `ms`. */
export function within(promise: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(() => resolve(false), ms);
    const settled = (): void => {
      clock.clearTimer(timer);
      resolve(true);
    };
    promise.then(settled, settled);
  });
}
