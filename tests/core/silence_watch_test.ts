// One silence is told once, when all of it is the sender's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SilenceWatch } from "../../src/core/time/silence_watch.ts";
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

function watching(gap: number) {
  const clock = new FakeClock();
  const silences: number[] = [];
  const owner = { paused: false, silent: () => void silences.push(clock.now()) };
  return { clock, owner, silences, watch: new SilenceWatch(gap, new TimerWheel(clock), owner) };
}

test("a silence is told once, after something has come, and costs no timer before and after (F-79)", () => {
  const { clock, watch, silences } = watching(100);
  clock.advance(1_000);
  assert.equal(clock.pendingTimers, 0);
  watch.arrived();
  clock.advance(80);
  watch.arrived();
  clock.advance(99);
  assert.deepEqual(silences, []);
  clock.advance(1_000);
  assert.equal(silences.length, 1);
  assert.ok(silences[0]! >= 1_180 && silences[0]! <= 1_220, String(silences));
  assert.equal(clock.pendingTimers, 0);
});

test("a pause is no silence, and the time before it ends does not count (F-79)", () => {
  for (let offset = 0; offset < 200; offset += 7) {
    const { clock, owner, watch, silences } = watching(100);
    watch.arrived();
    clock.advance(50);
    owner.paused = true;
    clock.advance(1_000 + offset);
    owner.paused = false;
    watch.resumed();
    clock.advance(99);
    assert.deepEqual(silences, [], `${offset} ms`);
    clock.advance(200);
    assert.equal(silences.length, 1, `${offset} ms`);
  }
});

test("one that has been stopped tells nothing, until something comes again (F-79)", () => {
  const { clock, watch, silences } = watching(100);
  watch.arrived();
  watch.stop();
  watch.resumed();
  clock.advance(1_000);
  assert.deepEqual(silences, []);
  assert.equal(clock.pendingTimers, 0);
  watch.arrived();
  clock.advance(1_000);
  assert.equal(silences.length, 1);
});
