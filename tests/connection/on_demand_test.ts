// What a peer sends stays bytes until somebody wants its frames, and costs no more than it is.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { FrameError } from "../../src/core/errors.ts";
import { delimited } from "../../src/core/framing/delimited.ts";
import { fixedLength } from "../../src/core/framing/fixed_length.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { bytes, Gate, rejection } from "../support/frames.ts";
import type { Peer } from "../support/peer.ts";
import { Real, Virtual } from "../support/server.ts";

const large = { bufferSize: 4 * 1024 * 1024 };
const utf8 = lines({ encoding: "utf-8" });

/** A framing of a user's own that cannot stop within a chunk. */
const everyByte: Framing<number> = {
  name: "every byte",
  decoder: () => ({ buffered: 0, push: (chunk, next) => chunk.forEach((byte) => next(byte)) }),
  encode: (frame, out) => out.byte(frame),
};

/** Each framing with 64 KiB of its smallest frames. */
const floods: readonly [name: string, framing: Framing<unknown, never>, chunk: Uint8Array, frames: number][] =
  [
    ["lines", lines(), new Uint8Array(65_536).fill(10), 65_536],
    ["lines of text", utf8, new Uint8Array(65_536).fill(10), 65_536],
    ["delimited", delimited({ delimiter: "ab" }), bytes("ab".repeat(32_768)), 32_768],
    ["delimited before", delimited({ position: "prefix" }), new Uint8Array(65_536).fill(10), 65_535],
    ["a length field", lengthField({ lengthBytes: 1 }), new Uint8Array(65_536), 65_536],
    ["fixed length", fixedLength({ frameBytes: 1 }), new Uint8Array(65_536), 65_536],
  ];

for (const [name, framing, chunk, frames] of floods) {
  test(`S-44: ${name}: a chunk of ${frames} frames is bytes until a loop asks, which then gets all of them`, async (t) => {
    const place = new Virtual(t, large);
    const gate = new Gate();
    let got = 0;
    const server = await place.serve({
      framing: framing as Framing<unknown>,
      handler: async (connection) => {
        await gate.promise;
        for await (const _ of connection) got++;
      },
    });
    const peer = await place.dial(server);
    peer.write(chunk);
    await place.settle();
    const [connection] = server.connections.values();
    const { inboxFrames, bytesReceived, framesReceived } = connection!.stats();
    assert.equal(bytesReceived, 65_536);
    assert.ok(inboxFrames > 0 && inboxFrames <= 2_048, `${inboxFrames} frames wait`);
    assert.equal(framesReceived, inboxFrames);
    gate.open();
    await place.settle();
    assert.equal(got, frames);
    peer.end();
    await place.settle();
  });
}

test("S-44: a framing that cannot stop within a chunk gets it in pieces, and no more than one ahead", async (t) => {
  const place = new Virtual(t, large);
  const gate = new Gate();
  const got: number[] = [];
  const server = await place.serve({
    framing: everyByte,
    handler: async (connection) => {
      await gate.promise;
      for await (const byte of connection) got.push(byte);
    },
  });
  const peer = await place.dial(server);
  const sent = Uint8Array.from({ length: 100_000 }, (_, at) => at & 255);
  peer.write(sent);
  await place.settle();
  const [connection] = server.connections.values();
  assert.ok(connection!.stats().inboxFrames <= 16 * 1024, `${connection!.stats().inboxFrames} frames wait`);
  gate.open();
  peer.end();
  await place.settle();
  assert.deepEqual(Uint8Array.from(got), sent);
});

test("S-44: a framing that cannot stop within a chunk gets no further one while its frames are not wanted", async (t) => {
  const place = new Virtual(t, large);
  const gate = new Gate();
  const got: number[] = [];
  const server = await place.serve({
    framing: everyByte,
    onFrame: (byte) => {
      got.push(byte);
      return got.length === 1 ? gate.promise : undefined;
    },
  });
  const peer = await place.dial(server);
  const sent = Uint8Array.from({ length: 10 * 8_000 }, (_, at) => at & 255);
  for (let at = 0; at < sent.length; at += 8_000) {
    peer.write(sent.slice(at, at + 8_000));
    await place.settle();
  }
  const [connection] = server.connections.values();
  assert.equal(connection!.stats().framesReceived, 8_000);
  assert.equal(connection!.stats().inboxFrames, 7_999);
  peer.end();
  gate.open();
  await place.settle();
  assert.deepEqual(Uint8Array.from(got), sent);
  assert.deepEqual([place.records[0]!.reason, place.records[0]!.framesUnhandled], ["peer_closed", 0]);
});

test("S-44: a promise from onFrame stops the cutting, and what is behind it comes in order", async (t) => {
  const place = new Virtual(t, large);
  const gate = new Gate();
  let got = 0;
  const server = await place.serve({
    framing: lines(),
    onFrame: () => ++got === 1 ? gate.promise : undefined,
  });
  const peer = await place.dial(server);
  peer.write(new Uint8Array(50_000).fill(10)).end();
  await place.settle();
  const [connection] = server.connections.values();
  assert.deepEqual([got, connection!.stats().framesReceived, connection!.stats().inboxFrames], [1, 1, 0]);
  gate.open();
  await place.settle();
  assert.equal(got, 50_000);
  assert.deepEqual([place.records[0]!.reason, place.records[0]!.framesUnhandled], ["peer_closed", 0]);
});

for (const kind of ["onFrame", "a loop"] as const) {
  test(`S-44: ${kind}: those who flood take turns, and whoever sends little has its own among theirs`, async (t) => {
    const place = new Virtual(t, large);
    let handled = 0;
    let waited: number | undefined;
    const take = (frame: Uint8Array, connection: Connection<Uint8Array>): void => {
      handled++;
      if (frame.length > 0) waited = handled;
      void connection;
    };
    const server = await place.serve<Uint8Array>({
      framing: lines(),
      ...(kind === "onFrame" ? { onFrame: take } : {
        handler: async (connection) => {
          for await (const frame of connection) take(frame, connection);
        },
      }),
    });
    const flooding = await place.dialMany(server, 20);
    const honest = await place.dial(server);
    for (const peer of flooding) peer.write(new Uint8Array(16 * 1024).fill(10));
    honest.write("ping\n");
    await place.settle();
    // Each of the twenty has one turn before it, and no more.
    assert.ok(waited !== undefined && waited <= 21 * 1_024 + 1, `${waited} frames came before it`);
    assert.equal(handled, 20 * 16 * 1024 + 1);
  });
}

test("S-44: on real sockets, an answer comes between the frames of peers that flood", async (t) => {
  const place = await Real.at(t);
  let handled = 0;
  const server = await place.serve({
    framing: lines(),
    onFrame: (frame, connection) => {
      handled++;
      if (frame.length > 0) return connection.send(bytes(String(handled)));
    },
  });
  const flooding = await Promise.all(Array.from({ length: 4 }, () => place.dial(server)));
  const honest = await place.dial(server);
  const all = 4 * 512 * 1024;
  for (const peer of flooding) peer.write(new Uint8Array(all / 4).fill(10));
  honest.write("ping\n");
  await honest.until(() => honest.text.endsWith("\n"), "an answer");
  assert.ok(Number(honest.text) < all / 2, `${honest.text.trim()} of ${all} frames came before it`);
  for (const peer of [...flooding, honest]) peer.end();
  await place.gone(5);
  assert.equal(handled, all + 1);
});

test("S-44: bad lines are diagnosed once, on the first 64 bytes, and logged once, with their number at the end", async (t) => {
  const place = new Virtual(t, large);
  let looks = 0;
  const told: FrameError[] = [];
  const inner = lines({ maxFrameBytes: 2, onFrameError: "skip" });
  const framing: Framing<Uint8Array> = {
    name: inner.name,
    decoder: (report) => inner.decoder(report),
    encode: (frame, out) => inner.encode(frame, out),
    get hint() {
      looks++;
      return inner.hint;
    },
  };
  const server = await place.serve({
    framing,
    onFrame: () => {},
    onFrameError: (error) => void told.push(error),
  });
  looks = 0;
  const peer = await place.dial(server);
  const bad = 147 * 1024 / 4;
  peer.write(bytes("bad\n".repeat(bad)));
  await place.settle();
  assert.equal(told.length, bad);
  assert.ok(looks <= 64, `${looks} looks at the framing's hint`);
  const warned = () => place.logs.filter(({ message }) => message === "frame error").length;
  assert.equal(warned(), 1);
  // A good frame ends no episode by itself: a peer that mixes them would write a log of its own.
  peer.write(bytes("ok\nbad\n".repeat(1_000)));
  await place.settle();
  assert.equal(warned(), 1);
  await place.pass(10_001);
  peer.write("ok\nbad\nbad\n");
  await place.settle();
  assert.equal(warned(), 2);
  peer.end();
  await place.settle();
  assert.equal(place.records[0]!.frameErrors, bad + 1_002);
  const closed = place.logs.find(({ message }) => message === "connection closed");
  assert.equal(closed!.fields.frameErrors, bad + 1_002);
  assert.equal(server.stats().frameErrors, bad + 1_002);
});

test("S-44: the diagnosis takes the stream's beginning, however it is cut up", async (t) => {
  const place = new Virtual(t);
  const told: (string | undefined)[] = [];
  const server = await place.serve({
    framing: lengthField({ lengthBytes: 4, maxFrameBytes: 1_000 }),
    onFrame: () => {},
    onFrameError: ({ looksLike }) => void told.push(looksLike),
  });
  for (const pieces of [["GET / HTTP/1.1\r\n\r\n"], ["G", "E", "T / HTTP/1.1\r\n"]]) {
    const peer = await place.dial(server);
    for (const piece of pieces) {
      peer.write(piece);
      await place.settle();
    }
    peer.end();
    await place.settle();
  }
  assert.equal(told[0], "an HTTP request");
});

/** A connection of which 5,000 frames came and 3 were taken, and its record after `act`. */
async function counted(
  t: TestContext,
  act: (connection: Connection<Uint8Array>, peer: Peer) => void,
) {
  const place = new Virtual(t, large);
  const gate = new Gate();
  let taken = 0;
  const rest: number[] = [];
  const server = await place.serve({
    framing: lines(),
    handler: async (connection) => {
      const frames = connection[Symbol.asyncIterator]();
      for (; taken < 3; taken++) await frames.next();
      await gate.promise;
      let left = 0;
      const error = await rejection((async () => {
        for (let next = await frames.next(); !next.done; next = await frames.next()) left++;
        throw undefined;
      })());
      rest.push(left);
      assert.ok(error === undefined || error instanceof Error);
    },
  });
  const peer = await place.dial(server);
  peer.write(new Uint8Array(5_000).fill(10));
  await place.settle();
  const [connection] = server.connections.values();
  act(connection!, peer);
  await place.settle();
  gate.open();
  await place.settle();
  return { record: place.records[0]!, rest };
}

test("S-44: every frame that came is in the record, as received and, if nobody took it, as unhandled (F-62)", async (t) => {
  const killed = await counted(t, (connection) => connection.destroy({}));
  assert.deepEqual([killed.record.reason, killed.record.framesReceived, killed.record.framesUnhandled], [
    "killed",
    5_000,
    4_997,
  ]);
  const closed = await counted(t, (connection, peer) => {
    void connection.close();
    peer.end();
  });
  assert.deepEqual([closed.record.reason, closed.record.framesReceived, closed.record.framesUnhandled], [
    "closed",
    5_000,
    4_997,
  ]);
  assert.deepEqual(closed.rest, [0]);
});

test("S-44: a connection that breaks gives a loop all frames that came before", async (t) => {
  const { record, rest } = await counted(t, (_connection, peer) => peer.abort());
  assert.equal(record.reason, "peer_reset");
  assert.deepEqual(rest, [4_997]);
  // More than 4,096 are not cut only to be counted while a loop may still ask for them.
  assert.ok(record.framesUnhandled >= 4_096 && record.framesUnhandled <= 4_997);
});

test("S-44: frames in the inbox when a connection breaks are unhandled, those that were taken are not (F-62)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: lines(),
    handler: async (connection) => {
      const frames = connection[Symbol.asyncIterator]();
      for (let taken = 0; taken < 3; taken++) await frames.next();
      await new Gate().promise;
    },
  });
  const peer = await place.dial(server);
  peer.write("1\n2\n3\n4\n5\n6\n7\nhalf");
  await place.settle();
  peer.abort();
  await place.settle();
  const { framesReceived, framesUnhandled, partialFrameBytes } = place.records[0]!;
  assert.deepEqual([framesReceived, framesUnhandled, partialFrameBytes], [7, 4, 4]);
});

test("S-44: frames that wait for their turn when the connection breaks are delivered before its end is told", async (t) => {
  const place = new Virtual(t, large);
  let got = 0;
  let last = -1;
  const server = await place.serve({
    framing: lines(),
    onFrame: () => void got++,
    onDisconnect: () => void (last = got),
  });
  const peer = await place.dial(server);
  // Both are on the wire before the first turn of the frames is over.
  peer.write(new Uint8Array(30_000).fill(10));
  peer.abort();
  await place.settle();
  assert.deepEqual([got, last], [30_000, 30_000]);
  assert.deepEqual([place.records[0]!.framesReceived, place.records[0]!.framesUnhandled], [30_000, 0]);
});

test("S-44: FIN inside a frame behind thousands that wait is still truncated, after all of them", async (t) => {
  const place = new Virtual(t, large);
  const gate = new Gate();
  let got = 0;
  let error: unknown;
  const server = await place.serve({
    framing: lines(),
    handler: async (connection) => {
      await gate.promise;
      error = await rejection((async () => {
        for await (const _ of connection) got++;
      })());
    },
  });
  const peer = await place.dial(server);
  peer.write(bytes("\n".repeat(20_000) + "half")).end();
  await place.settle();
  gate.open();
  await place.settle();
  assert.equal(got, 20_000);
  assert.ok(error instanceof FrameError && error.reason === "truncated" && error.offset === 20_000);
  assert.equal(place.records[0]!.reason, "frame_error");
});

test("S-44: draining stops behind all that came before, though most of it is bytes still (F-18)", async (t) => {
  const place = new Virtual(t, large);
  const gate = new Gate();
  let got = 0;
  const server = await place.serve({
    framing: lines(),
    handler: async (connection) => {
      await gate.promise;
      for await (const _ of connection) got++;
    },
  });
  const peer = await place.dial(server);
  for (let chunk = 0; chunk < 3; chunk++) peer.write(new Uint8Array(20_000).fill(10));
  await place.settle();
  const stopping = server.close({ deadline: "60 seconds" });
  await place.pass(1_000);
  peer.write("after\n");
  await place.settle();
  gate.open();
  await place.settle();
  peer.end();
  await place.settle();
  await place.drive(stopping);
  assert.equal(got, 60_000);
  assert.equal(place.records[0]!.reason, "drained");
});

test("S-44: what waited counts against ingressLimit only until it is taken (F-41)", async (t) => {
  const place = new Virtual(t, large);
  let asked = new Gate();
  let taken = 0;
  const server = await place.serve({
    framing: lines(),
    ingressLimit: 1_000,
    handler: async (connection) => {
      for await (const _ of connection) if (taken++ % 3 === 0) await asked.promise;
    },
  });
  const peer = await place.dial(server);
  const [connection] = server.connections.values();
  // Each time a frame waits a while, and then is taken; all of them together are many times the limit.
  for (let round = 1; round <= 50; round++) {
    asked = new Gate();
    peer.write("x".repeat(299) + "\n" + "x".repeat(199) + "\n");
    await place.settle();
    // What waits is half of the limit, so that this is read as well.
    peer.write("y\n");
    await place.settle();
    assert.equal(connection!.stats().bytesReceived, round * 502);
    assert.equal(connection!.stats().inboxFrames, 2);
    asked.open();
    await place.settle();
  }
  assert.equal(taken, 150);
});

test("S-44: tiny chunks that wait are bounded by their number too", async (t) => {
  const place = new Virtual(t, large);
  const gate = new Gate();
  let got = 0;
  const server = await place.serve({
    framing: lines(),
    handler: async (connection) => {
      await gate.promise;
      for await (const _ of connection) got++;
    },
  });
  const peer = await place.dial(server);
  for (let at = 0; at < 1_500; at++) {
    peer.write("\n");
    await place.clock.advanceAsync(0);
  }
  const [connection] = server.connections.values();
  assert.ok(
    connection!.stats().bytesReceived <= 1_100,
    `${connection!.stats().bytesReceived} chunks were read`,
  );
  gate.open();
  peer.end();
  await place.settle();
  assert.equal(got, 1_500);
});
