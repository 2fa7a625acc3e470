/**
 * Time as the rest of the core sees it: a monotonic reading, one timer, and the end of the current turn.
 *
 * `systemClock` is the real one; `millrace/testing` has a clock that a test moves by hand.
 */

/** A source of time. */
export interface Clock {
  /** Milliseconds, monotonic: unaffected by changes of the wall clock. */
  now(): number;
  /** Milliseconds since 1970, only for logs and records. */
  wallTime(): number;
  /**
   * Calls back once after `ms`, which may be any number; never for `Infinity`. Returns a handle for `clearTimer`.
   * Keeps the process alive.
   */
  setTimer(callback: () => void, ms: number): unknown;
  /** Cancels a timer; does nothing for one that has fired. */
  clearTimer(handle: unknown): void;
  /** Calls back at the end of this turn of the event loop: after microtasks, before waiting for I/O if possible. */
  endOfTurn(callback: () => void): void;
}

const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };

/** The longest wait that a timer of the runtimes takes; with a longer one it would fire at once. */
const longestTimer = 2 ** 31 - 1;

/** A wait that is too long for one timer of the runtime: one after the other. */
class LongTimer {
  #timer: unknown = undefined;

  constructor(callback: () => void, ms: number) {
    if (ms !== Infinity) this.#wait(callback, performance.now() + ms);
  }

  clear(): void {
    clearTimeout(this.#timer as ReturnType<typeof setTimeout>);
  }

  #wait(callback: () => void, until: number): void {
    const left = until - performance.now();
    this.#timer = left > longestTimer
      ? setTimeout(() => this.#wait(callback, until), longestTimer)
      : setTimeout(callback, left);
  }
}

/** The runtime's own time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer: (callback, ms) => ms > longestTimer ? new LongTimer(callback, ms) : setTimeout(callback, ms),
  clearTimer(handle) {
    if (handle instanceof LongTimer) handle.clear();
    else clearTimeout(handle as ReturnType<typeof setTimeout>);
  },
  endOfTurn: setImmediate === undefined
    ? (callback) => void setTimeout(callback, 0)
    : (callback) => void setImmediate(callback),
};
