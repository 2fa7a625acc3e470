import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "../../src/testing/fake_clock.ts";

describe("FakeClock", () => {
  it("runs timers in order of time, then of setting, each at its own time", () => {
    const clock = new FakeClock();
    const ran: string[] = [];
    const note = (name: string) => () => ran.push(`${name}@${clock.now()}`);
    clock.setTimer(note("c"), 30);
    clock.setTimer(note("a"), 10);
    clock.setTimer(note("b1"), 20);
    clock.setTimer(note("b2"), 20);
    clock.advance(29);
    assert.deepEqual(ran, ["a@10", "b1@20", "b2@20"]);
    assert.equal(clock.untilNextTimer, 1);
    clock.advance(1);
    assert.deepEqual(ran.at(-1), "c@30");
    assert.equal(clock.pendingTimers, 0);
  });

  it("runs a timer that a timer sets, within the same advance", () => {
    const clock = new FakeClock();
    const ticks: number[] = [];
    const tick = () => {
      ticks.push(clock.now());
      clock.setTimer(tick, 10);
    };
    clock.setTimer(tick, 10);
    clock.advance(35);
    assert.deepEqual(ticks, [10, 20, 30]);
    assert.equal(clock.now(), 35);
  });

  it("runs ends of turns first, and after every timer", () => {
    const clock = new FakeClock();
    const ran: string[] = [];
    clock.setTimer(() => {
      ran.push("timer 1");
      clock.endOfTurn(() => ran.push(`end of timer 1's turn at ${clock.now()}`));
    }, 1);
    clock.setTimer(() => ran.push("timer 2"), 1);
    clock.endOfTurn(() => ran.push("end of the first turn"));
    clock.advance(1);
    assert.deepEqual(ran, ["end of the first turn", "timer 1", "end of timer 1's turn at 1", "timer 2"]);
  });

  it("does not run a cleared timer", () => {
    const clock = new FakeClock();
    const handle = clock.setTimer(() => assert.fail("it was cleared"), 5);
    clock.clearTimer(handle);
    clock.clearTimer(handle);
    clock.clearTimer(undefined);
    clock.advance(10);
  });

  it("lets promise jobs run between timers in advanceAsync", async () => {
    const clock = new FakeClock();
    const woke: number[] = [];
    const sleep = (ms: number) => new Promise<void>((resolve) => clock.setTimer(resolve, ms));
    const sleeper = (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(10);
        await Promise.resolve().then(() => undefined);
        woke.push(clock.now());
      }
    })();
    await clock.advanceAsync(30);
    assert.deepEqual(woke, [10, 20, 30]);
    await sleeper;
  });

  it("runs overdue timers late after a stall", () => {
    const clock = new FakeClock();
    let ranAt = -1;
    clock.setTimer(() => ranAt = clock.now(), 10);
    clock.stall(5000);
    assert.equal(ranAt, -1);
    assert.equal(clock.untilNextTimer, 0);
    clock.advance(0);
    assert.equal(ranAt, 5000);
  });

  it("keeps wall time and monotonic time apart", () => {
    const clock = new FakeClock({ now: 7, wallTime: 1000 });
    clock.advance(5);
    assert.deepEqual([clock.now(), clock.wallTime()], [12, 1005]);
    clock.setWallTime(0);
    clock.advance(5);
    assert.deepEqual([clock.now(), clock.wallTime()], [17, 5]);
  });

  it("refuses delays that a real timer would turn into none, and time that runs backwards", () => {
    const clock = new FakeClock();
    assert.throws(() => clock.setTimer(() => {}, NaN), RangeError);
    clock.setTimer(() => assert.fail("never is never"), Infinity);
    assert.equal(clock.pendingTimers, 0);
    for (const ms of [NaN, -1, Infinity]) assert.throws(() => clock.advance(ms), RangeError);
  });

  it("complains about a timer that sets itself again without delay", () => {
    const clock = new FakeClock();
    const again = () => void clock.setTimer(again, 0);
    again();
    assert.throws(() => clock.advance(1), /sets itself again/);
  });
});
