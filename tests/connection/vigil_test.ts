import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionState } from "../../src/connection/connection.ts";
import type { CloseReason, Retiring } from "../../src/connection/termination.ts";
import { Vigil, type VigilOwner, type VigilTimes } from "../../src/connection/vigil.ts";
import { IdleTimeoutError, type MillraceError, OptionsError, TimeoutError } from "../../src/core/errors.ts";
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

const never: VigilTimes = {
  idle: Infinity,
  readIdle: Infinity,
  writeIdle: Infinity,
  firstFrame: Infinity,
  frame: Infinity,
  minByteRate: undefined,
  keepalive: undefined,
  lifetime: undefined,
};

class Watched implements VigilOwner {
  busy = false;
  owing = false;
  readonly transport = { taken: 0 };
  readonly profile = {};
  readonly pipeline = { bytesReceived: 0, stopAtBoundary: () => this.#note("stops reading") };
  readonly life = {
    state: "open" as ConnectionState,
    destroy: (reason: CloseReason, why?: { readonly error?: MillraceError }) => {
      this.errors.push(why?.error);
      this.#note(reason);
    },
  };
  /** For how long a goodbye is read on. */
  goodbyeWait: number | undefined = 0;
  readonly events: string[] = [];
  readonly errors: unknown[] = [];
  readonly vigil: Vigil;
  readonly clock: FakeClock;
  takesKeepalives = true;

  constructor(clock: FakeClock, wheel: TimerWheel, times: Partial<VigilTimes>) {
    this.clock = clock;
    this.vigil = new Vigil(wheel, { ...never, ...times }, this);
    this.vigil.start();
  }

  get ageMs(): number {
    return this.clock.now();
  }

  retire(reason: Retiring): number | undefined {
    this.#note(`told ${reason}`);
    if (this.goodbyeWait !== undefined) this.life.state = "draining";
    return this.goodbyeWait;
  }

  #note(what: string): void {
    this.events.push(`${this.clock.now()} ${what}`);
  }

  timedOut(reason: CloseReason, error: TimeoutError): void {
    this.errors.push(error);
    this.events.push(`${this.clock.now()} ${reason}`);
  }

  sendKeepalive(payload: Uint8Array): void {
    this.events.push(`${this.clock.now()} keepalive ${payload.join()}`);
    if (this.takesKeepalives) this.vigil.noteWrite();
  }

  userFailed(error: unknown): void {
    this.errors.push(error);
    this.events.push(`${this.clock.now()} failed`);
  }

  /** Nothing has happened yet. */
  quiet(): void {
    equal(this.events.join(), "");
  }

  get times(): number[] {
    return this.events.map((event) => parseInt(event));
  }
}

function watch(times: Partial<VigilTimes>): { clock: FakeClock; wheel: TimerWheel; peer: Watched } {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  return { clock, wheel, peer: new Watched(clock, wheel, times) };
}

/** Never early, and late by no more than three ticks. */
function within(found: number | undefined, due: number, tick: number): void {
  ok(found !== undefined && found >= due && found <= due + 3 * tick, `${found} for ${due}, tick ${tick}`);
}

test("S-1: a peer that sends nothing is closed at the idle timeout, once, and no timer is left", () => {
  const { clock, peer } = watch({ idle: 60_000, frame: 30_000 });
  clock.advance(60_000);
  peer.quiet();
  clock.advance(750);
  equal(peer.events.length, 1);
  within(peer.times[0], 60_000, 250);
  ok(peer.events[0]!.endsWith("idle_timeout"));
  ok(peer.errors[0] instanceof IdleTimeoutError && peer.errors[0].reason === "idle");
  equal(clock.pendingTimers, 0);
  clock.advance(600_000);
  equal(peer.events.length, 1);
});

test("S-1: a peer that sends nothing is closed at the first-frame timeout when that is shorter", () => {
  const { clock, peer } = watch({ idle: 60_000, firstFrame: 1_000 });
  clock.advance(10_000);
  within(peer.times[0], 1_000, 50);
  ok(peer.events[0]!.endsWith("first_frame_timeout"));
  ok(peer.errors[0] instanceof TimeoutError && peer.errors[0].reason === "first_frame");
  equal(peer.events.length, 1);
});

test("S-2: one byte a second inside a frame ends at the frame timeout, not at the idle timeout", () => {
  const { clock, peer } = watch({ idle: 10_000, frame: 30_000, firstFrame: Infinity });
  for (let second = 0; second < 40 && peer.events.length === 0; second++) {
    clock.advance(1_000);
    peer.vigil.noteRead();
    peer.vigil.frameProgress(true, 0);
  }
  equal(peer.events.length, 1);
  within(peer.times[0], 31_000, 250);
  ok(peer.events[0]!.endsWith(" frame_timeout"));
  ok(peer.errors[0] instanceof TimeoutError && peer.errors[0].reason === "frame");
  equal(peer.errors[0].limit, 30_000);
});

test("S-2: one byte a second before the first frame does not put off the first-frame timeout", () => {
  const { clock, peer } = watch({ idle: 10_000, firstFrame: 20_000 });
  for (let second = 0; second < 30 && peer.events.length === 0; second++) {
    clock.advance(1_000);
    peer.vigil.noteRead();
    peer.vigil.frameProgress(true, 0);
  }
  within(peer.times[0], 20_000, 250);
});

/** So many bytes of a frame that has begun, each second, until it is over or the time has passed. */
function trickle({ clock, peer }: ReturnType<typeof watch>, bytes: number, seconds: number): void {
  for (let second = 0; second < seconds && peer.events.length === 0; second++) {
    peer.pipeline.bytesReceived += bytes;
    peer.vigil.noteRead();
    peer.vigil.frameProgress(true, 0);
    clock.advance(1_000);
  }
}

const floor = { bytesPerSecond: 100, period: 5_000 };

test("S-2: a frame that comes at less than the minimum rate ends after one period, not at the frame timeout (F-63)", () => {
  const slow = watch({ idle: 10_000, frame: 30_000, minByteRate: floor });
  trickle(slow, 99, 40);
  within(slow.peer.times[0], 5_000, 250);
  ok(slow.peer.events[0]!.endsWith(" byte_rate"));
  const [error] = slow.peer.errors;
  ok(error instanceof TimeoutError && error.reason === "byte_rate");
  equal(error.limit, 5_000);
});

test("a frame that comes at the minimum rate has the whole of its frame timeout (F-63)", () => {
  const steady = watch({ idle: 10_000, frame: 30_000, minByteRate: floor });
  trickle(steady, 120, 40);
  within(steady.peer.times[0], 30_000, 250);
  ok(steady.peer.events[0]!.endsWith(" frame_timeout"));
});

test("a peer that has sent much of a frame at once and then stops ends a period later: what came before pays for nothing (F-63)", () => {
  const { clock, peer } = watch({ minByteRate: floor });
  peer.pipeline.bytesReceived = 1_000_000;
  peer.vigil.frameProgress(true, 0);
  peer.pipeline.bytesReceived += 600;
  clock.advance(5_500);
  peer.quiet();
  clock.advance(6_000);
  equal(peer.events.length, 1);
  ok(peer.events[0]!.endsWith(" byte_rate"));
});

test("between two frames, and once the peer has ended, there is no minimum rate, and no timer is left (F-63)", () => {
  const { clock, peer } = watch({ minByteRate: floor });
  peer.vigil.frameProgress(true, 0);
  clock.advance(4_000);
  peer.vigil.frameProgress(false, 1);
  clock.advance(60_000);
  peer.quiet();
  equal(clock.pendingTimers, 0);
  peer.vigil.frameProgress(true, 1);
  peer.vigil.inputOver();
  clock.advance(60_000);
  peer.quiet();
});

test("the rate is measured from the end of a pause of ours, and not while we are busy (F-63)", () => {
  const { clock, peer } = watch({ minByteRate: floor });
  peer.vigil.frameProgress(true, 0);
  peer.busy = true;
  clock.advance(60_000);
  peer.quiet();
  clock.advance(3_000);
  peer.busy = false;
  peer.vigil.noteResumed();
  const resumed = clock.now();
  clock.advance(4_900);
  peer.quiet();
  clock.advance(10_000);
  within(peer.times[0], resumed + 5_000, 250);
});

test("S-32: a stall of the process is not the peer's slowness (F-63, F-68)", () => {
  const { clock, peer } = watch({ minByteRate: floor });
  peer.vigil.frameProgress(true, 0);
  clock.advance(2_000);
  clock.stall(30_000);
  clock.advance(2_000);
  peer.quiet();
  clock.advance(4_000);
  equal(peer.events.length, 1);
});

const hour = { max: 3_600_000, jitter: 0, grace: 30_000 };

/** What happened, without when. */
function order({ events }: Watched): string[] {
  return events.map((event) => event.replace(/^\d+ /, ""));
}

test("a connection is told when its longest life is over, and reads no more; after the grace it is dropped (F-84)", () => {
  const { clock, wheel, peer } = watch({ lifetime: hour });
  clock.advance(3_600_000);
  peer.quiet();
  clock.advance(750);
  deepEqual(order(peer), ["told max_lifetime", "stops reading"]);
  within(peer.times[0], 3_600_000, 250);
  clock.advance(29_000);
  equal(peer.events.length, 2);
  clock.advance(2_500);
  deepEqual(order(peer), ["told max_lifetime", "stops reading", "max_lifetime"]);
  within(peer.times[2], peer.times[0]! + 30_000, 250);
  const [error] = peer.errors;
  ok(error instanceof TimeoutError && error.reason === "lifetime" && error.limit === 30_000);
  clock.advance(7_200_000);
  equal(peer.events.length, 3);
  equal(wheel.size, 0);
});

test("one that has begun to close by the end of the grace is left to the limits of closing (F-84)", () => {
  const { clock, peer } = watch({ lifetime: hour });
  clock.advance(3_601_000);
  peer.life.state = "closing";
  clock.advance(7_200_000);
  deepEqual(order(peer), ["told max_lifetime", "stops reading"]);
});

test("one whose end has begun before is neither told nor stopped (F-84)", () => {
  const { clock, peer } = watch({ lifetime: hour });
  peer.goodbyeWait = undefined;
  clock.advance(7_200_000);
  deepEqual(order(peer), ["told max_lifetime"]);
});

test("after a goodbye it reads on for a while (F-65, F-84)", () => {
  const { clock, peer } = watch({ lifetime: { ...hour, max: 10_000 } });
  peer.goodbyeWait = 2_000;
  clock.advance(11_000);
  deepEqual(order(peer), ["told max_lifetime"]);
  clock.advance(2_500);
  deepEqual(order(peer), ["told max_lifetime", "stops reading"]);
  ok(peer.times[1]! - peer.times[0]! >= 1_500, peer.times.join());
});

test("a thousand connections of one moment do not end at one moment, none too late, none before its part (F-84)", () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const peers = Array.from(
    { length: 1_000 },
    () => new Watched(clock, wheel, { lifetime: { max: 100_000, jitter: 0.5, grace: 1_000 } }),
  );
  clock.advance(50_000);
  for (const peer of peers) peer.quiet();
  clock.advance(51_000);
  const times = peers.map(({ times }) => times[0]!);
  for (const time of times) ok(time >= 50_000 && time <= 100_750, `${time}`);
  for (let from = 50_000; from < 100_000; from += 10_000) {
    const share = times.filter((time) => time >= from && time < from + 10_000).length;
    ok(share > 100 && share < 300, `${share} of 1,000 from ${from} on`);
  }
  for (const { vigil } of peers) vigil.stop();
});

test("S-32: a process that stood still does not end all connections at once (F-68, F-84)", () => {
  const { clock, peer } = watch({ lifetime: hour });
  clock.advance(1_000);
  clock.stall(3 * 3_600_000);
  clock.advance(1_000);
  peer.quiet();
  clock.advance(3_600_000);
  equal(order(peer)[0], "told max_lifetime");
});

test("the frame timeout runs for each frame anew, a chunk that ends one frame and begins another included", () => {
  const { clock, peer } = watch({ frame: 1_000 });
  for (let frames = 0; frames < 20; frames++) {
    peer.vigil.frameProgress(true, frames);
    clock.advance(900);
  }
  peer.quiet();
  clock.advance(400);
  equal(peer.events.length, 1);
  within(peer.times[0], 19 * 900 + 1_000, 50);
});

test("a frame that is complete is not timed", () => {
  const { clock, peer } = watch({ frame: 1_000 });
  peer.vigil.frameProgress(true, 0);
  clock.advance(900);
  peer.vigil.frameProgress(false, 1);
  clock.advance(60_000);
  peer.quiet();
  equal(clock.pendingTimers, 0);
});

test("a short frame timeout beside a long idle timeout is exact to its own tick", () => {
  const { clock, peer } = watch({ idle: 300_000, frame: 100 });
  for (const at of [0, 137, 1_234, 7_919]) {
    clock.advance(at - clock.now());
    peer.vigil.noteRead();
    peer.vigil.frameProgress(true, 0);
    clock.advance(90);
    peer.vigil.frameProgress(false, 0);
  }
  clock.advance(20_001 - clock.now());
  peer.vigil.frameProgress(true, 1);
  clock.advance(10_000);
  within(peer.times[0], 20_101, 10);
});

test("after a short wait the tick is coarse again", () => {
  const { clock, wheel, peer } = watch({ idle: 300_000, firstFrame: 200, frame: 100 });
  ok(wheel.tick <= 20);
  peer.vigil.firstFrameCame();
  peer.vigil.frameProgress(true, 1);
  peer.vigil.frameProgress(false, 1);
  clock.advance(2_000);
  equal(wheel.tick, 250);
});

test("the idle timeout counts reads and writes, the others one kind each (F-12)", () => {
  const rows: readonly [Partial<VigilTimes>, "noteRead" | "noteWrite", string | undefined][] = [
    [{ idle: 10_000 }, "noteRead", undefined],
    [{ idle: 10_000 }, "noteWrite", undefined],
    [{ readIdle: 10_000 }, "noteRead", undefined],
    [{ readIdle: 10_000 }, "noteWrite", "read_idle"],
    [{ writeIdle: 10_000 }, "noteWrite", undefined],
    [{ writeIdle: 10_000 }, "noteRead", "write_idle"],
    // The shortest that applies is the one that is named.
    [{ idle: 5_000, readIdle: 12_000, writeIdle: 11_000 }, "noteRead", "write_idle"],
  ];
  for (const [times, note, reason] of rows) {
    const { clock, peer } = watch(times);
    for (let second = 0; second < 30 && peer.events.length === 0; second++) {
      clock.advance(1_000);
      peer.vigil[note]();
    }
    equal((peer.errors[0] as TimeoutError | undefined)?.reason, reason, JSON.stringify([times, note]));
    if (reason !== undefined) ok(peer.events[0]!.endsWith(" idle_timeout"));
  }
});

test("activity at any moment puts the idle timeout off by the whole of it", () => {
  for (let phase = 0; phase < 250; phase += 7) {
    const { clock, peer } = watch({ idle: 10_000 });
    clock.advance(7_000 + phase);
    peer.vigil.noteRead();
    clock.advance(30_000);
    within(peer.times[0], 17_000 + phase, 250);
  }
});

test("noting activity and the progress of frames sets no timer and moves no entry", () => {
  const { clock, wheel, peer } = watch({ idle: 10_000, frame: 5_000 });
  peer.vigil.frameProgress(true, 0);
  let scheduled = 0;
  const { schedule } = wheel;
  wheel.schedule = (...all) => {
    scheduled++;
    schedule.apply(wheel, all);
  };
  for (let frame = 1; frame <= 100_000; frame++) {
    peer.vigil.noteRead();
    peer.vigil.frameProgress(true, frame);
    peer.vigil.noteWrite();
    if (frame % 100 === 0) clock.advance(10);
  }
  ok(scheduled <= 4, `${scheduled} schedules for 100,000 frames in 10 s`);
  peer.quiet();
});

test("S-15: ten thousand idle connections share one timer, and a look costs each of them once a wait", () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const peers = Array.from(
    { length: 10_000 },
    () => new Watched(clock, wheel, { idle: 60_000, frame: 30_000 }),
  );
  let looks = 0;
  for (const { vigil } of peers) {
    const expire = vigil.expire.bind(vigil);
    vigil.expire = (now) => {
      looks++;
      return expire(now);
    };
  }
  equal(clock.pendingTimers, 1);
  for (let minute = 0; minute < 10; minute++) {
    clock.advance(59_000);
    equal(clock.pendingTimers, 1);
    for (const { vigil } of peers) vigil.noteRead();
  }
  ok(looks <= 11 * peers.length, `${looks} looks`);
  ok(peers.every(({ events }) => events.length === 0));
  for (const { vigil } of peers) vigil.stop();
  equal(wheel.size, 0);
  equal(clock.pendingTimers, 0);
});

test("S-32: a stopped process closes nobody, and peers get the grace they are owed (F-68)", () => {
  const { clock, peer } = watch({ idle: 10_000, frame: 5_000, firstFrame: 8_000 });
  peer.vigil.frameProgress(true, 0);
  clock.advance(2_000);
  clock.stall(30_000);
  clock.advance(2_000);
  peer.quiet();
  clock.advance(10_000);
  within(peer.times[0], 35_000 - 250, 250);
  ok(peer.events[0]!.endsWith(" frame_timeout"));
});

test("S-32: a jump of the wall clock by an hour, forward or back, changes nothing", () => {
  for (const jump of [3_600_000, -3_600_000]) {
    const { clock, peer } = watch({ idle: 10_000 });
    clock.advance(5_000);
    clock.setWallTime(clock.wallTime() + jump);
    clock.advance(5_000);
    peer.quiet();
    clock.advance(1_000);
    within(peer.times[0], 10_000, 250);
  }
});

test("S-33: after a loop blocked for 5 s, bytes that the kernel has already are read before anybody is judged", () => {
  const { clock, peer } = watch({ idle: 3_000 });
  clock.advance(2_900);
  clock.stall(5_000);
  // The poll for I/O comes between the timer and the look.
  clock.setTimer(() => peer.vigil.noteRead(), 0);
  clock.advance(2_900);
  peer.quiet();
  clock.advance(2_000);
  equal(peer.events.length, 1);
  ok(peer.times[0]! >= 7_900 + 3_000);
});

test("while our side is busy nobody is closed, and the wait begins anew afterwards", () => {
  const { clock, peer } = watch({ idle: 10_000, readIdle: 11_000, frame: 9_000, firstFrame: 12_000 });
  peer.vigil.frameProgress(true, 0);
  peer.busy = true;
  clock.advance(100_000);
  peer.quiet();
  peer.busy = false;
  const free = clock.now();
  clock.advance(60_000);
  equal(peer.events.length, 1);
  ok(peer.times[0]! <= free + 9_750);
  ok(peer.events[0]!.endsWith(" frame_timeout"));
});

test("S-13: a peer that takes nothing of what it is owed is silent, however busy we are; one byte taken is life", () => {
  const { clock, peer } = watch({ idle: 10_000 });
  peer.busy = peer.owing = true;
  for (let second = 0; second < 30; second++) {
    clock.advance(1_000);
    peer.vigil.noteWrite();
  }
  peer.quiet();
  clock.advance(30_000);
  equal(peer.events.length, 1);
  within(peer.times[0], 40_000, 250);
});

const ping = new Uint8Array([7]);

test("S-13: bytes that the peer takes of one long write are its sign of life, and their end is silence", () => {
  const { clock, peer } = watch({ writeIdle: 10_000 });
  peer.owing = true;
  for (let look = 0; look < 10; look++) {
    peer.transport.taken++;
    clock.advance(6_000);
  }
  peer.quiet();
  clock.advance(20_000);
  equal(peer.events.length, 1);
});

test("a peer that has ended is not asked for bytes", () => {
  const { clock, peer } = watch({ readIdle: 10_000, writeIdle: 300_000 });
  peer.vigil.inputOver();
  clock.advance(60_000);
  peer.quiet();
});

test("a keepalive that finds no room is tried again an interval later, however often other clocks are looked at", () => {
  const { clock, peer } = watch({
    frame: 1_000,
    keepalive: { interval: 10_000, payload: new Uint8Array([1]) },
  });
  peer.takesKeepalives = false;
  for (let frame = 0; frame < 50; frame++) {
    peer.vigil.frameProgress(true, frame);
    clock.advance(500);
  }
  equal(peer.events.length, 2, peer.events.join());
});

test("the first keepalive comes a whole interval after the start, the next ones an interval apart (F-13)", () => {
  const { clock, peer } = watch({ keepalive: { interval: 1_000, payload: ping } });
  clock.advance(999);
  peer.quiet();
  clock.advance(4_500);
  within(peer.times[0], 1_000, 50);
  ok(peer.events.length >= 4 && peer.events.length <= 5, peer.events.join());
  for (let i = 1; i < peer.times.length; i++) within(peer.times[i]! - peer.times[i - 1]!, 1_000, 50);
});

test("a frame that begins shortly before a keepalive is due does not put it off (F-13)", () => {
  const { clock, peer } = watch({ frame: 30_000, keepalive: { interval: 60_000, payload: ping } });
  clock.advance(59_000);
  peer.vigil.frameProgress(true, 0);
  clock.advance(2_000);
  within(peer.times[0], 60_000, 250);
});

test("a write puts the keepalive off, a read does not", () => {
  const { clock, peer } = watch({ keepalive: { interval: 1_000, payload: () => ping } });
  for (let i = 0; i < 20; i++) {
    clock.advance(500);
    peer.vigil.noteWrite();
  }
  peer.quiet();
  for (let i = 0; i < 4; i++) {
    clock.advance(500);
    peer.vigil.noteRead();
  }
  within(peer.times[0], 11_000, 50);
});

test("a keepalive that was written counts as a write, one that found no room does not", () => {
  const times = { idle: 5_000, keepalive: { interval: 1_000, payload: ping } };
  const healthy = watch(times);
  healthy.clock.advance(60_000);
  ok(healthy.peer.events.every((event) => event.endsWith("keepalive 7")));
  const stuck = watch(times);
  stuck.peer.takesKeepalives = false;
  stuck.clock.advance(60_000);
  ok(stuck.peer.events.at(-1)!.endsWith("idle_timeout"));
  within(stuck.peer.times.at(-1), 5_000, 250);
});

test("a payload function that throws, or returns no bytes, is reported each time and never reaches the wheel", () => {
  const thrown = new Error("no payload");
  const payloads: readonly (() => unknown)[] = [
    () => {
      throw thrown;
    },
    () => "ping",
    () => new Uint8Array(0),
  ];
  for (const payload of payloads) {
    const { clock, peer } = watch({ keepalive: { interval: 1_000, payload: payload as () => Uint8Array } });
    clock.advance(1_200);
    equal(peer.events.length, 1);
    ok(peer.errors[0] === thrown || peer.errors[0] instanceof OptionsError);
    peer.vigil.stop();
    equal(clock.pendingTimers, 0);
  }
});

test("stop ends all clocks, even when called from what they call, and later notes start none", () => {
  const { clock, wheel, peer } = watch({ idle: 500, keepalive: { interval: 400, payload: () => ping } });
  peer.sendKeepalive = () => {
    peer.events.push("stopped");
    peer.vigil.stop();
  };
  clock.advance(10_000);
  deepEqual(peer.events, ["stopped"]);
  peer.vigil.noteRead();
  peer.vigil.frameProgress(true, 1);
  equal(wheel.size, 0);
  equal(clock.pendingTimers, 0);
});

test("without limits there is no timer at all", () => {
  const { clock, peer } = watch({});
  peer.vigil.frameProgress(true, 0);
  equal(clock.pendingTimers, 0);
});
