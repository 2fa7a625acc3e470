// Limits in the path of the data: rates, keepalives and frames that find no room.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { bytes, Gate } from "../support/frames.ts";
import { Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });

test("rateLimit holds for frames on a connection: reading stops, nothing is lost, and a second brings a second's worth (F-14)", async (t) => {
  const place = new Virtual(t);
  let got = 0;
  const server = await place.serve<string>({
    framing: utf8,
    rateLimit: { framesPerSecond: 10 },
    onFrame: () => void got++,
  });
  const peer = await place.dial(server);
  for (let line = 0; line < 40; line++) {
    peer.write("x\n");
    await place.settle();
  }
  // One chunk is never cut short, so that the limit may be passed by one.
  assert.ok(got >= 10 && got <= 12, `${got} at once`);
  const before = got;
  await place.pass(1_000);
  assert.ok(got >= before + 8 && got <= before + 30, `${got - before} in a second`);
  await place.pass(10_000);
  assert.equal(got, 40);
});

test("rateLimit holds for bytes that come while frames wait for a handler (F-14)", async (t) => {
  const place = new Virtual(t);
  const gate = new Gate();
  const server = await place.serve<string>({
    framing: utf8,
    rateLimit: { bytesPerSecond: 4_000 },
    ingressLimit: 10_000_000,
    handler: async (connection) => {
      for await (const _ of connection) await gate.promise;
    },
  });
  const peer = await place.dial(server);
  const [connection] = server.connections.values();
  // More frames than are cut ahead of a loop.
  peer.write("\n".repeat(3_000));
  await place.settle();
  for (let chunk = 0; chunk < 20; chunk++) {
    peer.write(`${"x".repeat(999)}\n`);
    await place.settle();
  }
  const { bytesReceived } = connection!.stats();
  assert.ok(bytesReceived < 6_000, `${bytesReceived} bytes were read at once`);
  gate.open();
  await place.pass(10_000);
  assert.equal(connection!.stats().bytesReceived, 23_000);
});

test("keepalives do not pile up behind a peer that does not read (F-13)", async (t) => {
  const place = new Virtual(t, { bufferSize: 10_000 });
  const server = await place.serve<Uint8Array>({
    framing: lines(),
    idleTimeout: Infinity,
    keepalive: { interval: 1_000, payload: bytes("still here\n") },
    handler: () => new Promise<void>(() => {}),
  });
  await place.dial(server, "stalled");
  const [connection] = server.connections.values();
  void connection!.deliver(bytes("x".repeat(50_000)));
  await place.settle();
  const { outboxBytes } = connection!.stats();
  assert.ok(outboxBytes > 0);
  await place.pass(120_000);
  assert.equal(connection!.stats().outboxBytes, outboxBytes);
  connection!.destroy();
});

test("one frame over egressLimit is sent where nothing else waits, whatever the policy (F-42)", async (t) => {
  for (const egressPolicy of ["wait", "drop-newest", "drop-oldest", "close"] as const) {
    const place = new Virtual(t);
    const server = await place.serve<Uint8Array>({
      framing: lines(),
      egressLimit: 1_000,
      egressPolicy,
      handler: async (connection) => void await connection.send(bytes("x".repeat(5_000))),
    });
    const peer = await place.dial(server);
    await place.settle();
    assert.equal(peer.bytes, 5_001, egressPolicy);
  }
});

test("a silent peer is no reason to cut off what a closing connection still delivers (F-12, F-18)", async (t) => {
  const place = new Virtual(t, { bufferSize: 10_000 });
  const server = await place.serve<Uint8Array>({
    framing: lines(),
    readIdleTimeout: 2_000,
    closeTimeout: 30_000,
    egressLimit: 1_000_000,
    handler: (connection: Connection<Uint8Array>) => {
      void connection.deliver(bytes("x".repeat(100_000)));
      return Promise.resolve();
    },
  });
  const peer = await place.dial(server, "stalled");
  await place.pass(5_000);
  peer.onData = () => true;
  peer.transport.resume();
  await place.settle();
  assert.equal(peer.bytes, 100_001);
  peer.end();
  await place.settle();
  assert.deepEqual([place.records[0]!.reason, place.records[0]!.endedWith], ["handler_done", "fin"]);
});
