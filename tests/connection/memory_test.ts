// Whose memory a frame is: the sender's, from the moment that `send` has returned.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { delimited } from "../../src/core/framing/delimited.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { firstDifference } from "../contract/rig.ts";
import { type Place, Real, Virtual } from "../support/server.ts";

const kib = 1024;
const sizes = [
  1,
  63,
  4 * kib - 1,
  4 * kib,
  31 * kib,
  32 * kib,
  64 * kib,
  64 * kib + 1,
  129 * kib,
  1024 * kib,
];

/** A scratch buffer of the framing's own, used anew for every frame. */
function reusing(): Framing<Uint8Array> {
  const scratch = new Uint8Array(2 * 1024 * kib);
  return {
    ...raw(),
    encode(frame, out) {
      scratch.set(frame);
      out.bytes(scratch.subarray(0, frame.length));
    },
  };
}

const framings: Record<string, () => Framing<Uint8Array>> = {
  raw,
  lengthField: () => lengthField({ strip: 4, maxFrameBytes: 2 * 1024 * kib }),
  delimited: () => delimited({ delimiter: "\r\n", maxFrameBytes: 2 * 1024 * kib }),
  "one of the user's own, with a scratch buffer": reusing,
};

/** What these frames are on the wire. */
function encoded(framing: Framing<Uint8Array>, frames: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length + 16, 0));
  let at = 0;
  const out = {
    byte: (value: number) => void (whole[at++] = value),
    bytes: (source: Uint8Array) => {
      whole.set(source, at);
      at += source.length;
    },
    text: () => assert.fail("no text"),
  };
  for (const frame of frames) framing.encode(frame, out);
  return whole.subarray(0, at);
}

type Way = (connection: Connection<Uint8Array>, frame: Uint8Array) => unknown;

/** Sends frames of every size out of one buffer, which is filled with something else as soon as `send` has returned. */
async function reuse(
  place: Place,
  make: () => Framing<Uint8Array>,
  way: Way,
  stalled: boolean,
): Promise<void> {
  const framing = make();
  const server = await place.serve({ framing, egressLimit: 16 * 1024 * kib, onFrame: () => {} });
  const peer = await place.dial(server, stalled ? "stalled" : undefined);
  const [connection] = server.connections.values();
  const buffer = new Uint8Array(1024 * kib);
  const frames: Uint8Array[] = [];
  for (let round = 0; round < 3; round++) {
    for (const size of sizes) {
      const frame = buffer.subarray(0, size).fill(frames.length + 100);
      frames.push(frame.slice());
      void way(connection!, frame);
      buffer.fill(0xee);
    }
  }
  const expected = encoded(make(), frames);
  if (stalled) {
    peer.onData = () => true;
    peer.transport.resume();
  }
  await place.drive(peer.until(() => peer.bytes >= expected.length, "all frames"));
  assert.equal(firstDifference(peer.all, expected), -1);
}

for (const [name, framing] of Object.entries(framings)) {
  for (const stalled of [false, true]) {
    const reader = stalled ? "a peer that does not read at first" : "a peer that reads";
    test(`S-53: a buffer can be used again as soon as send has returned, at every size: ${name}, to ${reader}`, async (t) => {
      await reuse(await Real.at(t), framing, (connection, frame) => connection.send(frame), stalled);
    });
  }
}

test("S-53: so can one that was given to deliver, and in memory, where the kernel takes little", async (t) => {
  await reuse(await Real.at(t), raw, (connection, frame) => connection.deliver(frame), true);
  const little = new Virtual(t, { bufferSize: 10_000 });
  await reuse(little, framings["lengthField"]!, (connection, frame) => connection.deliver(frame), false);
});

test("S-53: a received frame that was sent back can be changed at once, though it is a view of the chunk it came in", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({
    framing: lengthField({ strip: 4, maxFrameBytes: 2 * 1024 * kib }),
    onFrame: (frame, connection) => {
      void connection.send(frame);
      frame.fill(0xee);
    },
  });
  const peer = await place.dial(server);
  const frames = sizes.map((size, at) => new Uint8Array(size).fill(at));
  const sent = encoded(lengthField({ strip: 4, maxFrameBytes: 2 * 1024 * kib }), frames);
  peer.write(sent);
  await peer.until(() => peer.bytes >= sent.length, "the echo");
  assert.equal(firstDifference(peer.all, sent), -1);
});

test("S-53: a buffer that was broadcast, or sent by id, can be used again at once", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ framing: raw(), egressLimit: 16 * 1024 * kib, onFrame: () => {} });
  const peers = [await place.dial(server, "stalled"), await place.dial(server)];
  const buffer = new Uint8Array(1024 * kib);
  const frames: Uint8Array[] = [];
  for (const [at, size] of sizes.entries()) {
    const frame = buffer.subarray(0, size);
    frames.push(frame.fill(2 * at).slice());
    void server.broadcast(frame);
    frames.push(frame.fill(2 * at + 1).slice());
    for (const id of server.connections.keys()) void server.deliver(id, frame);
    buffer.fill(0xee);
  }
  const wanted = encoded(raw(), frames);
  for (const peer of peers) {
    peer.onData = () => true;
    peer.transport.resume();
    await peer.until(() => peer.bytes >= wanted.length, "all frames");
    assert.equal(firstDifference(peer.all, wanted), -1);
  }
});

test("S-53: a keepalive's payload is copied, since its function may write the next one into it", async (t) => {
  const place = new Virtual(t, { bufferSize: 3_000 });
  const payload = new Uint8Array(8_000);
  let count = 0;
  const server = await place.serve({
    framing: raw(),
    keepalive: { interval: 1_000, payload: () => payload.fill(++count) },
    onFrame: () => {},
  });
  const peer = await place.dial(server, "stalled");
  await place.pass(1_500);
  payload.fill(0xee);
  peer.onData = () => true;
  peer.transport.resume();
  await place.settle();
  assert.deepEqual([peer.bytes, peer.all.every((byte) => byte === 1)], [8_000, true]);
});
