// Frames that a server receives: however the bytes come, and whatever is wrong with them.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { FrameError } from "../../src/core/errors.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { Gate, text } from "../support/frames.ts";
import { Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });

/** A server that notes frames, errors and how its loop ended. */
async function noting(
  t: TestContext,
  framing = lengthField({ lengthBytes: 4, strip: 4, maxFrameBytes: 100 }),
) {
  const place = new Virtual(t);
  const frames: string[] = [];
  const errors: FrameError[] = [];
  const thrown: unknown[] = [];
  const server = await place.serve({
    framing,
    onFrameError: (error) => void errors.push(error),
    handler: async (connection) => {
      try {
        for await (const frame of connection) {
          frames.push(text(frame));
          await connection.send(frame);
        }
      } catch (error) {
        thrown.push(error);
        throw error;
      }
    },
  });
  return { place, server, frames, errors, thrown };
}

function framed(...bodies: string[]): Uint8Array {
  const parts = bodies.flatMap((body) => [0, 0, 0, body.length, ...new TextEncoder().encode(body)]);
  return new Uint8Array(parts);
}

test("S-3: a stream delivered byte by byte gives the frames of one delivered at once", async (t) => {
  const { place, server, frames } = await noting(t);
  const peer = await place.dial(server);
  const stream = framed("one", "", "three", "x".repeat(96));
  for (const byte of stream) {
    peer.write(new Uint8Array([byte]));
    await place.clock.advanceAsync(0);
  }
  await place.settle();
  assert.deepEqual(frames, ["one", "", "three", "x".repeat(96)]);
  assert.deepEqual(peer.all, stream);
});

test("S-4: a thousand frames in one chunk are delivered in order, and reading stops while the handler is slow", async (t) => {
  const place = new Virtual(t);
  const gate = new Gate();
  const frames: string[] = [];
  const server = await place.serve({
    framing: utf8,
    ingressLimit: 4_000,
    handler: async (connection) => {
      for await (const frame of connection) {
        if (frames.push(frame) === 1) await gate.promise;
      }
    },
  });
  const peer = await place.dial(server);
  const all = Array.from({ length: 1000 }, (_, at) => `frame ${at}`);
  peer.write(all.join("\n") + "\n");
  await place.settle();
  const [connection] = server.connections.values();
  assert.equal(connection!.stats().inboxFrames, 999);
  // One chunk more may be read before the limit is seen to be passed, and then not one byte.
  peer.write("late\n".repeat(50_000));
  await place.settle();
  const { bytesReceived } = connection!.stats();
  assert.ok(bytesReceived < 10_000 + 65_536, `${bytesReceived} bytes were read`);
  assert.equal(peer.taken, false);
  gate.open();
  await place.settle();
  assert.deepEqual(frames.slice(0, 1001), [...all, "late"]);
  assert.equal(frames.length, 51_000);
  assert.equal(peer.taken, true);
});

test("S-5: a frame split at every offset arrives whole", async (t) => {
  const { place, server, frames } = await noting(t);
  const stream = framed("the whole frame");
  for (let at = 1; at < stream.length; at++) {
    const peer = await place.dial(server);
    peer.write(stream.slice(0, at));
    await place.settle();
    peer.write(stream.slice(at)).end();
    await place.settle();
    assert.equal(frames.pop(), "the whole frame", `split at ${at}`);
    assert.equal(frames.length, 0);
    assert.deepEqual(peer.all, stream);
  }
  assert.equal(server.stats().frameErrors, 0);
});

test("S-6: an oversized length is refused by its header alone: its connection ends, earlier frames arrived, others go on", async (t) => {
  const { place, server, frames, errors, thrown } = await noting(t);
  const [bad, good] = [await place.dial(server), await place.dial(server)];
  // 4 GiB - 1, and no byte of it.
  bad.write(new Uint8Array([...framed("before"), 255, 255, 255, 255]));
  await place.settle();
  const [error] = errors;
  assert.ok(error instanceof FrameError && thrown[0] === error);
  assert.deepEqual([error.reason, error.offset, error.limit, error.size], [
    "too_large",
    10,
    100,
    2 ** 32 + 3,
  ]);
  assert.deepEqual(frames, ["before"]);
  assert.deepEqual(bad.all, framed("before"));
  assert.ok(bad.ended);
  bad.end();
  good.write(framed("still here"));
  await place.settle();
  assert.equal(frames[1], "still here");
  const [record] = place.records;
  assert.deepEqual(
    [record!.reason, record!.endedBy, record!.endedWith, record!.error, record!.connectionId],
    ["frame_error", "peer", "fin", error, error.connectionId],
  );
  assert.equal(server.stats().frameErrors, 1);
  assert.equal(server.stats().handlerErrors, 0);
});

test("S-7: with a framing that skips, an oversized frame is one error, and the next frame is delivered", async (t) => {
  const framing = lengthField({ lengthBytes: 4, strip: 4, maxFrameBytes: 100, onFrameError: "skip" });
  const { place, server, frames, errors } = await noting(t, framing);
  const peer = await place.dial(server);
  peer.write(new Uint8Array([0, 0, 3, 232, ...new Uint8Array(600)]));
  await place.settle();
  peer.write(new Uint8Array([...new Uint8Array(400), ...framed("next")]));
  await place.settle();
  assert.deepEqual(errors.map(({ reason }) => reason), ["too_large"]);
  assert.equal(errors[0]!.connectionId, [...server.connections.keys()][0]);
  assert.deepEqual(frames, ["next"]);
  assert.equal(server.stats().connectionsActive, 1);
});

test("S-8: a length shorter than its own header, or past all bounds, ends the connection at once and never loops", async (t) => {
  const own = { lengthBytes: 4, lengthIncludesHeader: true } as const;
  const rows: readonly [string, Parameters<typeof lengthField>[0], number[], string][] = [
    ["length 0 that includes the header", own, [0, 0, 0, 0], "malformed"],
    ["length 3 that includes a header of 4", own, [0, 0, 0, 3], "malformed"],
    ["adjustment below zero", { lengthBytes: 1, adjustment: -2 }, [1], "malformed"],
    ["2^63", { lengthBytes: 8 }, [128, 0, 0, 0, 0, 0, 0, 0], "malformed"],
  ];
  for (const [name, options, stream, reason] of rows) {
    await t.test(name, async (t) => {
      const { place, server, errors } = await noting(t, lengthField(options));
      const peer = await place.dial(server);
      peer.write(new Uint8Array([...stream, ...stream, ...stream]));
      await place.settle();
      assert.deepEqual(errors.map((error) => error.reason), [reason]);
      assert.ok(peer.ended);
      assert.deepEqual(place.records.length, 0);
      peer.end();
      await place.settle();
      assert.equal(place.records[0]!.reason, "frame_error");
    });
  }
});

test("S-9: FIN in the middle of a frame is a truncated frame, with byte counts, and no clean end", async (t) => {
  const { place, server, frames, errors, thrown } = await noting(t);
  const peer = await place.dial(server);
  peer.write(new Uint8Array([...framed("whole"), 0, 0, 0, 9, 1, 2, 3])).end();
  await place.settle();
  assert.deepEqual(frames, ["whole"]);
  assert.equal(errors[0]?.reason, "truncated");
  assert.equal(errors[0]?.offset, 9);
  assert.equal(thrown[0], errors[0]);
  const [record] = place.records;
  assert.deepEqual(
    [record!.reason, record!.partialFrameBytes, record!.framesReceived, record!.bytesReceived],
    ["frame_error", 7, 1, 16],
  );
});
