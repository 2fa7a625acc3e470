import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { sharedWheel, TimerWheel, type WheelEntry } from "../../src/core/time/timer_wheel.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

/** Writes down when it was looked at; looks again after `again(now)` ms. */
class Wait implements WheelEntry {
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  readonly looks: number[] = [];
  readonly #clock: FakeClock;
  readonly #again: (now: number) => number;

  constructor(clock: FakeClock, again: (now: number) => number = () => 0) {
    this.#clock = clock;
    this.#again = again;
  }

  expire(now: number): number {
    this.looks.push(this.#clock.now());
    return this.#again(now);
  }
}

function rig(): { clock: FakeClock; wheel: TimerWheel; wait: (again?: (now: number) => number) => Wait } {
  const clock = new FakeClock();
  return { clock, wheel: new TimerWheel(clock), wait: (again) => new Wait(clock, again) };
}

/** The tick that a wait gets. */
function tickOf(ms: number): number {
  return [250, 50, 10].find((tick) => tick * 10 <= ms) ?? 5;
}

test("a wait is never early and at most three ticks late, whatever its length and its start", () => {
  for (const ms of [0, 1, 5, 49, 50, 99, 100, 499, 500, 2_499, 2_500, 60_000, 256_000, 257_001, 3_600_000]) {
    for (const start of [0, 1, 3, 49, 126, 249, 1_777]) {
      const { clock, wheel, wait } = rig();
      clock.advance(start);
      const entry = wait();
      wheel.schedule(entry, ms);
      clock.advance(ms + 1_000);
      equal(entry.looks.length, 1, `${ms} ms from ${start}`);
      const late = entry.looks[0]! - start - ms;
      ok(late >= 0 && late <= 3 * tickOf(ms), `${late} ms late for ${ms} from ${start}`);
    }
  }
});

test("a wait that begins while others run is just as exact", () => {
  const { clock, wheel, wait } = rig();
  wheel.schedule(wait(), 600_000);
  wheel.schedule(wait(), 3_000);
  for (let start = 0; start < 20_000; start += 137) {
    clock.advance(137);
    const entry = wait();
    const ms = [20, 150, 700, 5_000][start % 4]!;
    const began = clock.now();
    wheel.schedule(entry, ms);
    clock.advance(ms + 3 * tickOf(ms) + 1);
    equal(entry.looks.length, 1);
    ok(entry.looks[0]! >= began + ms);
  }
});

test("one timer serves all, there is none while nobody waits, and days can be waited for", () => {
  const { clock, wheel, wait } = rig();
  equal(clock.pendingTimers, 0);
  const entries = [20, 200, 2_000, 20_000, 3 * 86_400_000].map((ms) => {
    const entry = wait();
    wheel.schedule(entry, ms);
    equal(clock.pendingTimers, 1);
    return entry;
  });
  equal(wheel.size, 5);
  clock.advance(30_000);
  deepEqual(entries.map(({ looks }) => looks.length), [1, 1, 1, 1, 0]);
  equal(clock.pendingTimers, 1);
  wheel.cancel(entries[4]!);
  equal(clock.pendingTimers, 0);
  equal(wheel.tick, 0);
  wheel.schedule(entries[4]!, 86_400_000);
  clock.advance(86_400_000 + 750);
  equal(entries[4]!.looks.length, 1);
  equal(clock.pendingTimers, 0);
});

test("never is never, a new time replaces the old one, cancelling twice is nothing, and NaN is refused", () => {
  const { clock, wheel, wait } = rig();
  const entry = wait();
  wheel.schedule(entry, Infinity);
  equal(wheel.size, 0);
  wheel.schedule(entry, 1_000);
  wheel.schedule(entry, 5_000);
  equal(wheel.size, 1);
  clock.advance(4_999);
  equal(entry.looks.length, 0);
  wheel.schedule(entry, Infinity);
  clock.advance(60_000);
  equal(entry.looks.length, 0);
  wheel.cancel(entry);
  wheel.cancel(entry);
  equal(clock.pendingTimers, 0);
  throws(() => wheel.schedule(entry, NaN), /schedule a wait: found NaN ms/);
  throws(() => new TimerWheel(clock, { tick: 0 }), /make a timer wheel: found a tick of 0 ms/);
});

test("an entry that is not due yet says after how long to look again", () => {
  const { clock, wheel, wait } = rig();
  let activity = 0;
  const entry: Wait = wait((now) => Math.max(0, wheel.left(activity, 1_000, now)));
  wheel.schedule(entry, 1_000);
  for (let i = 0; i < 50; i++) {
    clock.advance(100);
    activity = wheel.now;
  }
  ok(entry.looks.length >= 4 && entry.looks.length <= 6, `${entry.looks.length} looks in five seconds`);
  const last = clock.now();
  clock.advance(10_000);
  const end = entry.looks.at(-1)!;
  ok(end >= last + 1_000 && end <= last + 1_200, `${end} after ${last}`);
  equal(clock.pendingTimers, 0);
});

test("a wait among finer ones may have their tick", () => {
  const { clock, wheel, wait } = rig();
  const entry = wait();
  wheel.schedule(entry, 60_000, 100);
  equal(wheel.tick, 10);
  clock.advance(60_030);
  equal(entry.looks.length, 1);
  ok(entry.looks[0]! >= 60_000);
});

test("the tick is that of the shortest wait there is", () => {
  const { clock, wheel, wait } = rig();
  wheel.schedule(wait(), 600_000);
  equal(wheel.tick, 250);
  const short = wait();
  wheel.schedule(short, 60);
  equal(wheel.tick, 5);
  wheel.schedule(wait(), 700);
  clock.advance(100);
  equal(short.looks.length, 1);
  equal(wheel.tick, 50);
  clock.advance(1_500);
  equal(wheel.tick, 250);
});

test("while an entry is looked at, any may be scheduled and cancelled, itself and those due with it too", () => {
  const { clock, wheel, wait } = rig();
  const entries: Wait[] = [];
  const looked: number[] = [];
  for (let i = 0; i < 10; i++) {
    entries.push(wait(() => {
      looked.push(i);
      // Its neighbours on both sides go; one comes back later.
      for (const other of [i - 1, i + 1]) if (entries[other] !== undefined) wheel.cancel(entries[other]);
      wheel.schedule(entries[(i + 5) % 10]!, 5_000);
      wheel.cancel(entries[i]!);
      return 0;
    }));
  }
  for (const entry of entries) wheel.schedule(entry, 1_000);
  clock.advance(1_200);
  ok(looked.length >= 3 && looked.length <= 5, looked.join());
  for (const i of looked) ok(!looked.includes(i + 1), looked.join());
  const before = looked.length;
  ok(wheel.size > 0);
  clock.advance(6_000);
  ok(looked.length > before);
  for (const entry of entries) wheel.cancel(entry);
  equal(wheel.size, 0);
  equal(clock.pendingTimers, 0);
});

test("an entry that schedules itself keeps that time, whatever it returns", () => {
  const { clock, wheel } = rig();
  const entry: Wait = new Wait(clock, () => {
    wheel.schedule(entry, 10_000);
    return 1;
  });
  wheel.schedule(entry, 100);
  clock.advance(9_000);
  equal(entry.looks.length, 1);
  clock.advance(2_000);
  equal(entry.looks.length, 2);
});

test("an entry that throws is reported, and the others are looked at", () => {
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const wheel = new TimerWheel(clock, { onError: (error) => void errors.push(error) });
  const bad = (): number => {
    throw new Error("bad entry");
  };
  const entries = [new Wait(clock), new Wait(clock, bad), new Wait(clock)];
  for (const entry of entries) wheel.schedule(entry, 100);
  clock.advance(200);
  deepEqual(entries.map(({ looks }) => looks.length), [1, 1, 1]);
  equal(String(errors), "Error: bad entry");
  equal(clock.pendingTimers, 0);

  const loud = new TimerWheel(clock);
  loud.schedule(new Wait(clock, bad), 100);
  throws(() => clock.advance(200), /bad entry/);
});

test("S-33: between the tick and the look the loop polls once, so bytes that the kernel has come first (F-68)", () => {
  const { clock, wheel, wait } = rig();
  const turns: (() => void)[] = [];
  clock.endOfTurn = (callback) => void turns.push(callback);
  let activity = 0;
  const idle = wait((now) => Math.max(0, wheel.left(activity, 3_000, now)));
  wheel.schedule(idle, 3_000);
  clock.advance(2_750);
  clock.stall(400);
  clock.advance(500);
  equal(turns.length, 1);
  // The end of the timer's turn, which on some runtimes comes before the poll.
  turns.shift()!();
  equal(turns.length, 1);
  equal(idle.looks.length, 0);
  // The poll.
  activity = wheel.now;
  turns.shift()!();
  equal(idle.looks.length, 1);
  equal(wheel.size, 1);
});

test("S-33: a loop blocked for 5 s ends nobody's wait (F-68)", () => {
  const { clock, wheel, wait } = rig();
  const idle = wait();
  wheel.schedule(idle, 3_000);
  clock.advance(2_500);
  clock.stall(5_000);
  clock.advance(200);
  equal(idle.looks.length, 0);
  equal(wheel.stalls, 1);
  clock.advance(2_000);
  equal(idle.looks.length, 1);
});

test("S-32: a stall counts as one tick, however long, and everybody gets what was left (F-68)", () => {
  for (const stall of [600, 5_000, 30_000, 86_400_000]) {
    const { clock, wheel, wait } = rig();
    const entries = [10_000, 20_000].map((ms) => {
      const entry = wait();
      wheel.schedule(entry, ms);
      return entry;
    });
    clock.advance(9_000);
    clock.stall(stall);
    equal(wheel.stalls, 0);
    clock.advance(0);
    equal(wheel.stalls, 1);
    clock.advance(20_000);
    const [first, second] = entries.map(({ looks }) => looks[0]! - stall);
    ok(first! >= 10_000 - 250 && first! <= 10_750, `${first} after a stall of ${stall}`);
    ok(second! >= 20_000 - 250 && second! <= 20_750, `${second} after a stall of ${stall}`);
  }
});

test("a stall while nobody waited is none", () => {
  const { clock, wheel, wait } = rig();
  wheel.schedule(wait(), 100);
  clock.advance(500);
  clock.stall(60_000);
  const entry = wait();
  wheel.schedule(entry, 1_000);
  clock.advance(1_150);
  equal(entry.looks.length, 1);
  equal(wheel.stalls, 0);
});

test("timers that fire late by less than two ticks shift nothing for good", () => {
  const { clock, wheel, wait } = rig();
  const entry = wait();
  wheel.schedule(entry, 60_000);
  // Every tick comes 100 ms late.
  while (entry.looks.length === 0 && clock.now() < 100_000) {
    clock.stall(clock.untilNextTimer! + 100);
    clock.advance(0);
  }
  equal(wheel.stalls, 0);
  ok(entry.looks[0]! >= 60_000 && entry.looks[0]! <= 60_900, `${entry.looks[0]}`);
});

test("as a whole it agrees with a list of times, for random schedules, cancels and steps", () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(seed / 65_536) % below;
  };
  for (let round = 0; round < 20; round++) {
    const { clock, wheel, wait } = rig();
    const waits = Array.from({ length: 50 }, () => ({ entry: wait(), due: Infinity, ms: 0, seen: 0 }));
    for (let step = 0; step < 400; step++) {
      const one = waits[random(waits.length)]!;
      if (random(4) === 0) {
        wheel.cancel(one.entry);
        one.due = Infinity;
      } else {
        one.ms = [random(40), random(400), random(4_000), random(400_000)][random(4)]!;
        one.due = clock.now() + one.ms;
        wheel.schedule(one.entry, one.ms);
      }
      clock.advance(random(300));
      for (const each of waits) {
        const { looks } = each.entry;
        if (looks.length > each.seen) {
          const at = looks[each.seen++]!;
          ok(at >= each.due, `${at} is before ${each.due}`);
          each.due = Infinity;
        } else ok(clock.now() <= each.due + 3 * tickOf(each.ms), `${each.due} is over at ${clock.now()}`);
      }
    }
    equal(wheel.size, waits.filter(({ due }) => due !== Infinity).length);
    for (const { entry } of waits) wheel.cancel(entry);
    equal(clock.pendingTimers, 0);
  }
});

test("all who use one clock share one wheel", () => {
  const clock = new FakeClock();
  equal(sharedWheel(clock), sharedWheel(clock));
  equal(sharedWheel(clock).clock, clock);
  ok(sharedWheel(new FakeClock()) !== sharedWheel(clock));
  equal(sharedWheel(), sharedWheel());
});
