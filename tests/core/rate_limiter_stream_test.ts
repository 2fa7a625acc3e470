import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { test } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import {
  RateLimiterStream,
  type RateLimiterStreamOptions,
} from "../../src/core/streams/rate_limiter_stream.ts";
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

function limited<T = Uint8Array>(
  options: RateLimiterStreamOptions<T>,
): { clock: FakeClock; wheel: TimerWheel; stream: RateLimiterStream<T>; arrived: [number, T][] } {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const stream = new RateLimiterStream<T>({ ...options, wheel });
  return { clock, wheel, stream, arrived: [] };
}

/** Writes down when each chunk arrives; resolves, or rejects, with the end. */
async function drain<T>(stream: ReadableStream<T>, clock: FakeClock, into: [number, T][]): Promise<void> {
  const reader = stream.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    into.push([clock.now(), read.value]);
  }
}

test("chunks pass at the rate, all of them and in order", async () => {
  const { clock, stream, arrived } = limited<string>({ bytesPerSecond: 1_000, burstBytes: 100 });
  const done = drain(stream.readable, clock, arrived);
  const writer = stream.writable.getWriter();
  const written = Array.from({ length: 10 }, (_, i) => writer.write(`${i}`.repeat(100)));
  const closed = writer.close();
  await clock.advanceAsync(2_000);
  await Promise.all([...written, closed, done]);
  deepEqual(arrived.map(([, chunk]) => chunk[0]).join(""), "0123456789");
  const [last] = arrived.at(-1)!;
  equal(last >= 800 && last < 1_100, true, `the last one came at ${last} ms`);
  equal(clock.pendingTimers, 0);
});

test("a chunk larger than the burst passes whole, the next one pays for it, and the end waits for nobody", async () => {
  const { clock, stream, arrived } = limited({ bytesPerSecond: 1_000, burstBytes: 1 });
  const done = drain(stream.readable, clock, arrived);
  const writer = stream.writable.getWriter();
  void writer.write(new Uint8Array(2_001));
  void writer.write(new Uint8Array(5_000));
  void writer.close();
  await clock.advanceAsync(3_000);
  await done;
  deepEqual(arrived.map(([, chunk]) => chunk.length), [2_001, 5_000]);
  equal(arrived[0]![0], 0);
  equal(arrived[1]![0] >= 2_000 && arrived[1]![0] <= 2_750, true, `${arrived[1]![0]} ms`);
});

test("a chunk counts as a frame", async () => {
  const { clock, stream, arrived } = limited<{ n: number }>({ framesPerSecond: 2, burstFrames: 1 });
  const done = drain(stream.readable, clock, arrived);
  const writer = stream.writable.getWriter();
  for (let n = 0; n < 4; n++) void writer.write({ n });
  void writer.close();
  await clock.advanceAsync(3_000);
  await done;
  equal(arrived.length, 4);
  const [last] = arrived[3]!;
  equal(last >= 1_000 && last <= 1_300, true, `the last one came at ${last} ms`);
});

test("a slow reader is felt by the writer, also without a limit reached", async () => {
  const { stream } = limited({ bytesPerSecond: 1e9 });
  const writer = stream.writable.getWriter();
  let written = 0;
  for (let i = 0; i < 10; i++) writer.write(new Uint8Array(1)).then(() => written++, () => {});
  await new FakeClock().advanceAsync(0);
  equal(written <= 2, true, `${written} writes went through with nobody reading`);
  writer.closed.catch(() => {});
  await stream.readable.cancel();
});

test("cancelling the readable while a chunk waits ends the wait and fails the writer", async () => {
  const { clock, wheel, stream } = limited({ bytesPerSecond: 1, burstBytes: 1 });
  const reader = stream.readable.getReader();
  const writer = stream.writable.getWriter();
  const closed = rejects(writer.closed, /enough/);
  void writer.write(new Uint8Array(10_000));
  equal((await reader.read()).value?.length, 10_000);
  const second = rejects(writer.write(new Uint8Array(1)), /enough/);
  await clock.advanceAsync(0);
  equal(wheel.size, 1);
  await reader.cancel(new Error("enough"));
  await second;
  await closed;
  equal(clock.pendingTimers, 0);
});

test("aborting the writer while a chunk waits ends the wait and fails the reader at once", async () => {
  const { clock, wheel, stream, arrived } = limited({ bytesPerSecond: 1, burstBytes: 1 });
  const ended = rejects(drain(stream.readable, clock, arrived), /stop it/);
  const writer = stream.writable.getWriter();
  writer.closed.catch(() => {});
  await writer.write(new Uint8Array(10_000));
  const second = rejects(writer.write(new Uint8Array(1)), /stop it/);
  await clock.advanceAsync(0);
  equal(wheel.size, 1);
  await writer.abort(new Error("stop it"));
  await second;
  await ended;
  equal(arrived.length, 1);
  equal(clock.pendingTimers, 0);
});

test("a chunk whose size nobody knows ends both sides with an OptionsError", async () => {
  const { clock, stream, arrived } = limited<object>({ bytesPerSecond: 1_000 });
  const ended = rejects(drain(stream.readable, clock, arrived), OptionsError);
  const writer = stream.writable.getWriter();
  writer.closed.catch(() => {});
  await rejects(writer.write({}), /size: .*expected a function that returns the size/);
  await ended;
});

test("an error of a stream before it passes through", async () => {
  const { clock, stream, arrived } = limited({ bytesPerSecond: 1_000 });
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new Error("broken source"));
    },
  });
  await rejects(drain(source.pipeThrough(stream), clock, arrived), /broken source/);
});

test("limits that make no sense are refused", () => {
  throws(() => new RateLimiterStream({ bytesPerSecond: 0 }), OptionsError);
  throws(
    () => new RateLimiterStream({ bytesPerSec: 1 } as RateLimiterStreamOptions<Uint8Array>),
    OptionsError,
  );
});
