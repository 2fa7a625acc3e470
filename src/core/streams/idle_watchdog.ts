/**
 * Notices that nothing was read, nothing written, or neither, for too long.
 *
 * Activity costs one write of a number; the wheel looks now and then how old it is. A stage of its own and, as
 * `IdleWatchdogStream`, a Web Stream; `connection/vigil.ts` judges by the same rule. Does not know what it watches.
 */
import { IdleTimeoutError } from "../errors.ts";
import { OptionsCheck } from "../options.ts";
import { checkDuration, type DurationInput } from "../time/duration.ts";
import type { Outlet, TimedStage } from "./timed_stage.ts";
import { sharedWheel, type TimerWheel, type WheelEntry } from "../time/timer_wheel.ts";

/** The kind of silence. */
type IdleReason = "idle" | "read_idle" | "write_idle";

/** How long each silence may be, in ms; `Infinity` for ever. */
export interface IdleTimes {
  readonly idle: number;
  readonly readIdle: number;
  readonly writeIdle: number;
}

/**
 * The rule of idle times, for streams and connections alike: how many ms are left of the one that is over first, or which
 * one is over. `lastRead` and `lastWrite` are readings of the wheel; nothing more is read where `reading` is false.
 */
export function idleLeft(
  wheel: TimerWheel,
  times: IdleTimes,
  lastRead: number,
  lastWrite: number,
  now: number,
  reading: boolean = true,
): number | IdleReason {
  const idle = wheel.left(Math.max(lastRead, lastWrite), times.idle, now);
  if (idle <= 0) return "idle";
  const readIdle = reading ? wheel.left(lastRead, times.readIdle, now) : Infinity;
  if (readIdle <= 0) return "read_idle";
  const writeIdle = wheel.left(lastWrite, times.writeIdle, now);
  return writeIdle <= 0 ? "write_idle" : Math.min(idle, readIdle, writeIdle);
}

/** Ends a pipeline with an `IdleTimeoutError` when nothing has come for too long; passes on everything as it is. */
export class IdleWatchdog<T = Uint8Array> implements TimedStage<T, T>, WheelEntry {
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  readonly #wheel: TimerWheel;
  readonly #times: IdleTimes;
  #outlet: Outlet<T> | undefined = undefined;
  #last = 0;

  /** Throws `OptionsError` for a time that is no duration above 0. */
  constructor(timeout: DurationInput, wheel: TimerWheel = sharedWheel()) {
    const check = new OptionsCheck();
    const idle = checkDuration(check, "timeout", timeout, Infinity);
    check.done();
    this.#times = { idle, readIdle: Infinity, writeIdle: Infinity };
    this.#wheel = wheel;
  }

  /** The clock begins. While `outlet.full`, silence does not count, and afterwards starts again. */
  start(outlet: Outlet<T>): void {
    this.#outlet = outlet;
    this.#wheel.schedule(this, this.#times.idle);
    this.#last = this.#wheel.now;
  }

  stop(): void {
    this.#outlet = undefined;
    this.#wheel.cancel(this);
  }

  push(item: T, next: (out: T) => void): void {
    this.#last = this.#wheel.now;
    next(item);
  }

  /** For the wheel. */
  expire(now: number): number {
    const outlet = this.#outlet;
    if (outlet === undefined) return 0;
    if (outlet.full) this.#last = now;
    const left = idleLeft(this.#wheel, this.#times, this.#last, this.#last, now);
    if (typeof left === "number") return left;
    this.#outlet = undefined;
    outlet.fail(idleTimeoutError(left, this.#times));
    return 0;
  }
}

const silences: Readonly<Record<IdleReason, readonly [limit: keyof IdleTimes, what: string]>> = {
  idle: ["idle", "nothing was read or written"],
  read_idle: ["readIdle", "nothing was read"],
  write_idle: ["writeIdle", "nothing was written"],
};

/** The error for the one of these times that is over. */
export function idleTimeoutError(reason: IdleReason, times: IdleTimes): IdleTimeoutError {
  const [name, what] = silences[reason];
  const limit = times[name];
  return new IdleTimeoutError(reason, limit, `wait for activity: ${what} for ${limit} ms`);
}
