// What a server is doing, and what may be asked of it meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SocketError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { RejectReason } from "../../src/server/admission_options.ts";
import type { ServerState } from "../../src/server/server_options.ts";
import { echo, rejection } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

test("a server's states can be watched, and its connections counted (F-17)", async (t) => {
  const place = new Virtual(t);
  const states: ServerState[] = [];
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    onState: (state) => void states.push(state),
  });
  assert.equal(server.state, "running");
  await place.dial(server);
  assert.equal(server.connections.size, 1);
  const stopped = server.close();
  await place.pass(2_500);
  await place.drive(stopped);
  assert.equal(server.connections.size, 0);
  assert.deepEqual(states, ["running", "draining", "stopped"]);
  assert.deepEqual(place.messages.filter((message) => message.startsWith("server")), [
    "server running",
    "server draining",
    "server stopped",
  ]);
});

test("suspend refuses newcomers and leaves the others alone; resume listens again on the same address (F-20)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ framing: lines(), handler: echo });
  const { address } = server;
  const old = await place.dial(server);
  old.write("before\n");
  await old.got("before\n");
  await server.suspend();
  await server.suspend();
  assert.equal(server.state, "suspended");
  const refused = await rejection(place.dial({ address }));
  assert.ok(refused instanceof SocketError && refused.reason === "refused");
  old.write("still here\n");
  await old.got("before\nstill here\n");
  await server.resume();
  await server.resume();
  assert.deepEqual(server.address, address);
  assert.equal(server.state, "running");
  const fresh = await place.dial({ address });
  fresh.write("again\n");
  await fresh.got("again\n");
  assert.equal(server.connections.size, 2);
});

test("resume rejects when somebody else has taken the port, and can be tried again (F-20)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines(), handler: echo });
  await place.drive(server.suspend());
  const thief = await place.serve({
    framing: lines(),
    handler: echo,
    port: server.address.transport === "tcp" ? server.address.port : 0,
  });
  const error = await rejection(place.drive(server.resume()));
  assert.ok(error instanceof SocketError && error.reason === "address_in_use");
  assert.equal(server.state, "suspended");
  await place.drive(thief.destroy());
  await place.drive(server.resume());
  assert.equal(server.state, "running");
});

test("a suspended server shuts down, and a resume, before or after, is refused (F-20)", async (t) => {
  for (const order of ["close, resume", "resume, close", "suspend, close"]) {
    await t.test(order, async (t) => {
      const place = await Real.at(t);
      const server = await place.serve({ framing: lines(), handler: echo });
      if (!order.startsWith("suspend")) await place.drive(server.suspend());
      const calls = order.split(", ").map((call) => server[call as "close" | "resume" | "suspend"]());
      const ended = await place.drive(Promise.allSettled(calls));
      assert.equal(server.state, "stopped");
      const failures = ended.flatMap((end) => end.status === "rejected" ? [end.reason] : []);
      assert.equal(failures.length, order.includes("resume") ? 1 : 0);
      for (const error of failures) assert.ok(error instanceof SocketError && error.reason === "closed");
      const refused = await rejection(place.dial(server));
      assert.ok(refused instanceof SocketError && refused.reason === "refused");
    });
  }
});

test("who knocks while the listener is going down is turned away, not lost (F-18)", async (t) => {
  const place = new Virtual(t);
  const reasons: RejectReason[] = [];
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    onReject: (_peer, reason) => void reasons.push(reason),
  });
  const knocking = place.dial(server);
  const stopped = server.close();
  const [knocked] = await Promise.allSettled([knocking, place.drive(stopped)]);
  await place.settle();
  if (knocked.status === "fulfilled") assert.ok(knocked.value.closed);
  assert.equal(server.stats().connectionsActive, 0);
  assert.equal(reasons.length, server.stats().connectionsRejected);
});

test("a hook or a logger that throws does not disturb the server (F-53)", async (t) => {
  const place = new Virtual(t);
  const broken = () => {
    throw new Error("broken hook");
  };
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    onState: broken,
    onReject: broken,
    onStats: broken,
    maxConnections: 1,
  });
  const peer = await place.dial(server);
  await place.dial(server);
  await place.pass(2_500);
  peer.write("fine\n");
  await place.settle();
  assert.equal(peer.text, "fine\n");
  const failed = place.logs.filter(({ message }) => message === "hook failed");
  assert.ok(failed.length >= 4, place.messages.join());
  assert.match(String(failed[0]!.fields.error), /broken hook/);
});

test("a logger that throws harms no connection, and the server runs and stops (F-53)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    logger: () => {
      throw new Error("broken logger");
    },
  });
  const peer = await place.dial(server);
  peer.write("fine\n").end();
  await place.settle();
  assert.equal(peer.text, "fine\n");
  await place.drive(server.close());
  assert.equal(server.state, "stopped");
});
