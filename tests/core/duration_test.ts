import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import * as Duration from "effect/Duration";
import {
  type DurationInput,
  type DurationUnit,
  readDuration,
  toMilliseconds,
} from "../../src/core/time/duration.ts";
import { OptionsError } from "../../src/core/errors.ts";

const same: readonly (DurationInput & Duration.Input)[] = [
  0,
  250,
  1.5,
  Infinity,
  5_000_000n,
  1n,
  "Infinity",
  "0 seconds",
  "1 nano",
  "1.5 nanos",
  "250 nanos",
  "1 micro",
  "0.4 micros",
  "12.25 micros",
  "1 milli",
  "1.5 millis",
  "0.1234567 millis",
  "1 second",
  "5 seconds",
  "0.1 seconds",
  "1.005 seconds",
  "2 minutes",
  "1.5 hours",
  "3 days",
  "1 week",
  "2.5 weeks",
  // A value that is not a safe number of nanoseconds.
  "5000 weeks",
  [1, 500_000_000],
  [0.5, 1],
  [Infinity, 0],
  { seconds: 5 },
  { minutes: 1, seconds: 30 },
  { weeks: 1, days: 1, hours: 1, minutes: 1, seconds: 1, milliseconds: 1 },
  { milliseconds: 1, microseconds: 500, nanoseconds: 7 },
  { hours: 1, minutes: undefined },
  { minutes: 2, seconds: -30 },
  { seconds: Infinity },
  Duration.seconds(5),
  Duration.nanos(1_500_000n),
  Duration.infinity,
  Duration.zero,
];

test("a duration means what Effect takes it for", () => {
  for (const input of same) {
    equal(toMilliseconds(input, "x"), Duration.toMillis(Duration.fromInputUnsafe(input)), show(input));
  }
});

test("Effect's own input type is accepted, but for the negative one", () => {
  const input: Exclude<Duration.Input, "-Infinity"> = Duration.minutes(1);
  const taken: DurationInput = input;
  equal(toMilliseconds(taken, "x"), 60_000);
});

const short: Readonly<Record<string, number>> = {
  "0": 0,
  "500ms": 500,
  "500 ms": 500,
  "5  seconds": 5_000,
  " 5 seconds ": 5_000,
  "250ns": 0.00025,
  "1.5us": 0.0015,
  "3µs": 0.003,
  "3μs": 0.003,
  "2 microseconds": 0.002,
  "7 nanosecond": 0.000007,
  "0.1s": 100,
  "1sec": 1_000,
  "1.5 secs": 1_500,
  "2m": 120_000,
  "2min": 120_000,
  "2 mins": 120_000,
  "1.5h": 5_400_000,
  "1 hr": 3_600_000,
  "2hrs": 7_200_000,
  "1d": 86_400_000,
  "1w": 604_800_000,
  "60S": 60_000,
  "5 Minutes": 300_000,
  "20 milliseconds": 20,
  "2000h": 7_200_000_000,
  infinity: Infinity,
};

test("a text may be short, in any case, with spaces or without", () => {
  for (const [input, ms] of Object.entries(short)) {
    equal(toMilliseconds(input as DurationInput, "x"), ms, input);
  }
});

test("every unit of the type is read, apart from the number and beside it", () => {
  const units: Readonly<Record<DurationUnit, number>> = {
    ...{ ns: 1, nano: 1, nanos: 1, nanosecond: 1, nanoseconds: 1 },
    ...{ us: 1e3, "µs": 1e3, micro: 1e3, micros: 1e3, microsecond: 1e3, microseconds: 1e3 },
    ...{ ms: 1e6, milli: 1e6, millis: 1e6, millisecond: 1e6, milliseconds: 1e6 },
    ...{ s: 1e9, sec: 1e9, secs: 1e9, second: 1e9, seconds: 1e9 },
    ...{ m: 6e10, min: 6e10, mins: 6e10, minute: 6e10, minutes: 6e10 },
    ...{ h: 3.6e12, hr: 3.6e12, hrs: 3.6e12, hour: 3.6e12, hours: 3.6e12 },
    ...{ d: 8.64e13, day: 8.64e13, days: 8.64e13, w: 6.048e14, week: 6.048e14, weeks: 6.048e14 },
  };
  for (const [unit, nanos] of Object.entries(units) as [DurationUnit, number][]) {
    equal(toMilliseconds(`2${unit}`, "x"), 2 * nanos / 1e6, unit);
    equal(toMilliseconds(`2 ${unit}`, "x"), 2 * nanos / 1e6, unit);
  }
});

const refused: readonly unknown[] = [
  "500",
  "1.5",
  -1,
  -0.001,
  NaN,
  -Infinity,
  -1n,
  "-Infinity",
  "-5 seconds",
  "",
  " ",
  "s",
  "5x",
  "5 s s",
  "5m30s",
  "5 months",
  "9".repeat(400) + "s",
  "five seconds",
  "5 fortnights",
  "5 seconds ago",
  "5. seconds",
  ".5 seconds",
  "1e3 seconds",
  "unlimited",
  "never",
  [1],
  [1, 2, 3],
  ["1", 2],
  [NaN, 0],
  [-1, 0],
  {},
  { secs: 5 },
  { seconds: "5" },
  { seconds: -5 },
  { toString: 1 },
  { value: 5 },
  { value: undefined },
  { value: { _tag: "Seconds" } },
  Duration.negativeInfinity,
  Duration.millis(-5),
  null,
  undefined,
  true,
  () => 5,
  Symbol("5 seconds"),
];

test("what is no duration, or a negative one, is refused with its path, the value and what to write", () => {
  for (const input of refused) {
    throws(() => toMilliseconds(input as DurationInput, "server.idleTimeout"), (error) => {
      ok(error instanceof OptionsError, show(input));
      equal(error.reason, "invalid");
      equal(error.issues.length, 1);
      deepEqual(error.issues[0]!.path, "server.idleTimeout");
      equal(error.issues[0]!.found, input);
      ok(
        /^server\.idleTimeout: found .*, expected a duration of 0 or more: .*"5 seconds", or "Infinity" for no limit; (.* has no unit: write .*; )?the units are ns, us, ms, s,/
          .test(error.message),
      );
      return true;
    });
  }
});

test("the message shows a text as it was written", () => {
  throws(
    () => toMilliseconds("5 sek" as DurationInput, "idleTimeout"),
    /^OptionsError: idleTimeout: found "5 sek", expected/,
  );
});

test("where 0 or no limit makes no sense, the message does not offer it", () => {
  const said = (range: Parameters<typeof readDuration>[1], input: unknown): string => {
    const reading = readDuration(input, range);
    return reading.ok ? String(reading.value) : reading.expected;
  };
  equal(said({ zero: true }, 0), "0");
  equal(said({}, "Infinity"), "Infinity");
  match(said({}, 0), /^a duration above 0: .*or "Infinity" for no limit$/);
  match(said({ infinite: false }, "Infinity"), /^a duration above 0: .*"5 seconds"$/);
  match(said({ infinite: false, zero: true }, Infinity), /^a duration of 0 or more: .*"5 seconds"$/);
});

function show(input: unknown): string {
  return typeof input === "object" && input !== null ? Object.entries(input).join(" ") : String(input);
}
