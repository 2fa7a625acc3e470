// One side has said its last: who still owes what.
import assert from "node:assert/strict";
import { test } from "node:test";
import { TimeoutError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { Gate, rejection } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });

test("S-11: after the peer's FIN a reply that is still owed is delivered, then FIN (F-47)", async (t) => {
  const place = await Real.at(t);
  const gate = new Gate();
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      for await (const line of connection) {
        await gate.promise;
        await connection.send(`re: ${line}`);
      }
      await connection.send("goodbye");
    },
  });
  const peer = await place.dial(server);
  peer.write("one\ntwo\n").end();
  gate.open();
  await peer.whenEnded();
  assert.equal(peer.text, "re: one\nre: two\ngoodbye\n");
  await peer.whenClosed();
  assert.equal(peer.error, undefined);
});

test("S-11: after the peer's FIN, what onFrame still works on is answered", async (t) => {
  const place = new Virtual(t);
  const gate = new Gate();
  const server = await place.serve({
    framing: utf8,
    onFrame: async (line, connection) => {
      await gate.promise;
      await connection.send(`re: ${line}`);
    },
  });
  const peer = await place.dial(server);
  peer.write("one\ntwo\n").end();
  await place.settle();
  assert.equal(peer.ended, false);
  gate.open();
  await place.settle();
  assert.equal(peer.text, "re: one\nre: two\n");
  assert.ok(peer.ended && peer.closed);
  assert.equal(place.records[0]!.reason, "peer_closed");
  assert.equal(place.records[0]!.framesUnhandled, 0);
});

test("S-11: a client whose server half-closes answers the frame that it is working on", async (t) => {
  const place = new Virtual(t);
  const answers: string[] = [];
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      await connection.send("question");
      connection.end();
      for await (const line of connection) answers.push(line);
    },
  });
  const client = await place.connect(server, { framing: utf8 });
  const asked: string[] = [];
  const loop = (async () => {
    for await (const line of client) {
      asked.push(line);
      await new Promise<void>((resolve) => void place.clock.setTimer(resolve, 5_000));
      await client.send("answer");
    }
  })();
  await place.pass(6_000);
  await place.drive(loop);
  assert.deepEqual(asked, ["question"]);
  assert.deepEqual(answers, ["answer"]);
  assert.equal((await place.drive(client.closed)).reason, "peer_closed");
});

test("S-11: a reply that takes longer than closeTimeout after the peer's FIN is given up, and the record says so", async (t) => {
  const place = new Virtual(t);
  const thrown: unknown[] = [];
  const server = await place.serve({
    framing: utf8,
    closeTimeout: "5 seconds",
    handler: async (connection) => {
      for await (const _ of connection) {
        await new Promise<void>((resolve) => void place.clock.setTimer(resolve, 60_000));
        thrown.push(await rejection(connection.send("too late")));
      }
    },
  });
  const peer = await place.dial(server);
  peer.write("ask\n").end();
  await place.pass(4_900);
  assert.equal(peer.closed, false);
  await place.pass(2_000);
  assert.ok(peer.closed);
  const [record] = place.records;
  assert.deepEqual([record!.reason, record!.endedWith], ["close_timeout", "rst"]);
  assert.ok(record!.error instanceof TimeoutError && record!.error.reason === "half_close");
  await place.pass(60_000);
  assert.equal(thrown[0], record!.error);
  assert.equal(server.stats().handlerErrors, 0);
});

test("end() half-closes: frames already sent leave first, frames still come, sending fails (F-47)", async (t) => {
  const place = await Real.at(t);
  const came: string[] = [];
  const failed = new Gate<unknown>();
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      void connection.send("last words");
      connection.end();
      connection.end();
      failed.open(await rejection(connection.send("too late")));
      for await (const line of connection) came.push(line);
    },
  });
  const peer = await place.dial(server);
  await peer.whenEnded();
  assert.equal(peer.text, "last words\n");
  assert.match(String(await failed.promise), /this side has ended/);
  peer.write("after your FIN\n").end();
  await peer.whenClosed();
  await place.gone(1);
  assert.deepEqual(came, ["after your FIN"]);
  assert.equal(place.records[0]!.reason, "peer_closed");
});

test("allowHalfOpen keeps onFrame's connection open for sending after the peer's FIN, until close() or closeTimeout", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: lines({ encoding: "utf-8", acceptUnterminated: true }),
    allowHalfOpen: true,
    onFrame: (line, connection) => void connection.send(`re: ${line}`),
  });
  const [one, two] = [await place.dial(server), await place.dial(server)];
  one.write("no newline").end();
  two.end();
  await place.settle();
  assert.equal(one.text, "re: no newline\n");
  const [first] = server.connections.values();
  await place.pass(20_000);
  void first!.send("still here");
  await place.settle();
  void first!.close("enough");
  await place.settle();
  assert.equal(one.text, "re: no newline\nstill here\n");
  assert.ok(one.closed);
  await place.pass(11_000);
  assert.ok(two.closed);
  assert.deepEqual(place.records.map(({ reason }) => reason), ["peer_closed", "close_timeout"]);
});

test("S-43: a peer that never sends FIN after ours is let go of after lingerTimeout, not reset, and what it sends is discarded", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      await connection.send("bye");
    },
  });
  const peer = await place.dial(server);
  await place.settle();
  assert.ok(peer.ended);
  peer.write("x\n".repeat(100_000));
  await place.pass(1_900);
  assert.equal(peer.taken, true);
  assert.equal(place.records.length, 0);
  await place.pass(200);
  const [record] = place.records;
  assert.deepEqual([record!.reason, record!.endedWith, record!.framesReceived], ["handler_done", "fin", 0]);
  assert.equal(peer.closed, false);
  assert.equal(peer.text, "bye\n");
  peer.write("anyone there?\n");
  await place.settle();
  assert.ok(peer.closed);
});
