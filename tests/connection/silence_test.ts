// A silence ends a frame, or drops one that is torn: ours never, and the peer's not before its time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameError } from "../../src/core/errors.ts";
import { concatBytes } from "../../src/core/bytes/bytes.ts";
import { discardAfterSilence } from "../../src/core/framing/discard_after_silence.ts";
import { fixedLength } from "../../src/core/framing/fixed_length.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { mapFraming } from "../../src/core/framing/map_framing.ts";
import { silence } from "../../src/core/framing/silence.ts";
import { systemClock } from "../../src/core/time/clock.ts";
import { bytes, Gate, text } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

const gap = silence({ gap: "15ms" });
/** By when a gap of 15 ms has been noticed: two ticks for the reading, one for the tick it falls into. */
const surely = 15 + 3 * 5 + 5;

async function gathering(place: Virtual, framing: Framing<Uint8Array> = gap) {
  const got: string[] = [];
  const faults: string[] = [];
  const server = await place.serve<Uint8Array>({
    framing,
    onFrame: (frame) => void got.push(text(frame)),
    onFrameError: (error) => void faults.push(`${error.reason} ${error.offset} ${error.size}`),
  });
  return { server, peer: await place.dial(server), got, faults };
}

test("a frame is what came until nothing came for the gap, however it was split (F-79)", async (t) => {
  const place = new Virtual(t);
  const { peer, got } = await gathering(place);
  for (const parts of [["abcdef"], [..."abcdef"], ["ab", "cdef"]]) {
    for (const part of parts) {
      peer.write(part);
      await place.pass(10);
    }
    assert.deepEqual(got, [], "not before the gap");
    await place.pass(surely - 10);
    assert.deepEqual(got.splice(0), ["abcdef"]);
  }
  await place.pass(1_000);
  assert.deepEqual(got, [], "a silence without bytes before it is no frame");
});

test("a frame is never cut before the gap is over, and no later than the ticks say (F-79)", async (t) => {
  const place = new Virtual(t);
  for (const [ms, late] of [[10, 20], [15, 20], [49, 20], [100, 35], [499, 35], [3_000, 800]] as const) {
    const { peer, got, server } = await gathering(place, silence({ gap: ms }));
    for (let offset = 0; offset < 7; offset++) {
      await place.pass(1);
      peer.write("x");
      await place.pass(ms - 1);
      assert.deepEqual(got, [], `${ms} ms`);
      await place.pass(1 + late);
      assert.deepEqual(got.splice(0), ["x"], `${ms} ms`);
    }
    peer.end();
    await place.settle();
    await place.drive(server.close());
  }
});

test("the end of the input ends the last frame, and a connection that breaks inside one says so (F-79)", async (t) => {
  const place = new Virtual(t);
  const { peer, got } = await gathering(place);
  peer.write("last").end();
  await place.settle();
  assert.deepEqual([got, place.records[0]!.reason], [["last"], "peer_closed"]);
  const broken = await gathering(place);
  broken.peer.write("half");
  await place.settle();
  broken.peer.abort();
  await place.settle();
  assert.deepEqual([broken.got, broken.faults], [[], ["truncated 0 undefined"]]);
});

test("a frame over maxFrameBytes ends the connection, or is dropped up to the next silence (F-79)", async (t) => {
  const place = new Virtual(t);
  const skipping = await gathering(place, silence({ gap: "15ms", maxFrameBytes: 4, onFrameError: "skip" }));
  for (const part of ["1234", "12345", "6", "78", "ab"]) {
    skipping.peer.write(part);
    await place.pass(part === "12345" || part === "6" ? 5 : surely);
  }
  assert.deepEqual([skipping.got, skipping.faults], [["1234", "ab"], ["too_large 4 5"]]);
  const closing = await gathering(place, silence({ gap: "15ms", maxFrameBytes: 4 }));
  closing.peer.write("12345").end();
  await place.settle();
  assert.deepEqual([closing.got, closing.faults], [[], ["too_large 0 5"]]);
  skipping.peer.end();
  await place.settle();
});

test("a silence keeps its place while a handler is at work on earlier frames (F-79)", async (t) => {
  const place = new Virtual(t);
  for (const kind of ["onFrame", "a loop", "a loop that may reframe"] as const) {
    const gate = new Gate();
    const got: string[] = [];
    const server = await place.serve<Uint8Array>({
      framing: gap,
      reframable: kind === "a loop that may reframe",
      ...(kind === "onFrame"
        ? { onFrame: (frame) => got.push(text(frame)) === 1 ? gate.promise : undefined }
        : {
          handler: async (connection) => {
            for await (const frame of connection) if (got.push(text(frame)) === 1) await gate.promise;
          },
        }),
    });
    const peer = await place.dial(server);
    for (const part of ["one", "two", "thr", "ee", "four"]) {
      peer.write(part);
      await place.pass(part === "thr" ? 5 : 100);
    }
    assert.deepEqual(got, ["one"]);
    gate.open();
    await place.settle();
    assert.deepEqual(got, ["one", "two", "three", "four"], kind);
    peer.end();
    await place.settle();
    await place.drive(server.close());
  }
});

test("time during which we do not read is no silence of the peer's (F-79)", async (t) => {
  const place = new Virtual(t, { bufferSize: 64 });
  const gate = new Gate();
  const got: string[] = [];
  const server = await place.serve<Uint8Array>({
    framing: gap,
    ingressLimit: 8,
    onFrame: (frame) => got.push(text(frame)) === 1 ? gate.promise : undefined,
  });
  const peer = await place.dial(server);
  for (const part of ["one", "22222222", "33333333", "4444"]) {
    peer.write(part);
    await place.pass(100);
  }
  const [connection] = server.connections.values();
  const read = connection!.stats().bytesReceived;
  assert.equal(read, 23, "reading has stopped behind these");
  await place.pass(1_000);
  peer.write("5555");
  await place.pass(1_000);
  assert.equal(connection!.stats().bytesReceived, read);
  gate.open();
  await place.settle();
  assert.deepEqual(got, ["one", "22222222", "33333333"]);
  await place.pass(surely);
  assert.deepEqual(got.slice(3), ["44445555"], "what waited unread is one frame");
  peer.end();
  await place.settle();
});

test("when reading goes on after a pause, the silence begins anew (F-79)", async (t) => {
  const place = new Virtual(t, { bufferSize: 64 });
  for (let offset = 0; offset < 30; offset += 3) {
    const gate = new Gate();
    const got: string[] = [];
    const server = await place.serve<Uint8Array>({
      framing: gap,
      ingressLimit: 8,
      onFrame: (frame) => got.push(text(frame)) === 1 ? gate.promise : undefined,
    });
    const peer = await place.dial(server);
    for (const part of ["one", "22222222", "33333333"]) {
      peer.write(part);
      await place.pass(100);
    }
    peer.write("4444");
    await place.pass(1_000 + offset);
    gate.open();
    await place.pass(12);
    peer.write("5555");
    await place.pass(surely);
    assert.deepEqual(got, ["one", "22222222", "33333333", "44445555"], `${offset} ms`);
    peer.end();
    await place.settle();
    await place.drive(server.close());
  }
});

test("a pause of ours in the middle of a frame does not end it (F-79)", async (t) => {
  const place = new Virtual(t);
  const { peer, got } = await gathering(place, silence({ gap: "15ms" }));
  const limited = await place.serve<Uint8Array>({
    framing: gap,
    rateLimit: { bytesPerSecond: 10, burstBytes: 10 },
    onFrame: (frame) => void got.push(text(frame)),
  });
  const slow = await place.dial(limited);
  slow.write("0123456789abcde");
  await place.settle();
  await place.pass(400);
  assert.deepEqual(got, [], "the rate limit has stopped reading");
  slow.write("fgh");
  await place.pass(2_000);
  assert.deepEqual(got, ["0123456789abcdefgh"]);
  for (const each of [peer, slow]) each.end();
  await place.settle();
});

test("another framing may come before and behind one that ends frames by silence, and a drain waits for its frame (F-79)", async (t) => {
  const place = new Virtual(t);
  const got: string[] = [];
  const server = await place.serve<Uint8Array>({
    framing: lines(),
    reframable: true,
    onFrame: (frame, connection) => {
      got.push(text(frame));
      if (got.length === 1) connection.reframe(gap);
      if (got.length === 3) connection.reframe(lines());
    },
  });
  const peer = await place.dial(server);
  peer.write("go\none");
  await place.pass(surely);
  peer.write("two");
  await place.pass(surely);
  peer.write("half ");
  await place.pass(1_000);
  const closing = server.close();
  await place.pass(100);
  peer.write("line\n");
  await place.pass(100);
  peer.end();
  await place.drive(closing);
  assert.deepEqual(got, ["go", "one", "two", "half line"]);
});

test("a silence that came before reframing means nothing to a framing that hears none (F-79)", async (t) => {
  const place = new Virtual(t);
  /** Goes on only where it has stopped. */
  const own: Framing<Uint8Array> = {
    name: "own",
    decoder: () => ({
      buffered: 0,
      waiting: 0,
      push: (chunk, next) => void (chunk.length > 0 && next(chunk)),
      resume: () => assert.fail("nothing waits"),
    }),
    encode: (frame, out) => out.bytes(frame),
  };
  const gate = new Gate();
  const got: string[] = [];
  const server = await place.serve<Uint8Array>({
    framing: gap,
    reframable: true,
    onFrame: async (frame, connection) => {
      if (got.push(text(frame)) > 1) return;
      await gate.promise;
      connection.reframe(own);
    },
  });
  const peer = await place.dial(server);
  for (const part of ["one", "two", "three"]) {
    peer.write(part);
    await place.pass(100);
  }
  gate.open();
  await place.settle();
  assert.deepEqual(got, ["one", "two", "three"]);
  peer.end();
  await place.settle();
});

test("a drain waits for the silence that ends the frame which has begun (F-79)", async (t) => {
  const place = new Virtual(t);
  const { server, peer, got } = await gathering(place);
  peer.write("abc");
  await place.settle();
  const closing = server.close();
  await place.pass(5);
  peer.write("def");
  await place.pass(surely);
  peer.end();
  await place.drive(closing);
  assert.deepEqual(got, ["abcdef"]);
});

const torn: readonly (readonly [string, Framing<Uint8Array>, whole: Uint8Array, half: Uint8Array])[] = [
  ["lines", lines(), bytes("whole\n"), bytes("ha")],
  ["a length", lengthField({ lengthBytes: 1, strip: 1 }), bytes("\x05whole"), bytes("\x04half".slice(0, 3))],
  ["fixed length", fixedLength({ frameBytes: 5 }), bytes("whole"), bytes("half")],
];
for (const [name, framing, whole, half] of torn) {
  test(`${name}: a silence inside a frame drops what has come of it, and the next byte begins a new one (F-79)`, async (t) => {
    const place = new Virtual(t);
    const { peer, got, faults } = await gathering(place, discardAfterSilence(framing, { gap: "50ms" }));
    peer.write(concatBytes([whole, half]));
    await place.pass(200);
    peer.write(concatBytes([whole, whole.subarray(0, 2)]));
    await place.pass(30);
    peer.write(whole.subarray(2));
    await place.pass(1_000);
    peer.write(whole);
    await place.settle();
    assert.deepEqual(got, ["whole", "whole", "whole", "whole"]);
    assert.deepEqual(faults, [`truncated ${whole.length} ${half.length}`]);
    peer.end();
    await place.settle();
    const { reason, frameErrors } = place.records[0]!;
    assert.deepEqual([reason, frameErrors], ["peer_closed", 1]);
  });
}

test("frames that end by silence are decoded further as others are (F-79)", async (t) => {
  const place = new Virtual(t);
  const upper = mapFraming(gap, {
    decode(frame) {
      if (frame.length < 3) throw new FrameError("malformed", "found less than 3 bytes", { offset: 0 });
      return bytes(text(frame).toUpperCase());
    },
    encode: (frame: Uint8Array) => frame,
    onFrameError: "skip",
  });
  const { peer, got, faults } = await gathering(place, upper);
  for (const part of ["abc", "x", "def"]) {
    peer.write(part);
    await place.pass(surely);
  }
  assert.deepEqual([got, faults], [["ABC", "DEF"], ["malformed 3 1"]]);
  peer.end();
  await place.settle();
});

test("S-3: a process that stands still in the middle of a frame does not cut it in two, on a real socket (F-79)", async (t) => {
  const place = await Real.at(t);
  const got: string[] = [];
  const arrived = new Gate();
  const all = new Gate();
  const server = await place.serve<Uint8Array>({
    framing: silence({ gap: "60ms" }),
    onFrame: (frame) => {
      got.push(text(frame));
      all.open();
    },
    onFirstByte: () => arrived.open(),
  });
  const peer = await place.dial(server);
  peer.write("the beginning ");
  await place.drive(arrived.promise);
  for (let round = 0; round < 3; round++) {
    // In the kernel before the process stands still for longer than the gap.
    peer.write("and more ");
    await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
    const until = performance.now() + 200;
    while (performance.now() < until);
    await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
  }
  peer.write("and the end");
  await place.drive(all.promise);
  assert.deepEqual(got, ["the beginning and more and more and more and the end"]);
});
