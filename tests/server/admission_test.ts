// Who is let in, and ten thousand at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lines } from "../../src/core/framing/lines.ts";
import { sharedWheel } from "../../src/core/time/timer_wheel.ts";
import type { RejectReason } from "../../src/server/admission_options.ts";
import { echo } from "../support/frames.ts";
import type { Peer } from "../support/peer.ts";
import { Real, Virtual } from "../support/server.ts";

test("S-16: there are never more connections than maxConnections, the others hear the farewell and a close, and a free slot is given again (F-22)", async (t) => {
  const place = new Virtual(t);
  const rejected: [string, RejectReason][] = [];
  let most = 0;
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    maxConnections: 3,
    farewell: "busy\n",
    onConnect: () => void (most = Math.max(most, server.connections.size)),
    onReject: ({ ip }, reason) => void rejected.push([ip, reason]),
  });
  const peers = await place.dialMany(server, 50);
  await place.settle();
  assert.equal(most, 3);
  const [inside, outside] = [peers.filter(({ ended }) => !ended), peers.filter(({ ended }) => ended)];
  assert.deepEqual([inside.length, outside.length], [3, 47]);
  assert.ok(outside.every(({ text }) => text === "busy\n"));
  assert.deepEqual(rejected[0], ["127.0.0.1", "max_connections"]);
  assert.equal(rejected.length, 47);
  const { connectionsAccepted, connectionsRejected, connectionsActive } = server.stats();
  assert.deepEqual([connectionsAccepted, connectionsRejected, connectionsActive], [3, 47, 3]);
  // Those who do not go by themselves are let go of after a second, without a reset, which could take the farewell.
  await place.pass(1_100);
  assert.ok(outside.every(({ closed }) => !closed));
  for (const peer of outside) peer.write("still here\n");
  await place.settle();
  assert.ok(outside.every(({ closed, error }) => closed && error?.reason === "reset"));
  inside[0]!.end();
  await place.settle();
  const next = await place.dial(server);
  next.write("in\n");
  await place.settle();
  assert.equal(next.text, "in\n");
});

test("S-16: a flood of rejected peers that stay is bounded: past 256 farewells the rest are dropped at once (F-22)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    maxConnections: 1,
    farewell: "busy\n",
  });
  const peers = await place.dialMany(server, 400);
  await place.settle();
  assert.equal(peers.filter(({ text }) => text === "busy\n").length, 256);
  assert.equal(peers.filter(({ closed }) => closed).length, 400 - 1 - 256);
  await place.pass(1_100);
  // There is room for farewells again.
  const late = await place.dial(server);
  await place.settle();
  assert.equal(late.text, "busy\n");
});

test("S-16: without a farewell a rejected peer is dropped at once, on real sockets too (F-22)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ framing: lines(), handler: echo, maxConnections: 2 });
  const peers: Peer[] = [];
  for (let i = 0; i < 2; i++) {
    const peer = await place.dial(server);
    peer.write("in\n");
    await peer.got("in\n");
    peers.push(peer);
  }
  // Some runtimes have told of the reset before they tell of the connection.
  const outside = await place.dial(server).catch(() => undefined);
  await outside?.until(() => outside.closed || outside.ended, "a close");
  assert.equal(server.stats().connectionsRejected, 1);
  peers[0]!.end();
  await peers[0]!.whenClosed();
  await place.gone(1);
  const next = await place.dial(server);
  next.write("in\n");
  await next.got("in\n");
});

test("maxConnections 0 is no limit (F-22)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines(), handler: echo, maxConnections: 0 });
  await place.dialMany(server, 5_000);
  assert.equal(server.connections.size, 5_000);
});

test("S-15: ten thousand idle connections share one timer, and all are closed when their time has come (F-12)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: lines(),
    onFrame: () => {},
    maxConnections: 0,
    idleTimeout: "60 seconds",
  });
  const peers = await place.dialMany(server, 10_000);
  assert.equal(server.connections.size, 10_000);
  assert.equal(place.clock.pendingTimers, 1);
  const wheel = sharedWheel(place.clock);
  assert.equal(wheel.size, 10_000);
  place.clock.advance(30_000);
  for (const peer of peers.slice(0, 5_000)) peer.write("alive\n");
  place.clock.advance(30_500);
  assert.equal(peers.filter(({ ended }) => ended).length, 5_000);
  assert.equal(server.stats().framesReceived, 5_000);
  assert.equal(place.clock.pendingTimers, 1);
  for (const peer of peers) peer.end();
  place.clock.advance(0);
  assert.equal(server.connections.size, 0);
  assert.equal(wheel.size, 0);
  assert.equal(place.clock.pendingTimers, 0);
});
