// Connections that are told to go: the last words, when each is told, and what is still answered.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lines } from "../../src/core/framing/lines.ts";
import { echo, rejection } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });

test("a drain says goodbye to each connection once, in a frame of its own, and a peer that ends then is not waited for (F-65)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({
    framing: utf8,
    goodbye: "BYE",
    goodbyeWait: "60 seconds",
    handler: echo,
  });
  const peers = await Promise.all(Array.from({ length: 5 }, () => place.dial(server)));
  for (const peer of peers) peer.write("hello\n");
  await Promise.all(peers.map((peer) => peer.got("hello\n")));
  const report = place.drive(server.close({ deadline: "50 seconds" }));
  await Promise.all(peers.map((peer) => peer.got("hello\nBYE\n")));
  for (const peer of peers) peer.end();
  const { drained, destroyed, durationMs } = await report;
  assert.deepEqual([drained, destroyed], [5, []]);
  assert.ok(durationMs < 50_000);
  for (const peer of peers) assert.equal(peer.text, "hello\nBYE\n");
  assert.deepEqual(new Set(place.records.map(({ reason }) => reason)), new Set(["drained"]));
});

test("what a peer sent before it has read the goodbye is answered; then reading stops between two frames (F-65)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: utf8,
    goodbye: (connection) => `bye ${connection.state}`,
    goodbyeWait: "2 seconds",
    handler: echo,
  });
  const peer = await place.dial(server);
  await place.settle();
  const report = server.close();
  await place.settle();
  assert.equal(peer.text, "bye draining\n");
  peer.write("sent meanwhile\nhal");
  await place.pass(1_000);
  assert.equal(peer.text, "bye draining\nsent meanwhile\n");
  await place.pass(1_500);
  assert.equal(peer.ended, false);
  peer.write("f\n").write("late\n");
  await place.settle();
  assert.equal(peer.text, "bye draining\nsent meanwhile\nhalf\n");
  assert.ok(peer.ended);
  peer.end();
  assert.equal((await place.drive(report)).drained, 1);
});

test("a goodbye comes behind the frames that were sent before it and never inside one, and replies that are owed follow it (F-65)", async (t) => {
  const place = new Virtual(t, { bufferSize: 1_000 });
  const server = await place.serve({
    framing: utf8,
    goodbye: "BYE",
    goodbyeWait: 0,
    handler: async (connection) => {
      for await (const line of connection) {
        await connection.send(line.repeat(1_000));
        await new Promise<void>((resolve) => connection.signal.addEventListener("abort", () => resolve()));
        await connection.send("owed");
      }
    },
  });
  const peer = await place.dial(server, "stalled");
  peer.write("word\n");
  await place.settle();
  const report = server.close();
  await place.settle();
  peer.onData = () => true;
  peer.transport.resume();
  await place.settle();
  const [first, ...rest] = peer.text.split("\n");
  assert.equal(first, "word".repeat(1_000));
  assert.deepEqual(rest, ["BYE", "owed", ""]);
  peer.end();
  await place.drive(report);
});

test("a goodbye that throws is counted and logged, and one that is undefined is none; the drain goes on (F-65)", async (t) => {
  const place = new Virtual(t);
  let calls = 0;
  const server = await place.serve({
    framing: utf8,
    goodbye: () => {
      if (++calls === 1) throw new Error("no words");
      return undefined;
    },
    handler: echo,
  });
  const peers = [await place.dial(server), await place.dial(server)];
  await place.settle();
  const report = server.close();
  await place.settle();
  for (const peer of peers) {
    assert.equal(peer.text, "");
    assert.ok(peer.ended);
    peer.end();
  }
  assert.equal((await place.drive(report)).drained, 2);
  assert.deepEqual([calls, server.stats().handlerErrors], [2, 1]);
});

test("a spread drain tells connections evenly over the time, and those that are not told yet are served (F-65)", async (t) => {
  const place = new Virtual(t);
  const told: number[] = [];
  const server = await place.serve({
    framing: utf8,
    goodbye: "BYE",
    goodbyeWait: 0,
    onDrain: () => void told.push(place.clock.now()),
    handler: echo,
  });
  const peers = await place.dialMany(server, 100);
  const begun = place.clock.now();
  const report = server.close({ deadline: "60 seconds", spread: "10 seconds" });
  await place.settle();
  assert.equal(told.length, 1);
  await place.pass(5_000);
  assert.ok(told.length >= 49 && told.length <= 52, `${told.length} told after half the time`);
  const last = peers.at(-1)!;
  last.write("still here\n");
  await place.settle();
  assert.equal(last.text, "still here\n");
  for (const peer of peers) if (peer.ended) peer.end();
  await place.pass(5_500);
  for (const peer of peers) {
    assert.ok(peer.ended && peer.text.endsWith("BYE\n"));
    peer.end();
  }
  const { drained, destroyed } = await place.drive(report);
  assert.deepEqual([drained, destroyed.length], [100, 0]);
  const gaps = told.slice(1).map((at, index) => at - told[index]!);
  assert.ok(Math.max(...gaps) <= 250 && told.at(-1)! - begun >= 9_500, gaps.join());
});

test("the spread takes no more than half of the deadline, and a drain is over when nobody is left (F-65)", async (t) => {
  const place = new Virtual(t);
  const told: number[] = [];
  const onDrain = () => void told.push(place.clock.now());
  const server = await place.serve({ framing: utf8, drainSpread: "1 hour", onDrain, handler: echo });
  const peers = await place.dialMany(server, 10);
  const report = server.close({ deadline: "10 seconds" });
  await place.pass(5_000);
  assert.equal(told.length, 10);
  for (const peer of peers) peer.end();
  const { drained, durationMs } = await place.drive(report);
  assert.equal(drained, 10);
  assert.ok(durationMs <= 5_100, `${durationMs} ms`);

  const early = await place.serve({ framing: utf8, drainSpread: "10 seconds", handler: echo });
  const going = await place.dialMany(early, 10);
  const over = early.close();
  await place.settle();
  for (const peer of going) peer.end();
  assert.equal((await place.drive(over)).durationMs < 1_000, true);
});

test("a spread that is no duration is rejected, and starts no shutdown (F-65)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, handler: echo });
  assert.match(String(await rejection(server.close({ spread: "soon" as never }))), /spread: found "soon"/);
  assert.equal(server.state, "running");
});

test("a connection that is as old as maxLifetime finishes what it has, says goodbye and ends between two frames (F-84)", async (t) => {
  const place = new Virtual(t);
  const aborted: string[] = [];
  const server = await place.serve({
    framing: utf8,
    idleTimeout: Infinity,
    maxLifetime: { after: "1 hour", jitter: 0 },
    goodbye: "BYE",
    goodbyeWait: "1 second",
    handler: async (connection) => {
      connection.signal.addEventListener("abort", () => void aborted.push(connection.id));
      for await (const line of connection) await connection.send(line);
      await connection.send("last");
    },
  });
  const peer = await place.dial(server);
  await place.pass(1_800_000);
  const younger = await place.dial(server);
  await place.pass(1_799_000);
  peer.write("one\ntw");
  await place.pass(2_500);
  assert.equal(peer.text, "one\nBYE\n");
  assert.equal(aborted.length, 1);
  peer.write("o\n");
  await place.pass(2_000);
  peer.write("three\n");
  await place.settle();
  assert.equal(peer.text, "one\nBYE\ntwo\nlast\n");
  assert.ok(peer.ended);
  peer.end();
  await place.settle();
  const [record] = place.records;
  assert.deepEqual([record!.reason, record!.endedBy, record!.endedWith], ["max_lifetime", "local", "fin"]);
  assert.equal(server.stats().closedByReason.max_lifetime, 1);
  younger.write("here\n");
  await place.settle();
  assert.equal(younger.text, "here\n");
  assert.equal(server.state, "running");
});

test("a handler that does not heed the end of its connection's life is cut off after the grace (F-84)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: utf8,
    maxLifetime: { after: 10_000, jitter: 0, grace: "5 seconds" },
    handler: () => new Promise<void>(() => {}),
  });
  const peer = await place.dial(server);
  await place.pass(14_000);
  assert.equal(peer.closed, false);
  await place.pass(3_000);
  assert.ok(peer.closed);
  const [record] = place.records;
  assert.deepEqual([record!.reason, record!.endedWith], ["max_lifetime", "rst"]);
  assert.match(record!.message ?? "", /its handler was not done 5000 ms after it was told/);
});

test("a client's connection, too, ends at its maxLifetime (F-84)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, handler: echo });
  const connection = await place.connect(server, {
    framing: utf8,
    maxLifetime: { after: 5_000, jitter: 0 },
    goodbye: "QUIT",
    goodbyeWait: 0,
  });
  const got: string[] = [];
  const reading = (async () => {
    for await (const line of connection) got.push(line);
  })();
  await place.pass(6_000);
  await place.drive(reading);
  assert.equal((await place.drive(connection.closed)).reason, "max_lifetime");
  assert.deepEqual(got, []);
});
