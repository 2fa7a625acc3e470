// Waits between attempts: how they grow, what bounds them, and what is no schedule.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { OptionsCheck } from "../../src/core/options.ts";
import { type Backoff, type BackoffSchedule, checkBackoff, Retries } from "../../src/core/time/backoff.ts";
import { it } from "../support/it.ts";

const plain: BackoffSchedule = {
  initial: 100,
  factor: 2,
  max: 1_000,
  jitter: 0,
  attempts: Infinity,
  for: Infinity,
};

/** The waits of a series whose attempts take no time, until there are no more, or so many. */
function waits(schedule: Partial<BackoffSchedule>, most = 8, random?: () => number): number[] {
  const retries = new Retries({ ...plain, ...schedule }, random);
  const found: number[] = [];
  for (let now = 0; found.length < most;) {
    const wait = retries.failed(now);
    if (wait === undefined) break;
    found.push(wait);
    now += wait;
  }
  return found;
}

function checked(given: unknown): BackoffSchedule {
  const check = new OptionsCheck();
  const schedule = checkBackoff(check, "retry", given as Backoff, { ...plain, for: 60_000 });
  check.done();
  return schedule;
}

describe("waits between attempts", () => {
  it("grow by the factor up to the longest (F-21)", () => {
    assert.deepEqual(waits({}, 6), [100, 200, 400, 800, 1_000, 1_000]);
    assert.deepEqual(waits({ factor: 1 }, 3), [100, 100, 100]);
    assert.equal(waits({ factor: Number.MAX_VALUE }, 1_200).at(-1), 1_000);
  });

  it("end after so many further attempts (F-21)", () => {
    assert.deepEqual(waits({ attempts: 3 }), [100, 200, 400]);
  });

  it("end with the time, the last one cut short so that it is used (F-21)", () => {
    assert.deepEqual(waits({ for: 1_000 }), [100, 200, 400, 300]);
    const retries = new Retries({ ...plain, for: 1_000 });
    assert.equal(retries.failed(5_000), 100);
    assert.equal(retries.failed(6_000), undefined);
  });

  it("are left to chance by the part that jitter says, and never exceed the longest (F-21)", () => {
    assert.deepEqual(waits({ jitter: 0.5 }, 5, () => 1), [50, 100, 200, 400, 500]);
    assert.deepEqual(waits({ jitter: 0.5 }, 5, () => 0), [100, 200, 400, 800, 1_000]);
    const seen = waits({ jitter: 1 }, 200);
    assert.ok(seen.every((wait) => wait >= 0 && wait <= 1_000));
    assert.ok(new Set(seen).size > 100);
  });

  it("begin anew after a success (F-21)", () => {
    const retries = new Retries({ ...plain, attempts: 2, for: 500 });
    assert.deepEqual([retries.failed(0), retries.failed(100), retries.failed(300)], [100, 200, undefined]);
    retries.succeeded();
    assert.deepEqual([retries.failures, retries.failed(10_000)], [0, 100]);
  });

  it("are given in the grammars of durations, and what is left out has its default (F-21)", () => {
    assert.deepEqual(checked({}), { ...plain, for: 60_000 });
    assert.deepEqual(
      checked({ initial: "2s", factor: 1.5, max: "1m", jitter: 1, attempts: 5, for: "Infinity" }),
      {
        initial: 2_000,
        factor: 1.5,
        max: 60_000,
        jitter: 1,
        attempts: 5,
        for: Infinity,
      },
    );
    // The longest follows a first one that is longer than the default.
    assert.equal(checked({ initial: "5s" }).max, 5_000);
  });

  it("are refused with the path of each fault (F-21)", () => {
    const faults: [unknown, string][] = [
      [{ initial: 0 }, "retry.initial"],
      [{ initial: Infinity }, "retry.initial"],
      [{ max: "Infinity" }, "retry.max"],
      [{ initial: "2s", max: "1s" }, "retry.max"],
      [{ factor: 0.5 }, "retry.factor"],
      [{ factor: Infinity }, "retry.factor"],
      [{ jitter: 1.1 }, "retry.jitter"],
      [{ jitter: -0.1 }, "retry.jitter"],
      [{ jitter: NaN }, "retry.jitter"],
      [{ attempts: 0 }, "retry.attempts"],
      [{ attempts: 1.5 }, "retry.attempts"],
      [{ for: "soon" }, "retry.for"],
      [{ tries: 3 }, "retry.tries"],
      [5, "retry"],
      [[], "retry"],
    ];
    for (const [given, path] of faults) {
      assert.throws(() => checked(given), (error) => {
        assert.ok(error instanceof OptionsError);
        assert.deepEqual(error.issues.map((issue) => issue.path), [path]);
        return true;
      });
    }
  });
});
