/**
 * Spans of time as callers write them, turned into milliseconds.
 *
 * The forms and their meaning are those of Effect's `Duration.Input`, without Effect: the core may not import
 * it. Called wherever a duration is taken; inside there are only numbers of milliseconds.
 */
import { OptionsError } from "../errors.ts";

/** A unit of time in a text such as `"5 seconds"`. */
export type DurationUnit =
  | "nano"
  | "nanos"
  | "micro"
  | "micros"
  | "milli"
  | "millis"
  | "second"
  | "seconds"
  | "minute"
  | "minutes"
  | "hour"
  | "hours"
  | "day"
  | "days"
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

/** What is read of a `Duration` of Effect, so that one can be passed as it is. */
export interface DurationValue {
  /** The span, in one of the forms in which Effect keeps it. */
  readonly value:
    | { readonly _tag: "Millis"; readonly millis: number }
    | { readonly _tag: "Nanos"; readonly nanos: bigint }
    | { readonly _tag: "Infinity" }
    | { readonly _tag: "NegativeInfinity" };
}

/**
 * A span of time, zero or more: a number of milliseconds, a text such as `"5 seconds"` or `"1.5 hours"`,
 * `"Infinity"` for never, a bigint of nanoseconds, `[seconds, nanoseconds]`, parts such as `{ minutes: 5 }`,
 * or a `Duration` of Effect.
 */
export type DurationInput =
  | number
  | bigint
  | `${number} ${DurationUnit}`
  | "Infinity"
  | readonly [seconds: number, nanoseconds: number]
  | DurationParts
  | DurationValue;

const expected =
  'a duration of 0 or more: milliseconds as a number, a text such as "5 seconds", or "Infinity"';
const nanosPerMs = 1_000_000;
const text = /^(\d+(?:\.\d+)?)\s+(nano|micro|milli|second|minute|hour|day|week)s?$/;

const msPerUnit: Readonly<Record<string, number>> = {
  milli: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};

const msPerPart: Readonly<Record<string, number>> = {
  weeks: 604_800_000,
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1_000,
  milliseconds: 1,
};

/**
 * The duration in milliseconds, `Infinity` for never; parts of a nanosecond are rounded. Throws `OptionsError`
 * naming `path` when it is not a duration, or a negative one.
 */
export function toMilliseconds(input: DurationInput, path: string): number {
  const ms = parse(input);
  if (ms >= 0) return ms;
  throw new OptionsError("invalid", [{ path, found: input, expected }]);
}

/** NaN for what is no duration. */
function parse(input: DurationInput | null): number {
  if (typeof input === "number") return input;
  if (typeof input === "bigint") return Number(input) / nanosPerMs;
  if (typeof input === "string") return parseText(input);
  if (typeof input !== "object" || input === null) return NaN;
  if (isPair(input)) return parsePair(input);
  return "value" in input ? parseValue(input) : parseParts(input);
}

function parseText(input: string): number {
  if (input === "Infinity") return Infinity;
  const match = text.exec(input);
  if (match === null) return NaN;
  const amount = Number(match[1]);
  const unit = match[2]!;
  if (unit === "nano") return Math.round(amount) / nanosPerMs;
  if (unit === "micro") return Math.round(amount * 1_000) / nanosPerMs;
  return rounded(amount * msPerUnit[unit]!);
}

function isPair(input: object): input is readonly [number, number] {
  return Array.isArray(input);
}

function parsePair(input: readonly number[]): number {
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

/** A misspelt part, or none at all, is no duration: taking it for 0 would end connections at once. */
function parseParts(input: DurationParts): number {
  let ms = 0;
  let nanos = 0;
  let found = false;
  for (const [name, amount] of Object.entries(input)) {
    if (amount === undefined) continue;
    if (typeof amount !== "number") return NaN;
    found = true;
    if (name === "microseconds") nanos += amount * 1_000;
    else if (name === "nanoseconds") nanos += amount;
    else if (Object.hasOwn(msPerPart, name)) ms += amount * msPerPart[name]!;
    else return NaN;
  }
  if (!found) return NaN;
  return nanos === 0 ? rounded(ms) : Math.round(ms * nanosPerMs + nanos) / nanosPerMs;
}

function rounded(ms: number): number {
  return Number.isInteger(ms) ? ms : Math.round(ms * nanosPerMs) / nanosPerMs;
}
