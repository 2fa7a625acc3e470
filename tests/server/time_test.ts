// Clocks of a server's connections, on a clock that the test moves.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { IdleTimeoutError, TimeoutError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { UncheckedServeOptions } from "../../src/server/server_options.ts";
import { bytes, echo } from "../support/frames.ts";
import { Virtual } from "../support/server.ts";

async function watched(t: TestContext, options: Partial<UncheckedServeOptions<Uint8Array>>) {
  const place = new Virtual(t);
  const thrown: unknown[] = [];
  const server = await place.serve({
    framing: lines(),
    handler: (connection) =>
      echo(connection).catch((error) => {
        thrown.push(error);
        throw error;
      }),
    ...(options as object),
  });
  const peer = await place.dial(server);
  return { place, server, peer, thrown };
}

test("S-1: a peer that connects and sends nothing is closed after five minutes, once, and its slot is free (F-12)", async (t) => {
  const { place, server, peer, thrown } = await watched(t, {});
  await place.pass(299_999);
  assert.equal(server.stats().connectionsActive, 1);
  await place.pass(1_000);
  assert.ok(peer.ended);
  const [error] = thrown;
  assert.ok(error instanceof IdleTimeoutError);
  assert.deepEqual([error.reason, error.limit], ["idle", 300_000]);
  peer.end();
  await place.pass(60_000);
  assert.equal(place.records.length, 1);
  const [record] = place.records;
  assert.deepEqual([record!.reason, record!.endedBy, record!.error], ["idle_timeout", "local", error]);
  assert.equal(server.stats().connectionsActive, 0);
  assert.equal(server.stats().idleCloses, 1);
  assert.equal(server.stats().handlerErrors, 0);
});

test("S-1: the first frame has a clock of its own, which bytes without end do not stop (F-15)", async (t) => {
  const { place, peer } = await watched(t, { firstFrameTimeout: "5 seconds" });
  for (let second = 0; second < 8; second++) {
    peer.write("x");
    await place.pass(1_000);
  }
  assert.ok(peer.ended);
  peer.end();
  await place.settle();
  const [record] = place.records;
  assert.deepEqual([record!.reason, record!.partialFrameBytes > 4], ["first_frame_timeout", true]);
});

test("S-2: one byte a second inside a frame is ended by the frame timeout, with an error of its own (F-15)", async (t) => {
  const { place, peer, thrown } = await watched(t, { idleTimeout: "10 seconds", frameTimeout: "20 seconds" });
  peer.write("whole\n");
  await place.settle();
  for (let second = 0; second < 30 && !peer.ended; second++) {
    peer.write("x");
    await place.pass(1_000);
  }
  assert.ok(thrown[0] instanceof TimeoutError && !(thrown[0] instanceof IdleTimeoutError));
  assert.equal(thrown[0].reason, "frame");
  assert.equal(peer.text, "whole\n");
  peer.end();
  await place.settle();
  assert.equal(place.records[0]!.reason, "frame_timeout");
});

test("S-32: after thirty seconds in which the process stood still nobody is closed, and the stall is counted (F-68)", async (t) => {
  const { place, server, peer } = await watched(t, { idleTimeout: "10 seconds" });
  await place.pass(5_000);
  place.clock.stall(30_000);
  await place.pass(1_000);
  assert.equal(server.stats().connectionsActive, 1);
  assert.ok(server.stats().stalls >= 1);
  peer.write("alive\n");
  await place.pass(9_000);
  assert.equal(peer.text, "alive\n");
  assert.equal(peer.ended, false);
});

test("S-32: an hour's jump of the wall clock, forward or back, closes nobody", async (t) => {
  const { place, server } = await watched(t, { idleTimeout: "10 seconds" });
  for (const jump of [3_600_000, -7_200_000]) {
    place.clock.setWallTime(place.clock.wallTime() + jump);
    await place.pass(2_000);
  }
  assert.equal(server.stats().connectionsActive, 1);
});

test("S-33: bytes that came while the loop was blocked are read before the sweep", async (t) => {
  const { place, peer } = await watched(t, { idleTimeout: "3 seconds" });
  await place.pass(2_000);
  peer.write("here\n");
  place.clock.stall(5_000);
  await place.pass(2_500);
  assert.equal(peer.text, "here\n");
  assert.equal(peer.ended, false);
});

test("a handler that is slow is not the peer's silence, and one that waits for frames is (F-12)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: lines(),
    idleTimeout: "10 seconds",
    handler: async (connection) => {
      for await (const _ of connection) {
        await new Promise<void>((resolve) => void place.clock.setTimer(resolve, 60_000));
        await connection.send(bytes("done"));
      }
    },
  });
  const peer = await place.dial(server);
  peer.write("work\n");
  await place.pass(60_500);
  assert.equal(peer.text, "done\n");
  await place.pass(11_000);
  assert.ok(peer.ended);
});

test("frames that nobody has ever asked for do not keep a silent peer's connection (F-12)", async (t) => {
  const { place, peer } = await watched(t, { idleTimeout: "10 seconds", ingressLimit: 1, handler: () => {} });
  for (let second = 0; second < 3; second++) {
    peer.write("unread\n");
    await place.pass(1_000);
  }
  assert.equal(peer.ended, false);
  await place.pass(11_000);
  assert.ok(peer.ended);
  peer.end();
  await place.settle();
  assert.deepEqual([place.records[0]!.reason, place.records[0]!.framesUnhandled], ["idle_timeout", 2]);
});

test("a keepalive is sent into silence between two frames, and keeps a link with a peer that takes it (F-13)", async (t) => {
  let made = 0;
  const { place, peer } = await watched(t, {
    idleTimeout: "10 seconds",
    keepalive: { interval: "4 seconds", payload: () => bytes(`ping ${++made}\n`) },
  });
  await place.pass(3_900);
  assert.equal(peer.text, "");
  await place.pass(20_000);
  assert.equal(peer.text, "ping 1\nping 2\nping 3\nping 4\nping 5\n".slice(0, peer.text.length));
  assert.ok(made >= 4 && !peer.ended);
  peer.write("half a fr");
  await place.pass(4_500);
  peer.write("ame\n");
  await place.settle();
  assert.ok(peer.text.endsWith("\nhalf a frame\n"));
});

test("a keepalive function that throws ends its own connection as a handler's error", async (t) => {
  const errors: unknown[] = [];
  const { place, server, peer } = await watched(t, {
    keepalive: {
      interval: "1 second",
      payload: () => {
        throw new Error("no payload");
      },
    },
    onError: (error) => void errors.push(error),
  });
  await place.pass(1_500);
  peer.end();
  await place.settle();
  assert.equal(place.records[0]!.reason, "handler_error");
  assert.match(String(errors[0]), /no payload/);
  assert.equal(server.stats().handlerErrors, 1);
});
