/** The runtime's own time: waits of any length. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { systemClock } from "../../src/core/time/clock.ts";
import { Deadline } from "../../src/core/time/deadline.ts";
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { it } from "../support/it.ts";

/** Timers that a test fires by hand, in the place of the runtime's, and a reading that it sets. */
function handTimers(t: { after(cleanup: () => void): void }) {
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  const reading = Object.getOwnPropertyDescriptor(performance, "now");
  const waits = new Map<number, { readonly ms: number; readonly fire: () => void }>();
  let now = 0;
  let last = 0;
  t.after(() => {
    Object.assign(globalThis, real);
    if (reading === undefined) delete (performance as { now?: unknown }).now;
    else Object.defineProperty(performance, "now", reading);
  });
  Object.assign(globalThis, {
    setTimeout: (fire: () => void, ms: number) => {
      waits.set(++last, { ms, fire });
      return last;
    },
    clearTimeout: (id: number) => void waits.delete(id),
  });
  Object.defineProperty(performance, "now", { value: () => now, configurable: true, writable: true });
  /** Fires the only timer that waits, when it is due; gives its wait. */
  const next = (): number => {
    const [[id, { ms, fire }]] = [...waits] as [[number, { ms: number; fire: () => void }]];
    waits.delete(id);
    now += ms;
    fire();
    return ms;
  };
  return { waits, next };
}

describe("the runtime's clock", () => {
  it("S-48: a wait longer than a timer of the runtimes is waited for in full", (t) => {
    const { waits, next } = handTimers(t);
    let calls = 0;
    systemClock.setTimer(() => calls++, 30 * 86_400_000);
    const first = next();
    assert.ok(first <= 2 ** 31 - 1 && first > 0, `one timer of ${first} ms`);
    assert.equal(calls, 0);
    assert.equal(first + next(), 30 * 86_400_000);
    assert.equal(calls, 1);
    assert.equal(waits.size, 0);
  });

  it("S-48: it can be taken back at any time, and one of Infinity never comes", (t) => {
    const { waits, next } = handTimers(t);
    const taken = systemClock.setTimer(() => assert.fail("taken back"), 90 * 86_400_000);
    next();
    systemClock.clearTimer(taken);
    assert.equal(waits.size, 0);
    const never = systemClock.setTimer(() => assert.fail("never"), Infinity);
    assert.equal(waits.size, 0);
    systemClock.clearTimer(never);
  });

  it("S-48: the wheel and a deadline hold waits of months, and of more milliseconds than a number counts", () => {
    const clock = new FakeClock();
    let passed = 0;
    new Deadline(new TimerWheel(clock), () => passed++).set(60 * 86_400_000);
    new Deadline(new TimerWheel(clock), () => assert.fail("the end of time")).set(1e300);
    // A leap counts as a stall of one tick, so time is walked, in steps of less than two.
    for (let step = 0; step < 2_000; step++) clock.advance(250);
    assert.equal(passed, 0);
  });
});
