// Silences in a Web Stream, and the options of framings that hear them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionsError } from "../../../src/core/errors.ts";
import { discardAfterSilence } from "../../../src/core/framing/discard_after_silence.ts";
import type { Framing } from "../../../src/core/framing/framing.ts";
import { lines } from "../../../src/core/framing/lines.ts";
import { silence } from "../../../src/core/framing/silence.ts";
import { FramerStream } from "../../../src/core/streams/framer_stream.ts";
import { TimerWheel } from "../../../src/core/time/timer_wheel.ts";
import { parseFraming } from "../../../src/protocols/framing_text.ts";
import { assertFramer } from "../../../src/testing/assert_framer.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { bytes, text } from "../../support/frames.ts";

function streaming(framing: Framing<Uint8Array>) {
  const clock = new FakeClock();
  const faults: string[] = [];
  const stream = new FramerStream(framing, {
    wheel: new TimerWheel(clock),
    onFrameError: (error) => void faults.push(error.reason),
  });
  return { clock, faults, writer: stream.writable.getWriter(), reader: stream.readable.getReader() };
}

test("a stream's frame ends when nothing was written for the gap, or with the input (F-79)", async () => {
  const { clock, writer, reader } = streaming(silence({ gap: "15ms" }));
  const got: string[] = [];
  const reading = (async () => {
    for (let step = await reader.read(); !step.done; step = await reader.read()) got.push(text(step.value));
  })();
  for (const part of ["a", "b", "c"]) {
    await writer.write(bytes(part));
    await clock.advanceAsync(part === "b" ? 40 : 10);
  }
  assert.deepEqual(got, ["ab"]);
  await writer.close();
  await reading;
  assert.deepEqual(got, ["ab", "c"]);
  assert.equal(clock.pendingTimers, 0, "nothing is waited for any more");
});

test("time during which nobody reads a stream is no silence of its source (F-79)", async () => {
  const { clock, writer, reader } = streaming(silence({ gap: "15ms" }));
  const first = reader.read();
  await writer.write(bytes("one"));
  await clock.advanceAsync(100);
  assert.equal(text((await first).value!), "one");
  // Not taken: the next write waits, for as long as the reader likes.
  const second = writer.write(bytes("two"));
  const third = writer.write(bytes("three"));
  await clock.advanceAsync(1_000);
  const next = reader.read();
  await Promise.all([second, third]);
  await clock.advanceAsync(5);
  const end = writer.write(bytes("end"));
  await end;
  await clock.advanceAsync(100);
  assert.equal(text((await next).value!), "twothreeend");
  await reader.cancel();
  assert.equal(clock.pendingTimers, 0);
});

test("a frame of which the rest waits to be taken by a stream is not torn (F-79)", async () => {
  const { clock, faults, writer, reader } = streaming(discardAfterSilence(lines(), { gap: "50ms" }));
  const first = reader.read();
  await writer.write(bytes("one\ntwo\nha"));
  assert.equal(text((await first).value!), "one");
  const rest = writer.write(bytes("lf\n"));
  await clock.advanceAsync(1_000);
  const got: string[] = [];
  for (let more = 0; more < 2; more++) got.push(text((await reader.read()).value!));
  await rest;
  assert.deepEqual(got, ["two", "half"]);
  assert.deepEqual(faults, []);
  await writer.close();
});

test("a torn frame is dropped from a stream, which goes on; leaving it stops its clock (F-79)", async () => {
  const { clock, faults, writer, reader } = streaming(discardAfterSilence(lines(), { gap: "50ms" }));
  const first = reader.read();
  await writer.write(bytes("ha"));
  await clock.advanceAsync(200);
  await writer.write(bytes("whole\nha"));
  assert.equal(text((await first).value!), "whole");
  assert.deepEqual(faults, ["truncated"]);
  await writer.abort("enough");
  assert.equal(clock.pendingTimers, 0);
});

test("what cannot be a gap is refused, and so is a framing that hears silences already (F-79)", () => {
  for (const gap of [undefined, 0, -1, "15", Infinity, "Infinity", {}]) {
    assert.throws(() => silence({ gap } as never), (error) => {
      assert.ok(error instanceof OptionsError && error.issues[0]!.path === "gap", String(error));
      return true;
    });
  }
  assert.throws(
    () => discardAfterSilence(silence({ gap: 5 }), { gap: 5 }),
    /does not end frames by silence itself/,
  );
  assert.throws(() => discardAfterSilence(lines(), { gap: "0ms" }), OptionsError);
});

test("a stream refuses a decoder by hand whose silences it cannot hear, and hears those of a built-in one (F-79)", async () => {
  const deaf = { ...lines(), decoder: () => ({ buffered: 0, gap: 5, push() {}, resume() {} }) };
  assert.throws(() => new FramerStream(deaf), /a decoder with watch, as it has gap/);
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const own: Framing<string> = {
    name: "own",
    decoder() {
      let [held, ended] = ["", false];
      return {
        gap: 15,
        watch: (owner, given) => silence({ gap: 15 }).decoder(() => {}).watch!(owner, given),
        get buffered() {
          return held.length;
        },
        push: (chunk) => void (held += text(chunk)),
        silence: () => void (ended = held !== ""),
        resume(next) {
          if (ended) next(held);
          [held, ended] = ["", false];
        },
      };
    },
    encode: (frame, out) => out.text(frame),
  };
  const stream = new FramerStream(own, { wheel });
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  const first = reader.read();
  await writer.write(bytes("by hand"));
  await clock.advanceAsync(100);
  assert.equal((await first).value, "by hand");
  await reader.cancel();
});

test("without a clock, frames that end by silence are cut by the end of the input, however split (F-79)", () => {
  assertFramer(silence({ gap: "15ms", maxFrameBytes: 8 }), [
    { bytes: bytes("12345678"), frames: [bytes("12345678")], exact: true },
    { bytes: bytes("123456789"), frames: [], error: { reason: "too_large", offset: 0, limit: 8 } },
  ]);
  assertFramer(discardAfterSilence(lines(), { gap: "15ms" }), [
    { bytes: bytes("1\n2\n"), frames: [bytes("1"), bytes("2")], exact: true },
    { bytes: bytes("1\n2"), frames: [bytes("1")], error: { reason: "truncated", offset: 2 } },
  ]);
});

test("text says both: silence:15ms, and discard-after-silence behind a framing (F-79)", () => {
  const gapOf = (spec: string): number | undefined => parseFraming(spec).decoder(() => {}).gap;
  assert.deepEqual(
    [
      gapOf("silence:15ms,max=256,skip"),
      gapOf("lines,discard-after-silence=1s"),
      gapOf("fixed:4"),
      gapOf("raw"),
    ],
    [15, 1_000, undefined, undefined],
  );
});
