/**
 * A clock that a test moves by hand: timers and ends of turns run in order, at exact times, without waiting.
 *
 * Part of `millrace/testing`. Knows the clock's interface and nothing of what runs on it.
 */
import { type Clock, systemClock } from "../core/time/clock.ts";
import { allLoaded } from "../core/loading.ts";

/** More callbacks than this without time moving on is taken for a loop. */
const mostPerInstant = 100_000;

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Options of {@linkcode FakeClock}. */
export interface FakeClockOptions {
  /** First reading of `now()`, in milliseconds. @default 0 */
  readonly now?: number;
  /** First reading of `wallTime()`, in milliseconds since 1970. @default 2024-01-01T00:00:00Z */
  readonly wallTime?: number;
}

/**
 * A {@linkcode Clock} whose time only moves when `advance` is called.
 *
 * Timers run in order of their time, and timers of the same time in the order in which they were set. Ends of turns
 * run first in `advance`, and after every timer. Nothing runs by itself, and no real timer is ever set.
 *
 * @example An idle timeout without waiting for it
 * ```ts
 * import { connect, lines, serve } from "@millrace/millrace";
 * import { FakeClock, memoryAdapter } from "@millrace/millrace/testing";
 *
 * const clock = new FakeClock();
 * const options = { clock, adapter: memoryAdapter({ clock }), port: 3034, framing: lines() };
 * const starting = serve({
 *   ...options,
 *   idleTimeout: "60 seconds",
 *   handler: () => {},
 *   onDisconnect: ({ reason }) => console.log(reason), // idle_timeout
 * });
 * await clock.advanceAsync(0);
 * const server = await starting;
 * const connecting = connect(options);
 * await clock.advanceAsync(0);
 * await connecting;
 * await clock.advanceAsync(70_000);
 * await server.destroy();
 * ```
 */
export class FakeClock implements Clock {
  #now: number;
  #wallOffset: number;
  #timers: Timer[] = [];
  #turns: (() => void)[] = [];
  #sinceMoved = 0;

  /** Starts at its first readings. */
  constructor(options: FakeClockOptions = {}) {
    this.#now = options.now ?? 0;
    this.#wallOffset = (options.wallTime ?? Date.UTC(2024, 0, 1)) - this.#now;
  }

  /** Milliseconds, as advanced so far. */
  now(): number {
    return this.#now;
  }

  /** Milliseconds since 1970 by this clock, for logs and records. */
  wallTime(): number {
    return this.#now + this.#wallOffset;
  }

  /**
   * Sets a timer; `Infinity` means never.
   *
   * @throws {RangeError} for NaN, with which a real timer would fire at once
   */
  setTimer(callback: () => void, ms: number): unknown {
    if (Number.isNaN(ms)) throw new RangeError("set a timer: found NaN ms, expected a number");
    if (ms === Infinity) return undefined;
    const timer: Timer = { at: this.#now + Math.max(0, ms), callback };
    let low = 0, high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#timers[middle]!.at <= timer.at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return timer;
  }

  /** Cancels a timer. */
  clearTimer(handle: unknown): void {
    const index = this.#timers.indexOf(handle as Timer);
    if (index >= 0) this.#timers.splice(index, 1);
  }

  /** Calls back first in the next `advance`, or after the current timer. */
  endOfTurn(callback: () => void): void {
    this.#turns.push(callback);
  }

  /** Number of timers that are set: 0 when everything under test has cleaned up. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Milliseconds until the next timer, 0 when one is overdue, undefined when none is set. */
  get untilNextTimer(): number | undefined {
    const next = this.#timers[0];
    return next && Math.max(0, next.at - this.#now);
  }

  /** Advances time, and runs everything that falls due on the way at its own time. `advance(0)` ends the turn. */
  advance(ms: number): void {
    const target = this.#target(ms);
    let next: (() => void) | undefined;
    while ((next = this.#next(target)) !== undefined) next();
    this.#moveTo(target);
  }

  /**
   * The same for asynchronous code: after every callback all promise jobs run, and what they schedule in turn. It
   * takes only as much real time as that needs, including modules that are loaded on first use.
   */
  async advanceAsync(ms: number): Promise<void> {
    const target = this.#target(ms);
    await settled();
    await allLoaded();
    await settled();
    let next: (() => void) | undefined;
    while ((next = this.#next(target)) !== undefined) {
      next();
      await settled();
    }
    this.#moveTo(target);
  }

  /**
   * Advances time without running anything, like a blocked event loop or a stopped process: what fell due runs late,
   * in the next `advance`.
   */
  stall(ms: number): void {
    this.#moveTo(this.#target(ms));
  }

  /** Changes only the wall clock, forward or back; `now()` is not affected. */
  setWallTime(ms: number): void {
    this.#wallOffset = ms - this.#now;
  }

  #target(ms: number): number {
    if (!(ms >= 0 && ms < Infinity)) {
      throw new RangeError(
        `move the clock: found ${ms} ms, expected 0 or more: its time never runs backwards`,
      );
    }
    return this.#now + ms;
  }

  #next(target: number): (() => void) | undefined {
    const turn = this.#turns.shift();
    const timer = this.#timers[0];
    if (turn === undefined && (timer === undefined || timer.at > target)) return undefined;
    if (++this.#sinceMoved > mostPerInstant) {
      this.#sinceMoved = 0;
      throw new Error(
        `run timers: ${mostPerInstant} callbacks ran at ${this.#now} ms; something sets itself again without delay`,
      );
    }
    if (turn !== undefined) return turn;
    this.#timers.shift();
    this.#moveTo(timer!.at);
    return timer!.callback;
  }

  #moveTo(time: number): void {
    if (time <= this.#now) return;
    this.#now = time;
    this.#sinceMoved = 0;
  }
}

/** Resolves when no promise job is left: a task of the real event loop comes after all of them. */
function settled(): Promise<void> {
  return new Promise((resolve) => systemClock.endOfTurn(resolve));
}
