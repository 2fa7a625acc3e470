// `connection.batches()`: the frames of the loop, in arrays.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { Inbox } from "../../src/core/flow/inbox.ts";
import { fixedLength } from "../../src/core/framing/fixed_length.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { bytes, Gate, rejection } from "../support/frames.ts";
import type { Peer } from "../support/peer.ts";
import { Real, Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });
const large = { bufferSize: 4 * 1024 * 1024 };

/** A framing of a user's own that cannot stop within a chunk. */
const everyByte: Framing<number> = {
  name: "every byte",
  decoder: () => ({ buffered: 0, push: (chunk, next) => chunk.forEach((byte) => next(byte)) }),
  encode: (frame, out) => out.byte(frame),
};

type Reading = (connection: Connection<unknown>, take: (frame: unknown) => void) => Promise<void>;

const singly: Reading = async (connection, take) => {
  for await (const frame of connection) take(frame);
};
const inBatches: Reading = async (connection, take) => {
  for await (const frames of connection.batches()) {
    assert.ok(frames.length > 0 && frames.length <= 1024, `${frames.length} frames in a batch`);
    for (const frame of frames) take(frame);
  }
};

/** What a way of reading is given, and how it ends, with what the record says. */
async function seen(
  t: TestContext,
  framing: Framing<unknown>,
  act: (peer: Peer, place: Virtual) => Promise<void>,
  reading: Reading,
  late: boolean,
): Promise<unknown[]> {
  const place = new Virtual(t, large);
  const gate = new Gate();
  const got: unknown[] = [];
  const server = await place.serve<unknown, unknown>({
    framing,
    idleTimeout: "10 seconds",
    handler: async (connection) => {
      if (late) await gate.promise;
      try {
        await reading(connection, (frame) => got.push(frame));
        got.push("the end");
      } catch (error) {
        got.push(String(error).replaceAll(connection.id, "ID"));
      }
    },
  });
  const peer = await place.dial(server);
  await act(peer, place);
  gate.open();
  await place.pass(20_000);
  peer.abort();
  await place.gone(1);
  const { reason, framesReceived, bytesReceived, framesUnhandled } = place.records[0]!;
  got.push({ reason, framesReceived, bytesReceived, framesUnhandled });
  return got;
}

const finished = (...chunks: Uint8Array[]) => async (peer: Peer, place: Virtual): Promise<void> => {
  for (const chunk of chunks) {
    peer.write(chunk);
    await place.settle();
  }
  peer.end();
  await place.settle();
};
const tooLong = lines({ encoding: "utf-8", maxFrameBytes: 5 });

const cases: readonly [
  name: string,
  framing: Framing<unknown, never>,
  act: (peer: Peer, place: Virtual) => Promise<void>,
][] = [
  ["lines in several chunks", utf8, finished(bytes("one\ntwo\nth"), bytes("ree\n"), bytes("four\n"))],
  ["a chunk of 65,536 lines", lines(), finished(new Uint8Array(65_536).fill(10))],
  ["lengths", lengthField({ lengthBytes: 1 }), finished(bytes("\u0003one\u0003two\u0001"), bytes("xx"))],
  ["records", fixedLength({ frameBytes: 3 }), finished(bytes("onetwothr"), bytes("eefou"))],
  ["chunks as they come", raw(), finished(bytes("one"), bytes("two"))],
  ["a framing of one's own", everyByte, finished(new Uint8Array(40_000).fill(7))],
  [
    "the last line without its end",
    lines({ encoding: "utf-8", acceptUnterminated: true }),
    finished(bytes("a\nb")),
  ],
  ["a line cut short", utf8, finished(bytes("one\ntwo"))],
  ["a line too long", tooLong, finished(bytes("one\ntwo\nfar too long\nfour\n"))],
  ["a line too long by itself", tooLong, finished(bytes("one\n"), bytes("far too long\n"))],
  [
    "a line skipped",
    lines({ maxFrameBytes: 5, onFrameError: "skip" }),
    finished(bytes("a\nfar too long\nb\n")),
  ],
  ["nothing at all", utf8, finished()],
  ["a peer that falls silent", utf8, async (peer, place) => {
    peer.write("one\ntwo\n");
    await place.pass(20_000);
  }],
  ["a peer that resets", utf8, async (peer, place) => {
    peer.write("one\ntwo\n");
    await place.settle();
    peer.abort();
    await place.settle();
  }],
];

for (const [name, framing, act] of cases) {
  for (const late of [false, true]) {
    test(`batches bring what the loop brings, in its order and to its end: ${name}${late ? ", asked late" : ""}`, async (t) => {
      const given = framing as Framing<unknown>;
      const expected = await seen(t, given, act, singly, late);
      assert.deepEqual(await seen(t, given, act, inBatches, late), expected);
    });
  }
}

test("a batch is what one chunk held, for a reader that waits, and all that is there for one that comes later", async (t) => {
  const place = new Virtual(t);
  const gate = new Gate();
  const batches: string[][] = [];
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      for await (const batch of connection.batches()) {
        batches.push(batch);
        if (batches.length === 2) await gate.promise;
      }
    },
  });
  const peer = await place.dial(server);
  for (const chunk of ["one\ntwo\nth", "ree\n", "four\n", "five\nsix\n"]) {
    peer.write(chunk);
    await place.settle();
  }
  gate.open();
  await place.settle();
  assert.deepEqual(batches, [["one", "two"], ["three"], ["four", "five", "six"]]);
});

test("while a batch is at work reading stops at ingressLimit, and goes on when the next one but those that wait is asked for", async (t) => {
  const place = new Virtual(t, { bufferSize: 1024 });
  const [first, second] = [new Gate(), new Gate()];
  const gates = [first, second];
  let got = 0;
  const server = await place.serve({
    framing: utf8,
    ingressLimit: 1024,
    handler: async (connection) => {
      for await (const batch of connection.batches()) {
        got += batch.length;
        await gates.shift()?.promise;
      }
    },
  });
  const peer = await place.dial(server);
  for (let sent = 0; sent < 64; sent++) peer.write("x".repeat(1023) + "\n");
  await place.settle();
  const [connection] = server.connections.values();
  const stopped = connection!.stats().bytesReceived;
  assert.ok(stopped < 8 * 1024, `${stopped} bytes were read`);
  first.open();
  await place.settle();
  const next = connection!.stats().bytesReceived;
  assert.ok(next < 16 * 1024, `${next} bytes were read`);
  second.open();
  await place.settle();
  peer.end();
  await place.settle();
  assert.equal(got, 64);
});

test("breaking out of batches leaves the connection open and what is in no batch in place", async (t) => {
  const place = new Virtual(t);
  const got: string[] = [];
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      const batches = connection.batches();
      for await (const batch of batches) {
        got.push(batch.join("+"));
        break;
      }
      await connection.send("go on");
      for await (const line of connection) {
        got.push(line);
        break;
      }
      for await (const batch of batches) got.push(batch.join("+"));
    },
  });
  const peer = await place.dial(server);
  peer.write("one\ntwo\n");
  await place.settle();
  peer.write("three\nfour\nfive\n");
  await place.settle();
  peer.end();
  await place.settle();
  assert.deepEqual(got, ["one+two", "three", "four+five"]);
});

test("a loop beside batches is refused, and an iterator that was left takes nothing", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, handler: () => {} });
  const peer = await place.dial(server);
  await place.settle();
  const [connection] = server.connections.values();
  const batches = connection!.batches()[Symbol.asyncIterator]();
  const left = batches.next();
  const singly = connection![Symbol.asyncIterator]();
  assert.match(String(await rejection(singly.next())), /use one reader at a time/);
  await batches.return!();
  assert.deepEqual(await left, { value: undefined, done: true });
  const next = singly.next();
  peer.write("one\ntwo\n");
  assert.deepEqual(await place.drive(next), { value: "one", done: false });
  assert.deepEqual(await batches.next(), { value: undefined, done: true });
  assert.deepEqual(await singly.next(), { value: "two", done: false });
});

test("a waiting reader gets what came before the end, and then hears of it", async () => {
  const inbox = new Inbox<string>();
  const first = inbox.nextMany();
  inbox.push("one");
  inbox.push("two");
  inbox.end(new Error("over"));
  assert.deepEqual(await first, { value: ["one", "two"], done: false });
  assert.equal(inbox.told, false);
  assert.equal(String(await rejection(inbox.nextMany())), "Error: over");
  assert.equal(inbox.told, true);
  assert.deepEqual(await inbox.nextMany(), { value: undefined, done: true });
});

test("what was sent while a batch was at work leaves when the next is awaited", async (t) => {
  const place = await Real.at(t);
  const sizes: number[] = [];
  const server = await place.serve({
    framing: lines(),
    handler: async (connection) => {
      for await (const frames of connection.batches()) {
        sizes.push(frames.length);
        for (const frame of frames) await connection.send(frame);
      }
    },
  });
  const peer = await place.dial(server);
  const sent = Array.from({ length: 5_000 }, (_, line) => `line ${line}\n`).join("");
  for (const piece of [sent.slice(0, 20_003), sent.slice(20_003)]) {
    peer.write(piece);
    await peer.until(() => peer.text.length >= piece.lastIndexOf("\n"), "answers");
  }
  await peer.got(sent);
  assert.equal(sizes.reduce((sum, size) => sum + size), 5_000);
  assert.ok(sizes.length < 2_500, `${sizes.length} batches for 5,000 frames`);
});
