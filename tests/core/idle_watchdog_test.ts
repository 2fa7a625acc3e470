import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { test } from "node:test";
import type { DurationInput } from "../../src/core/time/duration.ts";
import { IdleTimeoutError, OptionsError } from "../../src/core/errors.ts";
import { IdleWatchdog } from "../../src/core/streams/idle_watchdog.ts";
import { IdleWatchdogStream } from "../../src/core/streams/idle_watchdog_stream.ts";
import { compose } from "../../src/core/streams/stage.ts";
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

interface Watch {
  readonly clock: FakeClock;
  readonly wheel: TimerWheel;
  readonly dog: IdleWatchdog<string>;
  readonly barks: { at: number; error: unknown }[];
  full: boolean;
}

function watch(timeout: DurationInput): Watch {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const dog = new IdleWatchdog<string>(timeout, wheel);
  const state: Watch = { clock, wheel, dog, barks: [], full: false };
  dog.start({
    get full() {
      return state.full;
    },
    deliver: () => {},
    fail: (error) => void state.barks.push({ at: clock.now(), error }),
  });
  return state;
}

function reasonOf({ barks }: Watch): string | undefined {
  const [bark] = barks;
  if (bark === undefined) return undefined;
  ok(bark.error instanceof IdleTimeoutError);
  return bark.error.reason;
}

test("a silence is noticed once, when the whole of it has passed (F-12)", () => {
  for (const idle of [50, 100, 1_000, 60_000, 3_600_000]) {
    const found = watch(idle);
    found.clock.advance(idle - 1);
    equal(found.barks.length, 0);
    found.clock.advance(idle);
    equal(found.barks.length, 1);
    const { at } = found.barks[0]!;
    ok(at >= idle && at <= idle + 3 * Math.min(250, idle / 10), `${at} for ${idle}`);
    equal(found.clock.pendingTimers, 0);
  }
});

test("the error says which silence and how long", () => {
  const found = watch("5 seconds");
  found.clock.advance(10_000);
  const { error } = found.barks[0]!;
  ok(error instanceof IdleTimeoutError);
  equal(error._tag, "IdleTimeoutError");
  equal(error.limit, 5_000);
  equal(error.message, "wait for activity: nothing was read or written for 5000 ms");
});

test("a hundred thousand items set no timer (F-12)", () => {
  const found = watch(1_000);
  let scheduled = 0;
  const { schedule } = found.wheel;
  found.wheel.schedule = (...all) => {
    scheduled++;
    schedule.apply(found.wheel, all);
  };
  const chain = compose(found.dog, { push: (item: string, next: (out: string) => void) => next(item) });
  let passed = 0;
  for (let i = 0; i < 100_000; i++) {
    chain.push("x", () => passed++);
    if (i % 1_000 === 0) found.clock.advance(100);
  }
  equal(passed, 100_000);
  equal(scheduled, 0);
  equal(found.barks.length, 0);
});

test("a stall of ours is nobody's silence (F-68)", () => {
  const found = watch(10_000);
  found.clock.advance(9_900);
  found.clock.stall(60_000);
  found.clock.advance(50);
  equal(found.barks.length, 0);
  found.clock.advance(1_000);
  equal(reasonOf(found), "idle");
});

test("while the outlet is full nobody is blamed, and afterwards the whole silence counts anew", () => {
  const found = watch(1_000);
  found.full = true;
  found.clock.advance(10_000);
  equal(found.barks.length, 0);
  found.full = false;
  found.clock.advance(2_300);
  equal(reasonOf(found), "idle");
});

test("stop ends it, as often as it is called", () => {
  const found = watch(1_000);
  found.dog.stop();
  found.dog.stop();
  equal(found.clock.pendingTimers, 0);
  found.clock.advance(10_000);
  equal(found.barks.length, 0);
});

test("a time that makes no sense is refused, by its name", () => {
  for (const timeout of [0, "5 sek" as "5 seconds", "-5 seconds" as const]) {
    throws(() => new IdleWatchdogStream(timeout), (error) => {
      ok(error instanceof OptionsError);
      deepEqual(error.issues.map(({ path }) => path), ["timeout"]);
      return true;
    });
  }
});

test("the stream passes chunks on and ends on both sides after a silence, with no timer left", async () => {
  const clock = new FakeClock();
  const stream = new IdleWatchdogStream<string>("10 seconds", { wheel: new TimerWheel(clock) });
  const writer = stream.writable.getWriter();
  const closed = rejects(writer.closed, IdleTimeoutError);
  const reader = stream.readable.getReader();
  for (const text of ["a", "b"]) {
    await clock.advanceAsync(8_000);
    void writer.write(text);
    equal((await reader.read()).value, text);
  }
  const read = rejects(reader.read(), IdleTimeoutError);
  await clock.advanceAsync(11_000);
  await read;
  await closed;
  equal(clock.pendingTimers, 0);
});

test("a reader that does not take the last chunk is not the source's silence", async () => {
  const clock = new FakeClock();
  const stream = new IdleWatchdogStream<string>("1 second", { wheel: new TimerWheel(clock) });
  const writer = stream.writable.getWriter();
  writer.closed.catch(() => {});
  void writer.write("a");
  await clock.advanceAsync(60_000);
  const reader = stream.readable.getReader();
  equal((await reader.read()).value, "a");
  void writer.write("b");
  equal((await reader.read()).value, "b");
  const read = rejects(reader.read(), IdleTimeoutError);
  await clock.advanceAsync(3_000);
  await read;
});

test("however the stream ends, no timer is left", async () => {
  const ends: readonly ((stream: IdleWatchdogStream<string>) => Promise<unknown>)[] = [
    (stream) => stream.readable.cancel("enough"),
    (stream) => stream.writable.abort(new Error("broken")),
    (stream) => stream.writable.close(),
  ];
  for (const end of ends) {
    const clock = new FakeClock();
    const stream = new IdleWatchdogStream<string>("1 second", { wheel: new TimerWheel(clock) });
    equal(clock.pendingTimers, 1);
    await end(stream);
    equal(clock.pendingTimers, 0);
  }
});

test("it composes with pipeThrough and other people's streams", async () => {
  const clock = new FakeClock();
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const text of ["one ", "two ", "three"]) controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
  const out = source
    .pipeThrough(new IdleWatchdogStream("1 second", { wheel: new TimerWheel(clock) }))
    .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>);
  let text = "";
  const reader = out.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value;
  equal(text, "one two three");
  equal(clock.pendingTimers, 0);
});
