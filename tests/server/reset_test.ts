// Peers that break off.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameError, SocketError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { SendOutcome } from "../../src/core/flow/outcome.ts";
import { bytes, echo, rejection } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

test("S-10: a reset in the middle of a frame is a truncated frame, and the record says who reset", async (t) => {
  const place = new Virtual(t);
  const thrown: unknown[] = [];
  const heard: unknown[] = [];
  const server = await place.serve({
    framing: lines(),
    onFrameError: (error) => void heard.push(error),
    onError: (error) => void heard.push(error),
    handler: (connection) =>
      echo(connection).catch((error) => {
        thrown.push(error);
        throw error;
      }),
  });
  const peer = await place.dial(server);
  peer.write("whole\nhalf");
  await place.settle();
  peer.abort();
  await place.settle();
  const [error] = thrown;
  assert.ok(error instanceof FrameError && error.cause instanceof SocketError);
  assert.deepEqual([error.reason, error.offset, error.cause.reason], ["truncated", 6, "reset"]);
  assert.deepEqual(heard, [error, error.cause]);
  assert.equal(place.records.length, 1);
  const [record] = place.records;
  assert.deepEqual(
    [record!.reason, record!.endedBy, record!.endedWith, record!.partialFrameBytes, record!.error],
    ["peer_reset", "peer", "rst", 4, error.cause],
  );
  assert.equal(server.stats().handlerErrors, 0);
  assert.equal(server.stats().frameErrors, 1);
});

test("S-10: a reset between frames ends the loop with a SocketError, once", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines(), handler: echo });
  const client = await place.connect(server, { framing: lines() });
  await place.settle();
  [...server.connections.values()][0]!.destroy();
  const error = await place.drive(rejection((async () => {
    for await (const _ of client);
  })()));
  assert.ok(error instanceof SocketError && error.reason === "reset" && error.connectionId === client.id);
  assert.deepEqual(await client[Symbol.asyncIterator]().next(), { value: undefined, done: true });
  const record = await client.closed;
  assert.deepEqual([record.reason, record.endedBy], ["peer_reset", "peer"]);
});

test("S-10: after a reset in the middle of a write every pending send has failed once, and none is rejected unheard", async (t) => {
  const place = new Virtual(t);
  const outcomes: SendOutcome[] = [];
  const rejected: unknown[] = [];
  const server = await place.serve({
    framing: lines(),
    egressLimit: 200_000,
    handler: async (connection) => {
      const frame = new Uint8Array(50_000).fill(97);
      for (let sent = 0; sent < 4; sent++) {
        void connection.deliver(frame).then((outcome) => outcomes.push(outcome));
      }
      void connection.send(frame);
      rejected.push(await rejection(connection.flush()));
      rejected.push(await rejection(connection.send(frame)));
      void connection.send(frame);
    },
  });
  const peer = await place.dial(server, "stalled");
  await place.settle();
  const [connection] = server.connections.values();
  const { bytesSent, outboxBytes } = connection!.stats();
  peer.abort();
  await place.settle();
  assert.equal(outcomes.length, 4);
  assert.ok(outcomes.every(({ status }) => status === "failed" || status === "sent"));
  const kernels = outcomes.map((outcome) => outcome.status === "failed" ? outcome.kernel : outcome.status);
  assert.ok(kernels.includes("unknown"), kernels.join());
  assert.ok(rejected.every((error) => error instanceof SocketError && error.reason === "reset"));
  const [record] = place.records;
  assert.equal(record!.bytesSent, bytesSent);
  assert.equal(record!.bytesUnsent, outboxBytes);
  assert.equal(record!.framesSent + record!.framesUnsent, 5);
});

test("S-10: a kernel that reports a broken pipe on writing closes the connection once", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({
    framing: lines(),
    handler: async (connection) => {
      for (;;) await connection.send(bytes("x".repeat(10_000)));
    },
  });
  const peer = await place.dial(server);
  await peer.until(() => peer.bytes > 100_000, "some data");
  peer.abort();
  await place.gone(1);
  const [record] = place.records;
  assert.equal(record!.reason, "peer_reset");
  assert.ok(record!.error instanceof SocketError);
  assert.equal(server.stats().handlerErrors, 0);
});

test("S-20: clients that connect and break off at once are counted, and the server goes on", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ framing: lines(), handler: echo });
  for (let round = 0; round < 5; round++) {
    const peers = await Promise.all(Array.from({ length: 10 }, () => place.dial(server)));
    for (const peer of peers) peer.abort();
  }
  const last = await place.dial(server);
  last.write("still here\n");
  await last.got("still here\n");
  await place.gone(server.stats().connectionsAccepted - 1);
  const { connectionsAccepted, connectionsClosed, connectionsActive } = server.stats();
  assert.ok(connectionsAccepted > 1 && connectionsAccepted <= 51);
  assert.deepEqual([connectionsClosed, connectionsActive], [connectionsAccepted - 1, 1]);
});

test("S-20: a client that gives up connecting leaves nothing behind", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines(), handler: echo });
  const abort = new AbortController();
  const attempt = place.connect(server, { framing: lines(), signal: abort.signal });
  abort.abort();
  const error = await rejection(attempt);
  assert.ok(error instanceof SocketError && error.reason === "aborted");
  await place.settle();
  assert.equal(server.stats().connectionsActive, 0);
});
