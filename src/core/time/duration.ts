/**
 * Spans of time as people write them, turned into milliseconds: the one grammar of the library's options, of the
 * configuration and of the command line.
 *
 * All forms of Effect's `Duration.Input` are among them and mean the same, without Effect: the core may not import it.
 * Inside there are only numbers of milliseconds.
 */
import { OptionsError } from "../errors.ts";
import type { OptionsCheck } from "../options.ts";
import { misread, read, type Reading, wanted } from "../text/reading.ts";

/** A unit of time in text such as `"5 seconds"` or `"500ms"`. */
export type DurationUnit =
  | "ns"
  | "nano"
  | "nanos"
  | "nanosecond"
  | "nanoseconds"
  | "us"
  | "µs"
  | "micro"
  | "micros"
  | "microsecond"
  | "microseconds"
  | "ms"
  | "milli"
  | "millis"
  | "millisecond"
  | "milliseconds"
  | "s"
  | "sec"
  | "secs"
  | "second"
  | "seconds"
  | "m"
  | "min"
  | "mins"
  | "minute"
  | "minutes"
  | "h"
  | "hr"
  | "hrs"
  | "hour"
  | "hours"
  | "d"
  | "day"
  | "days"
  | "w"
  | "week"
  | "weeks";

/** A duration in parts, which add up: `{ minutes: 1, seconds: 30 }`. */
export interface DurationParts {
  /** Seven days each. */
  readonly weeks?: number | undefined;
  /** 24 hours each. */
  readonly days?: number | undefined;
  /** Sixty minutes each. */
  readonly hours?: number | undefined;
  /** Sixty seconds each. */
  readonly minutes?: number | undefined;
  /** Whole or not, such as 1.5. */
  readonly seconds?: number | undefined;
  /** Thousandths of a second. */
  readonly milliseconds?: number | undefined;
  /** Millionths of a second. */
  readonly microseconds?: number | undefined;
  /** Billionths of a second. */
  readonly nanoseconds?: number | undefined;
}

/** The parts of Effect's `Duration` that are read, so that one can be passed directly. */
export interface DurationValue {
  /** The span, in one of the forms in which Effect keeps it. */
  readonly value:
    | { readonly _tag: "Millis"; readonly millis: number }
    | { readonly _tag: "Nanos"; readonly nanos: bigint }
    | { readonly _tag: "Infinity" }
    | { readonly _tag: "NegativeInfinity" };
}

/**
 * A duration, zero or more: a number of milliseconds, or text with a number and a unit such as `"500ms"`, `"5
 * seconds"` or `"1.5h"`; `Infinity`, as a number or text, for no limit. Also a bigint of nanoseconds, `[seconds,
 * nanoseconds]`, parts such as `{ minutes: 5 }`, or a `Duration` of Effect.
 */
export type DurationInput =
  | number
  | bigint
  | `${number}${DurationUnit}`
  | `${number} ${DurationUnit}`
  | "Infinity"
  | readonly [seconds: number, nanoseconds: number]
  | DurationParts
  | DurationValue;

/** What may stand in a place besides durations above 0. */
export interface DurationRange {
  /** 0 may. @default false */
  readonly zero?: boolean;
  /** `Infinity` may. @default true */
  readonly infinite?: boolean;
}

const nanosPerMs = 1_000_000;
const text = /^(\d+(?:\.\d+)?)\s*([a-zµμ]+)$/;
const withoutUnit = /^\d+(?:\.\d+)?$/;
const units = "the units are ns, us, ms, s, m (minutes), h, d and w";

/** How many nanoseconds one of each is. */
const nanosPerUnit: ReadonlyMap<string, number> = new Map(
  ([
    [1, "ns nano nanos nanosecond nanoseconds"],
    // Both letters for micro: U+00B5 and U+03BC.
    [1_000, "us \u00b5s \u03bcs micro micros microsecond microseconds"],
    [nanosPerMs, "ms milli millis millisecond milliseconds"],
    [1_000 * nanosPerMs, "s sec secs second seconds"],
    [60_000 * nanosPerMs, "m min mins minute minutes"],
    [3_600_000 * nanosPerMs, "h hr hrs hour hours"],
    [86_400_000 * nanosPerMs, "d day days"],
    [604_800_000 * nanosPerMs, "w week weeks"],
  ] as const).flatMap(([nanos, names]) => names.split(" ").map((name) => [name, nanos] as const)),
);

/**
 * Reads a duration: what it is in milliseconds, `Infinity` for no limit; parts of a nanosecond are rounded. Texts are
 * read whatever their case, with or without spaces between number and unit. A number is one of milliseconds; text
 * without a unit is refused, unless it is 0, because `"60"` may be meant as seconds.
 */
export function readDuration(
  input: unknown,
  { zero = false, infinite = true }: DurationRange = {},
): Reading<number> {
  const ms = parse(input);
  if ((zero ? ms >= 0 : ms > 0) && (infinite || ms !== Infinity)) return read(ms);
  const least = zero ? "of 0 or more" : "above 0";
  const endless = infinite ? ', or "Infinity" for no limit' : "";
  const isText = typeof input === "string";
  const forms = isText ? "a number and a unit, such as" : "a number of milliseconds, or text such as";
  return misread(
    `a duration ${least}: ${forms} "500ms" or "5 seconds"${endless}`,
    isText ? missingUnit(input.trim()) + units : units,
  );
}

function missingUnit(input: string): string {
  return withoutUnit.test(input) ? `${input} has no unit: write "${input}s" or "${input}ms"; ` : "";
}

/**
 * The duration in milliseconds, `Infinity` for no limit. Throws `OptionsError` naming `path` when it is not a duration,
 * or a negative one.
 */
export function toMilliseconds(input: DurationInput, path: string): number {
  const reading = readDuration(input, { zero: true });
  if (reading.ok) return reading.value;
  throw new OptionsError("invalid", [{ path, found: input, expected: wanted(reading) }]);
}

/**
 * An option that is a duration, in milliseconds; faults go to `check`. `Infinity` is allowed, 0 is not, unless `range`
 * says otherwise. No method of the check, since framings have options and no durations.
 */
export function checkDuration(
  check: OptionsCheck,
  path: string,
  value: DurationInput | undefined,
  fallback: number,
  range?: DurationRange,
): number {
  return value === undefined ? fallback : check.take(path, value, readDuration(value, range), fallback);
}

/** NaN for what is no duration. */
function parse(input: unknown): number {
  if (typeof input === "number") return input;
  if (typeof input === "bigint") return Number(input) / nanosPerMs;
  if (typeof input === "string") return parseText(input.trim().toLowerCase());
  if (typeof input !== "object" || input === null) return NaN;
  if (Array.isArray(input)) return parsePair(input);
  return "value" in input ? parseValue(input as DurationValue) : parseParts(input);
}

function parseText(input: string): number {
  if (input === "infinity") return Infinity;
  if (withoutUnit.test(input)) return Number(input) === 0 ? 0 : NaN;
  const [, digits, unit = ""] = text.exec(input) ?? [];
  const nanos = nanosPerUnit.get(unit);
  if (nanos === undefined) return NaN;
  const amount = Number(digits);
  const ms = nanos < nanosPerMs
    ? Math.round(amount * nanos) / nanosPerMs
    : rounded(amount * (nanos / nanosPerMs));
  // Digits beyond what a number holds would mean no limit.
  return ms === Infinity ? NaN : ms;
}

function parsePair(input: readonly unknown[]): number {
  const [seconds, nanos] = input;
  if (input.length !== 2 || typeof seconds !== "number" || typeof nanos !== "number") return NaN;
  return Math.round(seconds * 1e9 + nanos) / nanosPerMs;
}

function parseValue({ value }: DurationValue): number {
  switch (value?._tag) {
    case "Millis":
      return typeof value.millis === "number" ? value.millis : NaN;
    case "Nanos":
      return typeof value.nanos === "bigint" ? Number(value.nanos) / nanosPerMs : NaN;
    case "Infinity":
      return Infinity;
    default:
      return NaN;
  }
}

const partNames = [
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
  "microseconds",
  "nanoseconds",
] as const satisfies readonly (keyof DurationParts)[];

/** A misspelt part, or none at all, is no duration: taking it for 0 would end connections at once. */
function parseParts(input: object): number {
  let ms = 0;
  let nanos = 0;
  let found = false;
  for (const [name, amount] of Object.entries(input) as [string, unknown][]) {
    if (amount === undefined) continue;
    if (typeof amount !== "number" || !partNames.some((known) => known === name)) return NaN;
    found = true;
    const each = nanosPerUnit.get(name)!;
    if (each < nanosPerMs) nanos += amount * each;
    else ms += amount * (each / nanosPerMs);
  }
  if (!found) return NaN;
  return nanos === 0 ? rounded(ms) : Math.round(ms * nanosPerMs + nanos) / nanosPerMs;
}

function rounded(ms: number): number {
  return Number.isInteger(ms) ? ms : Math.round(ms * nanosPerMs) / nanosPerMs;
}
