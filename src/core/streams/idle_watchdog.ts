/**
 * Notices that nothing was read, nothing written, or neither, for too long (F-12).
 *
 * Activity costs one write of a number; the wheel looks now and then how old it is. A stage of its own and, as
 * `IdleWatchdogStream`, a Web Stream; `connection/vigil.ts` judges by the same rule. Does not know what it watches.
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

/** Where an {@linkcode IdleWatchdog} that no stream drives reports to. */
type IdleOutlet = Pick<Outlet<never>, "full" | "fail">;

/** Ends a pipeline with an `IdleTimeoutError` when it was silent for too long; passes on everything as it is. */
export class IdleWatchdog<T = Uint8Array> implements TimedStage<T, T>, WheelEntry {
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  readonly #wheel: TimerWheel;
  readonly #times: IdleTimes;
  #outlet: IdleOutlet | undefined = undefined;
  #lastRead = 0;
  #lastWrite = 0;

  /** Throws `OptionsError` for a limit that is no duration above 0. */
  constructor(limits: IdleLimits = {}, wheel: TimerWheel = sharedWheel()) {
    const check = new OptionsCheck();
    check.keys(limits, ["idle", "readIdle", "writeIdle"]);
    const { idle, readIdle, writeIdle } = limits;
    const alone = readIdle === undefined && writeIdle === undefined;
    this.#times = {
      idle: checkDuration(check, "idle", idle, alone ? defaults.idleTimeout : Infinity),
      readIdle: checkDuration(check, "readIdle", readIdle, Infinity),
      writeIdle: checkDuration(check, "writeIdle", writeIdle, Infinity),
    };
    check.done();
    this.#wheel = wheel;
  }

  /** The clock begins. While `outlet.full`, silence is not held against anybody, and afterwards counted anew. */
  start(outlet: IdleOutlet): void {
    this.#outlet = outlet;
    const { idle, readIdle, writeIdle } = this.#times;
    this.#wheel.schedule(this, Math.min(idle, readIdle, writeIdle));
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
    const outlet = this.#outlet;
    if (outlet === undefined) return 0;
    if (outlet.full) this.#lastRead = this.#lastWrite = now;
    const left = idleLeft(this.#wheel, this.#times, this.#lastRead, this.#lastWrite, now);
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
