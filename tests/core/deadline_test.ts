import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { Deadline } from "../../src/core/time/deadline.ts";
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

function rig(): { clock: FakeClock; deadline: Deadline; passed: number[] } {
  const clock = new FakeClock();
  const passed: number[] = [];
  return { clock, passed, deadline: new Deadline(new TimerWheel(clock), () => passed.push(clock.now())) };
}

test("a deadline calls back once, when its time has fully passed", () => {
  const { clock, deadline, passed } = rig();
  deadline.set(1_000);
  clock.advance(999);
  equal(passed.length, 0);
  clock.advance(100_000);
  equal(passed.length, 1);
  ok(passed[0]! >= 1_000 && passed[0]! <= 1_150);
  equal(clock.pendingTimers, 0);
});

test("set anew, the old time is forgotten", () => {
  const { clock, deadline, passed } = rig();
  deadline.set(1_000);
  clock.advance(900);
  deadline.set(1_000);
  clock.advance(900);
  equal(passed.length, 0);
  clock.advance(300);
  equal(passed.length, 1);
});

test("unset, or set to never, it calls nobody", () => {
  const { clock, deadline, passed } = rig();
  deadline.set(1_000);
  deadline.unset();
  equal(clock.pendingTimers, 0);
  deadline.set(1_000);
  deadline.set(Infinity);
  equal(clock.pendingTimers, 0);
  clock.advance(10_000);
  deepEqual(passed, []);
});

test("it may be set again from its own call", () => {
  const clock = new FakeClock();
  let calls = 0;
  const deadline: Deadline = new Deadline(new TimerWheel(clock), () => {
    if (++calls < 3) deadline.set(100);
  });
  deadline.set(100);
  clock.advance(1_000);
  equal(calls, 3);
  equal(clock.pendingTimers, 0);
});
