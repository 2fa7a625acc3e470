import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import * as Duration from "effect/Duration";
import { type DurationInput, toMilliseconds } from "../../src/core/time/duration.ts";
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

test("several spaces between amount and unit are one", () => {
  equal(toMilliseconds("5  seconds" as DurationInput, "x"), 5_000);
});

const refused: readonly unknown[] = [
  -1,
  -0.001,
  NaN,
  -Infinity,
  -1n,
  "-Infinity",
  "-5 seconds",
  "",
  "5",
  "5s",
  "5seconds",
  "five seconds",
  "5 fortnights",
  "5 seconds ago",
  "5. seconds",
  ".5 seconds",
  "1e3 seconds",
  "infinity",
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
        /^server\.idleTimeout: found .*, expected a duration of 0 or more: .*"5 seconds"/.test(error.message),
      );
      return true;
    });
  }
});

test("the message shows a text as it was written", () => {
  throws(
    () => toMilliseconds("5s" as DurationInput, "idleTimeout"),
    /^OptionsError: idleTimeout: found "5s", expected/,
  );
});

function show(input: unknown): string {
  return typeof input === "object" && input !== null ? Object.entries(input).join(" ") : String(input);
}
