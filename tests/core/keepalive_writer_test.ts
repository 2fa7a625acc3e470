import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { test } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { KeepaliveWriter, type KeepaliveWriterOptions } from "../../src/core/streams/keepalive_writer.ts";
import { KeepaliveWriterStream } from "../../src/core/streams/keepalive_writer_stream.ts";
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

const ping = new Uint8Array([1]);
const frame = new Uint8Array([2, 2]);

interface Bench {
  readonly clock: FakeClock;
  readonly writer: KeepaliveWriter;
  /** Time and first byte of all that came out. */
  readonly out: [number, number][];
  readonly failures: unknown[];
  full: boolean;
  push(): void;
}

function bench(options: KeepaliveWriterOptions): Bench {
  const clock = new FakeClock();
  const writer = new KeepaliveWriter(options, new TimerWheel(clock));
  const deliver = (bytes: Uint8Array): void => void state.out.push([clock.now(), bytes[0]!]);
  const state: Bench = {
    clock,
    writer,
    out: [],
    failures: [],
    full: false,
    push: () => writer.push(frame, deliver),
  };
  writer.start({
    get full() {
      return state.full;
    },
    deliver,
    fail: (error) => void state.failures.push(error),
  });
  return state;
}

test("the payload comes after a whole interval of silence, not before, and again after each (F-13)", () => {
  for (const interval of [100, 1_000, 30_000]) {
    const { clock, out } = bench({ interval, payload: ping });
    clock.advance(interval);
    equal(out.length, 0);
    clock.advance(interval * 9.6);
    ok(out.length >= 8 && out.length <= 10, `${out.length} in ten intervals`);
    let before = 0;
    for (const [at, byte] of out) {
      equal(byte, 1);
      ok(at - before >= interval && at - before <= interval * 1.3, `${at - before} for ${interval}`);
      before = at;
    }
  }
});

test("a write puts it off by a whole interval (F-13)", () => {
  const { clock, out, push } = bench({ interval: "1 second", payload: ping });
  for (let i = 0; i < 20; i++) {
    clock.advance(700);
    push();
  }
  ok(out.every(([, byte]) => byte === 2));
  clock.advance(1_400);
  equal(out.length, 21);
  const [at, byte] = out[20]!;
  equal(byte, 1);
  ok(at >= 15_000 && at <= 15_300);
});

test("a function makes a payload each time", () => {
  let n = 10;
  const { clock, out } = bench({ interval: 100, payload: () => new Uint8Array([n++]) });
  clock.advance(360);
  deepEqual(out.map(([, byte]) => byte), [10, 11, 12]);
});

test("nothing is added to what the peer has not taken, however long that is", () => {
  const state = bench({ interval: 100, payload: ping });
  state.full = true;
  state.clock.advance(100_000);
  equal(state.out.length, 0);
  state.full = false;
  state.clock.advance(130);
  equal(state.out.length, 1);
});

test("after a stall one payload comes, not all that were missed (F-68)", () => {
  const { clock, out } = bench({ interval: 1_000, payload: ping });
  clock.advance(900);
  clock.stall(60_000);
  clock.advance(400);
  equal(out.length, 1);
});

test("a payload function that throws, or returns no bytes, fails the pipeline and ends the waiting", () => {
  const rows: readonly [() => unknown, RegExp][] = [
    [() => {
      throw new Error("no payload today");
    }, /no payload today/],
    [() => "ping", /keepalive\.payload: found "ping", expected a Uint8Array/],
    [() => new Uint8Array(0), /keepalive\.payload/],
  ];
  for (const [payload, message] of rows) {
    const { clock, failures } = bench({ interval: 100, payload: payload as () => Uint8Array });
    clock.advance(1_000);
    equal(failures.length, 1);
    ok(message.test(String(failures[0])), String(failures[0]));
    equal(clock.pendingTimers, 0);
  }
});

test("options that make no sense are refused", () => {
  const rows: readonly [object, string][] = [
    [{ interval: 0, payload: ping }, "interval"],
    [{ payload: ping }, "interval"],
    [{ interval: 100 }, "payload"],
    [{ interval: 100, payload: "ping" }, "payload"],
    [{ interval: 100, payload: new Uint8Array(0) }, "payload"],
    [{ interval: 100, payload: ping, bytes: 1 }, "bytes"],
  ];
  for (const [options, path] of rows) {
    throws(
      () => new KeepaliveWriter(options as KeepaliveWriterOptions),
      (error) => error instanceof OptionsError && error.issues[0]!.path === path,
    );
  }
});

test("as a stream it fills silences between chunks, and ends without a timer", async () => {
  const clock = new FakeClock();
  const stream = new KeepaliveWriterStream({ interval: 1_000, payload: ping, wheel: new TimerWheel(clock) });
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  const bytes: number[] = [];
  const done = (async () => {
    for (let read = await reader.read(); !read.done; read = await reader.read()) bytes.push(read.value[0]!);
  })();
  await writer.write(frame);
  await clock.advanceAsync(2_400);
  await writer.write(frame);
  await clock.advanceAsync(900);
  await writer.close();
  await done;
  deepEqual(bytes, [2, 1, 1, 2]);
  equal(clock.pendingTimers, 0);
});

test("however the stream ends, no timer is left", async () => {
  const ends: readonly ((stream: KeepaliveWriterStream) => Promise<unknown>)[] = [
    (stream) => stream.readable.cancel("enough"),
    (stream) => stream.writable.abort(new Error("broken")),
    (stream) => stream.writable.close(),
  ];
  for (const end of ends) {
    const clock = new FakeClock();
    const stream = new KeepaliveWriterStream({
      interval: 1_000,
      payload: ping,
      wheel: new TimerWheel(clock),
    });
    equal(clock.pendingTimers, 1);
    await end(stream);
    equal(clock.pendingTimers, 0);
  }
});

test("a payload function that throws errors the stream on both sides", async () => {
  const clock = new FakeClock();
  const payload = (): Uint8Array => {
    throw new Error("no payload");
  };
  const stream = new KeepaliveWriterStream({ interval: 100, payload, wheel: new TimerWheel(clock) });
  const closed = rejects(stream.writable.getWriter().closed, /no payload/);
  const read = rejects(stream.readable.getReader().read(), /no payload/);
  await clock.advanceAsync(200);
  await closed;
  await read;
  equal(clock.pendingTimers, 0);
});
