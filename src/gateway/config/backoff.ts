/**
 * Waits between attempts, as a configuration writes them: a table of the library's names.
 *
 * Used by `endpoint_config.ts`. How the values go together is said by the library's own check.
 */
import type { Backoff } from "../../core/time/backoff.ts";
import { type Read, Refusal, type Section } from "./section.ts";
import { duration, finiteDuration, integer } from "./values.ts";

const names = "initial, factor, max, jitter, attempts or for";

function numberFrom(least: number, most: number, expected: string): Read<number> {
  return (value) => {
    if (typeof value === "number" && value >= least && value <= most) return value;
    throw new Refusal(expected);
  };
}

/** How much longer each wait is than the one before. */
export const factor: Read<number> = numberFrom(1, Number.MAX_VALUE, "a number of 1 or more");
/** The part of a wait that is left to chance. */
export const jitter: Read<number> = numberFrom(0, 1, "a number from 0 to 1");
const attempts: Read<number> = (value) => value === Infinity ? value : integer(1)(value);

/** Reads `true`, `false` or the table at a key; undefined where there is none. Faults go to the section's list. */
export function readBackoff(section: Section, key: string): boolean | Backoff | undefined {
  const value = section.raw(key);
  if (typeof value === "boolean") return value;
  return section.table(key, `true, false, or a table with ${names}`, (table): Backoff => ({
    initial: table.take("initial", finiteDuration),
    factor: table.take("factor", factor),
    max: table.take("max", finiteDuration),
    jitter: table.take("jitter", jitter),
    attempts: table.take("attempts", attempts),
    for: table.take("for", duration),
  }));
}
