// What a record says of frames that did not get where they should, and of ends behind other ends (F-62).
import assert from "node:assert/strict";
import { test } from "node:test";
import { lines } from "../../src/core/framing/lines.ts";
import { bytes, Gate } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });

test("frames that wait for a handler at work when the peer breaks off are in the record as unhandled (F-62)", async (t) => {
  const place = new Virtual(t);
  const gate = new Gate();
  const server = await place.serve<string>({
    framing: utf8,
    handler: async (connection) => {
      for await (const _ of connection) await gate.promise;
    },
  });
  const peer = await place.dial(server);
  peer.write("one\ntwo\nthree\nfour\nfive\n");
  await place.settle();
  peer.abort();
  await place.settle();
  const [record] = place.records;
  assert.deepEqual([record!.reason, record!.framesReceived, record!.framesUnhandled], ["peer_reset", 5, 4]);
  gate.open();
});

test("frames that a policy dropped are in the record (F-62)", async (t) => {
  const place = new Virtual(t, { bufferSize: 10_000 });
  const server = await place.serve<Uint8Array>({
    framing: lines(),
    egressLimit: 20_000,
    egressPolicy: "drop-newest",
    handler: () => new Promise<void>(() => {}),
  });
  await place.dial(server, "stalled");
  const [connection] = server.connections.values();
  for (let frame = 0; frame < 100; frame++) connection!.send(bytes("x".repeat(999)));
  await place.settle();
  const { framesDropped } = connection!.stats();
  assert.ok(framesDropped > 0);
  connection!.destroy();
  await place.settle();
  assert.equal(place.records[0]!.framesDropped, framesDropped);
});

test("a peer that ends and then resets while it is served is in the record as reset (F-62)", async (t) => {
  const place = new Virtual(t);
  const gate = new Gate();
  const server = await place.serve<string>({ framing: utf8, handler: () => gate.promise });
  const peer = await place.dial(server);
  peer.write("one\n").end();
  await place.settle();
  peer.abort();
  await place.settle();
  assert.equal(place.records[0]!.reason, "peer_reset");
  gate.open();
});

test("a shutdown waits for a handler whose connection has gone (F-18)", async (t) => {
  const place = new Virtual(t);
  const gate = new Gate();
  const server = await place.serve<string>({ framing: utf8, handler: () => gate.promise });
  const peer = await place.dial(server);
  peer.abort();
  await place.settle();
  let over = false;
  const shutdown = server.close({ deadline: 10_000 }).then(() => over = true);
  await place.settle();
  assert.equal(over, false);
  gate.open();
  await place.drive(shutdown);
  assert.equal(over, true);
});

test("what is sent on a connection that has just been dropped fails at once, and none of it went out (F-67)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve<string>({ framing: utf8, handler: () => new Promise<void>(() => {}) });
  const peer = await place.dial(server);
  peer.start();
  await peer.until(() => server.connections.size === 1, "the connection");
  const [connection] = server.connections.values();
  connection!.destroy({});
  const { outboxBytes } = connection!.stats();
  const outcome = await connection!.deliver("too late");
  assert.ok(outcome.status === "failed" && outcome.kernel === "none");
  assert.equal(connection!.stats().outboxBytes, outboxBytes);
});
