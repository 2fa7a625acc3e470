/**
 * Waits between attempts that grow from one failure to the next: the schedule as options give it, checked, and at work.
 *
 * Used by whatever tries again: a server that binds, a client that connects. Holds no timer; who waits has a clock.
 */
import type { OptionsCheck } from "../options.ts";
import { checkDuration, type DurationInput } from "./duration.ts";

/** How long to wait before each further attempt, and when to give up. What is left out has the default of its option. */
export interface Backoff {
  /** The first wait. */
  readonly initial?: DurationInput | undefined;
  /** How much longer each wait is than the one before: a number of 1 or more. */
  readonly factor?: number | undefined;
  /** The longest wait. */
  readonly max?: DurationInput | undefined;
  /**
   * The part of each wait that is left to chance, from 0 to 1, so that many who fail together do not all return
   * together: with 0.2 a wait of 10 seconds takes between 8 and 10.
   */
  readonly jitter?: number | undefined;
  /** The maximum number of further attempts, after the first. `Infinity` for no limit. */
  readonly attempts?: number | undefined;
  /** The maximum time from the first failure to the last attempt. `Infinity` for no limit. */
  readonly for?: DurationInput | undefined;
}

/** A checked schedule; spans in milliseconds. */
export interface BackoffSchedule {
  readonly initial: number;
  readonly factor: number;
  readonly max: number;
  readonly jitter: number;
  readonly attempts: number;
  readonly for: number;
}

const keys = ["initial", "factor", "max", "jitter", "attempts", "for"] as const;

/** Checks an option that is a schedule; faults go to `check`. */
export function checkBackoff(
  check: OptionsCheck,
  path: string,
  given: Backoff,
  defaults: BackoffSchedule,
): BackoffSchedule {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    check.refuse(path, given, `an object with any of ${keys.join(", ")}`);
    return defaults;
  }
  check.keys(given, keys, `${path}.`);
  const finite = { infinite: false };
  const initial = checkDuration(check, `${path}.initial`, given.initial, defaults.initial, finite);
  const max = checkDuration(check, `${path}.max`, given.max, Math.max(defaults.max, initial), finite);
  if (max < initial) {
    check.refuse(`${path}.max`, given.max ?? max, `at least as long as initial, ${initial} ms`);
  }
  const number = (
    key: "factor" | "jitter" | "attempts",
    expected: string,
    fits: (value: number) => boolean,
  ) => {
    const value = given[key];
    if (value === undefined) return defaults[key];
    if (typeof value === "number" && fits(value)) return value;
    check.refuse(`${path}.${key}`, value, expected);
    return defaults[key];
  };
  return {
    initial,
    factor: number("factor", "a number of 1 or more", (value) => value >= 1 && value < Infinity),
    max,
    jitter: number("jitter", "a number from 0 to 1", (value) => value >= 0 && value <= 1),
    attempts: number(
      "attempts",
      "a whole number, 1 or more, or Infinity for no limit",
      (value) => value === Infinity || (Number.isSafeInteger(value) && value >= 1),
    ),
    for: checkDuration(check, `${path}.for`, given.for, defaults.for),
  };
}

/** One series of attempts. */
export class Retries {
  /** Attempts that have failed. */
  failures = 0;
  readonly #schedule: BackoffSchedule;
  readonly #random: () => number;
  #begun = 0;

  /** `random` gives numbers from 0 to 1. */
  constructor(schedule: BackoffSchedule, random: () => number = Math.random) {
    this.#schedule = schedule;
    this.#random = random;
  }

  /**
   * An attempt has failed at `now`, on a clock of milliseconds. Says how many to wait before the next one; undefined when
   * there shall be none. The last wait is cut short where the time would end within it.
   */
  failed(now: number): number | undefined {
    const { initial, factor, max, jitter, attempts, for: whole } = this.#schedule;
    if (this.failures === 0) this.#begun = now;
    const left = whole - (now - this.#begun);
    if (this.failures >= attempts || left <= 0) return undefined;
    const wait = Math.min(initial * factor ** this.failures++, max);
    return Math.min(wait * (1 - jitter * this.#random()), left);
  }

  /** What has succeeded begins anew at its next failure. */
  succeeded(): void {
    this.failures = 0;
  }
}
