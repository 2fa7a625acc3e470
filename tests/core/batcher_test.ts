import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { test } from "node:test";
import { type Batch, Batcher, type BatcherOptions } from "../../src/core/streams/batcher.ts";
import { BatcherStream } from "../../src/core/streams/batcher_stream.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

interface Bench<T> {
  readonly clock: FakeClock;
  readonly wheel: TimerWheel;
  readonly batcher: Batcher<T>;
  readonly groups: (Batch<T> & { at: number })[];
  push(...frames: T[]): void;
}

function bench<T = string>(options: BatcherOptions<T>): Bench<T> {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const batcher = new Batcher<T>(options, wheel);
  const groups: (Batch<T> & { at: number })[] = [];
  const deliver = (group: Batch<T>): void => void groups.push({ ...group, at: clock.now() });
  batcher.start({ full: false, deliver, fail: (error) => ok(false, String(error)) });
  const push = (...frames: T[]): void => frames.forEach((frame) => batcher.push(frame, deliver));
  return { clock, wheel, batcher, groups, push };
}

/** The frames of each group, and what completed it. */
function shown<T>(groups: readonly Batch<T>[]): string[] {
  return groups.map(({ frames, completedBy }) =>
    `${frames.map(({ frame }) => frame).join(" ")}: ${completedBy}`
  );
}

test("a group is complete with so many frames (F-10)", () => {
  const { groups, push, batcher } = bench({ maxFrames: 3 });
  push("a", "b", "c", "d", "e", "f", "g");
  deepEqual(shown(groups), ["a b c: frames", "d e f: frames"]);
  equal(batcher.length, 1);
});

test("a group is complete with so many bytes, and never holds more, but for one frame that is larger (F-10)", () => {
  const { groups, push } = bench({ maxBytes: 10 });
  push("aaaa", "bbbb", "cccc", "dddddd", "eeeeeeeeeeee", "f", "gggggggggggg", "hhhhhhhhhh");
  deepEqual(shown(groups), [
    "aaaa bbbb: bytes",
    "cccc dddddd: bytes",
    "eeeeeeeeeeee: bytes",
    "f: bytes",
    "gggggggggggg: bytes",
    "hhhhhhhhhh: bytes",
  ]);
  deepEqual(groups.map(({ bytes }) => bytes), [8, 10, 12, 1, 12, 10]);
});

test("a group is complete when its first frame has waited so long, not before and hardly later (F-10)", () => {
  for (const maxDelay of [20, 100, 1_000, 60_000]) {
    const { clock, groups, push, batcher } = bench({ maxDelay });
    clock.advance(123);
    push("a");
    clock.advance(maxDelay * 0.9);
    push("b");
    clock.advance(maxDelay);
    deepEqual(shown(groups), ["a b: delay"]);
    const waited = groups[0]!.at - 123;
    ok(waited >= maxDelay && waited <= maxDelay * 1.3 + 5, `waited ${waited} of ${maxDelay} ms`);
    equal(batcher.length, 0);
    equal(clock.pendingTimers, 0);
  }
});

test("each group's delay counts from its own first frame", () => {
  const { clock, groups, push } = bench({ maxDelay: 1_000, maxFrames: 2 });
  push("a", "b");
  clock.advance(900);
  push("c");
  clock.advance(900);
  deepEqual(shown(groups), ["a b: frames"]);
  clock.advance(300);
  deepEqual(shown(groups), ["a b: frames", "c: delay"]);
});

test("groups that fill up set no timer each", () => {
  const { clock, wheel, groups, push } = bench({ maxDelay: 1_000, maxFrames: 10 });
  let scheduled = 0;
  const { schedule } = wheel;
  wheel.schedule = (...all) => {
    scheduled++;
    schedule.apply(wheel, all);
  };
  for (let i = 0; i < 100_000; i++) {
    push("x");
    if (i % 1_000 === 0) clock.advance(10);
  }
  equal(groups.length, 10_000);
  ok(scheduled <= 2, `${scheduled} schedules`);
});

test("no delay sets no timer, and the end of input delivers the rest", () => {
  const { clock, groups, push, batcher } = bench({ maxDelay: "Infinity" });
  push("a", "b");
  equal(clock.pendingTimers, 0);
  batcher.flush((group) => groups.push({ ...group, at: 0 }));
  batcher.flush((group) => groups.push({ ...group, at: 0 }));
  deepEqual(shown(groups), ["a b: end"]);
});

test("a group has each frame's connection id and wall-clock time (F-10)", () => {
  const { clock, groups, push, batcher } = bench({ maxFrames: 3, connectionId: "c1" });
  const start = clock.wallTime();
  push("a");
  clock.advance(40);
  ok(batcher.add("b", "c2"));
  clock.advance(10);
  ok(batcher.add("c", "c3"));
  deepEqual(groups[0]!.frames, [
    { frame: "a", connectionId: "c1", receivedAt: start },
    { frame: "b", connectionId: "c2", receivedAt: start + 40 },
    { frame: "c", connectionId: "c3", receivedAt: start + 50 },
  ]);
});

test("after stop nothing is delivered or taken", () => {
  const { clock, groups, push, batcher } = bench({ maxDelay: 50 });
  push("a");
  batcher.stop();
  batcher.stop();
  equal(batcher.add("b", "c1"), false);
  clock.advance(1_000);
  deepEqual(groups, []);
  equal(clock.pendingTimers, 0);
});

test("bytes are counted as they go over the wire", () => {
  const { groups, push } = bench<unknown>({ maxBytes: 100, size: undefined, maxFrames: 6 });
  push("é", "€", "😀", "\ud800", new Uint8Array(5), new DataView(new ArrayBuffer(7)));
  equal(groups[0]!.bytes, 2 + 3 + 4 + 3 + 5 + 7);
});

test("a frame whose size nobody knows is refused where bytes were limited, and counts as 0 otherwise", () => {
  const limited = bench<unknown>({ maxBytes: 100 });
  throws(
    () => limited.push({}),
    (error) => error instanceof OptionsError && error.issues[0]!.path === "size",
  );
  const sized = bench<{ n: number }>({ maxBytes: 10, size: ({ n }) => n });
  sized.push({ n: 4 }, { n: 6 });
  equal(sized.groups.length, 1);
  const counted = bench<unknown>({ maxFrames: 2 });
  counted.push({}, {});
  equal(counted.groups[0]!.bytes, 0);
});

test("options that make no sense are refused, all at once", () => {
  const table: readonly [object, string[]][] = [
    [{ maxFrames: 0 }, ["maxFrames"]],
    [{ maxFrames: 1.5, maxBytes: -1, maxDelay: 0 }, ["maxFrames", "maxBytes", "maxDelay"]],
    [{ maxDelay: "100 moments" }, ["maxDelay"]],
    [{ size: 5 }, ["size"]],
    [{ maxFrames: Infinity, maxBytes: Infinity }, ["maxFrames"]],
    [{ frames: 5 }, ["frames"]],
  ];
  for (const [options, paths] of table) {
    throws(() => new Batcher(options), (error) => {
      ok(error instanceof OptionsError);
      deepEqual(error.issues.map(({ path }) => path), paths);
      return true;
    });
  }
});

test("as a stream it delivers by delay too, and the rest when the input ends", async () => {
  const clock = new FakeClock();
  const stream = new BatcherStream<string>({ maxFrames: 2, maxDelay: 100, wheel: new TimerWheel(clock) });
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  const groups: Batch<string>[] = [];
  const done = (async () => {
    for (let read = await reader.read(); !read.done; read = await reader.read()) groups.push(read.value);
  })();
  await writer.write("a");
  await writer.write("b");
  await writer.write("c");
  await clock.advanceAsync(200);
  deepEqual(shown(groups), ["a b: frames", "c: delay"]);
  await writer.write("d");
  await writer.close();
  await done;
  deepEqual(shown(groups).slice(2), ["d: end"]);
  equal(clock.pendingTimers, 0);
});

test("however the stream ends, no timer is left", async () => {
  const ends: readonly ((stream: BatcherStream<string>) => Promise<unknown>)[] = [
    (stream) => stream.readable.cancel("enough"),
    (stream) => stream.writable.abort(new Error("broken")),
    (stream) => stream.writable.close(),
  ];
  for (const end of ends) {
    const clock = new FakeClock();
    const stream = new BatcherStream<string>({ maxDelay: 100, wheel: new TimerWheel(clock) });
    const writer = stream.writable.getWriter();
    writer.closed.catch(() => {});
    await writer.write("a");
    writer.releaseLock();
    equal(clock.pendingTimers, 1);
    await end(stream);
    equal(clock.pendingTimers, 0);
  }
});

test("a size function that throws ends the stream on both sides and leaves no timer", async () => {
  const clock = new FakeClock();
  const size = (frame: string): number => {
    if (frame === "bad") throw new Error("no size");
    return 1;
  };
  const stream = new BatcherStream<string>({ maxDelay: 100, size, wheel: new TimerWheel(clock) });
  const writer = stream.writable.getWriter();
  writer.closed.catch(() => {});
  await writer.write("a");
  const read = rejects(stream.readable.getReader().read(), /no size/);
  await rejects(writer.write("bad"), /no size/);
  await read;
  equal(clock.pendingTimers, 0);
});
