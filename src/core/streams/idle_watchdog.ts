/**
 * Notices that nothing was read, nothing written, or neither, for too long (F-12).
 *
 * Activity costs one write of a number; the wheel looks now and then how old it is. A stage of its own and, as
 * `IdleWatchdogStream`, a Web Stream; `connection/vigil.ts` shares the error. Does not know what it watches.
 */
import { IdleTimeoutError } from "../errors.ts";
import { defaults, OptionsCheck } from "../options.ts";
import { checkDuration, type DurationInput } from "../time/duration.ts";
import type { Outlet, TimedStage } from "./timed_stage.ts";
import { sharedWheel, type TimerWheel, type WheelEntry } from "../time/timer_wheel.ts";

/** How long a silence may be. */
export interface IdleLimits {
  /** Nothing read and nothing written. @default "5 minutes", if neither of the others is given */
  readonly idle?: DurationInput | undefined;
  /** Nothing read, whatever is written. @default Infinity */
  readonly readIdle?: DurationInput | undefined;
  /** Nothing written, whatever is read. @default Infinity */
  readonly writeIdle?: DurationInput | undefined;
}

/** The kind of silence. */
export type IdleReason = "idle" | "read_idle" | "write_idle";

/** Where an {@linkcode IdleWatchdog} that no stream drives reports to. */
type IdleOutlet = Pick<Outlet<never>, "full" | "fail">;

/** Ends a pipeline with an `IdleTimeoutError` when it was silent for too long; passes on everything as it is. */
export class IdleWatchdog<T = Uint8Array> implements TimedStage<T, T>, WheelEntry {
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  readonly #wheel: TimerWheel;
  readonly #idle: number;
  readonly #readIdle: number;
  readonly #writeIdle: number;
  #outlet: IdleOutlet | undefined = undefined;
  #lastRead = 0;
  #lastWrite = 0;

  /** Throws `OptionsError` for a limit that is no duration above 0. */
  constructor(limits: IdleLimits = {}, wheel: TimerWheel = sharedWheel()) {
    const check = new OptionsCheck();
    check.keys(limits, ["idle", "readIdle", "writeIdle"]);
    const { idle, readIdle, writeIdle } = limits;
    const alone = readIdle === undefined && writeIdle === undefined;
    this.#idle = checkDuration(check, "idle", idle, alone ? defaults.idleTimeout : Infinity);
    this.#readIdle = checkDuration(check, "readIdle", readIdle, Infinity);
    this.#writeIdle = checkDuration(check, "writeIdle", writeIdle, Infinity);
    check.done();
    this.#wheel = wheel;
  }

  /** The clock begins. While `outlet.full`, silence is not held against anybody, and afterwards counted anew. */
  start(outlet: IdleOutlet): void {
    this.#outlet = outlet;
    this.#wheel.schedule(this, Math.min(this.#idle, this.#readIdle, this.#writeIdle));
    this.#lastRead = this.#lastWrite = this.#wheel.now;
  }

  stop(): void {
    this.#outlet = undefined;
    this.#wheel.cancel(this);
  }

  /** Something was read. */
  noteRead(): void {
    this.#lastRead = this.#wheel.now;
  }

  /** Something was written. */
  noteWrite(): void {
    this.#lastWrite = this.#wheel.now;
  }

  /** As a stage it stands where bytes are read. */
  push(item: T, next: (out: T) => void): void {
    this.#lastRead = this.#wheel.now;
    next(item);
  }

  /** For the wheel. */
  expire(now: number): number {
    if (this.#outlet === undefined) return 0;
    if (this.#outlet.full) this.#lastRead = this.#lastWrite = now;
    const idle = this.#wheel.left(Math.max(this.#lastRead, this.#lastWrite), this.#idle, now);
    const readIdle = this.#wheel.left(this.#lastRead, this.#readIdle, now);
    const writeIdle = this.#wheel.left(this.#lastWrite, this.#writeIdle, now);
    if (idle <= 0) return this.#fail("idle", this.#idle);
    if (readIdle <= 0) return this.#fail("read_idle", this.#readIdle);
    if (writeIdle <= 0) return this.#fail("write_idle", this.#writeIdle);
    return Math.min(idle, readIdle, writeIdle);
  }

  #fail(reason: IdleReason, limit: number): 0 {
    const outlet = this.#outlet!;
    this.#outlet = undefined;
    outlet.fail(idleTimeoutError(reason, limit));
    return 0;
  }
}

const silence: Readonly<Record<IdleReason, string>> = {
  idle: "nothing was read or written",
  read_idle: "nothing was read",
  write_idle: "nothing was written",
};

/** The error for a silence of `limit` ms or more. */
export function idleTimeoutError(reason: IdleReason, limit: number): IdleTimeoutError {
  return new IdleTimeoutError(reason, limit, `wait for activity: ${silence[reason]} for ${limit} ms`);
}
