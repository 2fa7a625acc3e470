// Shutting down: who is told, what is still answered, and what happens at the deadline.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ShutdownTimeoutError, SocketError } from "../../src/core/errors.ts";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import type { Adapter } from "../../src/core/transport.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { serve } from "../../src/server/serve.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { echo, Gate, rejection } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });

test("S-26: draining under load answers every frame that was sent before, tells each connection once, and accepts no more (F-18)", async (t) => {
  const place = await Real.at(t);
  let told = 0;
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      connection.signal.addEventListener("abort", () => void told++);
      for await (const line of connection) await connection.send(line);
    },
  });
  const peers = await Promise.all(Array.from({ length: 20 }, () => place.dial(server)));
  for (const peer of peers) peer.write("ready\n");
  await Promise.all(peers.map((peer) => peer.got("ready\n")));
  for (const peer of peers) peer.write("one\ntwo\nthree\n");
  await Promise.all(peers.map((peer) => peer.until(() => peer.taken, "the kernel to have the frames")));
  const { address } = server;
  const report = place.drive(server.close({ deadline: "20 seconds" }));
  await Promise.all(peers.map((peer) => peer.whenEnded()));
  for (const peer of peers) {
    assert.equal(peer.text, "ready\none\ntwo\nthree\n");
    peer.end();
  }
  const { open, drained, destroyed } = await report;
  assert.deepEqual({ open, drained, destroyed }, { open: 20, drained: 20, destroyed: [] });
  assert.equal(told, 20);
  assert.equal(server.state, "stopped");
  const refused = await rejection(place.dial({ address }));
  assert.ok(refused instanceof SocketError && refused.reason === "refused");
  assert.deepEqual(new Set(place.records.map(({ reason }) => reason)), new Set(["drained"]));
  assert.ok(server.stats().drainMs > 0);
});

test("a hook hears once of each connection that begins to drain, and can still say goodbye (F-24)", async (t) => {
  const place = await Real.at(t);
  const told: string[] = [];
  const server = await place.serve({
    framing: utf8,
    handler: echo,
    onConnect: (connection) => void connection.send("welcome"),
    onDrain: (connection) => {
      told.push(connection.id);
      void connection.send(`goodbye, ${connection.state}`);
    },
  });
  const peers = await Promise.all(Array.from({ length: 3 }, () => place.dial(server)));
  await Promise.all(peers.map((peer) => peer.got("welcome\n")));
  const ids = [...server.connections.keys()];
  const shutdown = place.drive(server.close({ deadline: "20 seconds" }));
  await Promise.all(peers.map((peer) => peer.whenEnded()));
  for (const peer of peers) {
    assert.equal(peer.text, "welcome\ngoodbye, draining\n");
    peer.end();
  }
  await shutdown;
  assert.deepEqual(told, ids);
});

test("a drain hook that throws is counted and logged, and nobody is told whose end has begun, or who is destroyed (F-24)", async (t) => {
  const place = new Virtual(t);
  let told = 0;
  const options = {
    framing: utf8,
    handler: echo,
    onDrain: () => {
      told++;
      throw new Error("broken hook");
    },
  };
  const server = await place.serve(options);
  const leaving = await place.dial(server);
  const [first] = server.connections.values();
  void first!.close();
  const staying = await place.dial(server);
  staying.write("one\n");
  await place.settle();
  const report = server.close({ deadline: "5 seconds" });
  await place.settle();
  assert.equal(staying.text, "one\n");
  staying.end();
  leaving.end();
  await place.settle();
  assert.deepEqual((await report).destroyed, []);
  assert.equal(told, 1);
  assert.equal(server.stats().handlerErrors, 1);
  assert.ok(place.messages.includes("handler failed"), place.messages.join());
  assert.deepEqual(place.records.map(({ reason }) => reason).sort(), ["closed", "drained"]);

  const hurried = await place.serve(options);
  await place.dial(hurried);
  await place.drive(hurried.destroy());
  assert.equal(told, 1);
});

test("a client, which never drains, refuses a hook for it", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, handler: echo });
  const given = { framing: utf8, onDrain: () => {} };
  await assert.rejects(place.connect(server, given), /onDrain/);
});

test("S-26: a peer that never pauses is drained at a frame boundary, not at the deadline (F-65)", async (t) => {
  const place = new Virtual(t);
  const got: string[] = [];
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      for await (const line of connection) got.push(line);
      await connection.send(`got ${got.length}`);
    },
  });
  const peer = await place.dial(server);
  peer.write("a");
  await place.settle();
  const report = server.close();
  await place.settle();
  assert.equal(peer.ended, false);
  // No chunk ends where a line does.
  for (let at = 0; at < 3; at++) peer.write("b\na");
  await place.settle();
  assert.ok(peer.ended);
  assert.equal(peer.text, "got 1\n");
  assert.deepEqual(got, ["ab"]);
  peer.end();
  assert.equal((await place.drive(report)).drained, 1);
  assert.equal(place.records[0]!.reason, "drained");
});

/** Connections of all the kinds that a shutdown can meet; the ids of those that do not go by themselves. */
async function manyKinds(t: TestContext) {
  const place = new Virtual(t, { bufferSize: 1_000 });
  const hung = new Gate();
  const stuck: string[] = [];
  const server = await place.serve({
    framing: utf8,
    egressLimit: 10_000,
    handler: async (connection) => {
      for await (const line of connection) {
        if (line !== "idle") stuck.push(connection.id);
        if (line === "hang") await hung.promise;
        else if (line === "flood") { for (;;) await connection.send("x".repeat(999)); }
      }
    },
  });
  const idle = await place.dial(server);
  const hanging = await place.dial(server);
  const reading = await place.dial(server, "stalled");
  idle.write("idle\n");
  hanging.write("hang\n");
  reading.write("flood\n");
  await place.settle();
  return { place, server, idle, hanging, reading, stuck, hung };
}

test("S-27: a handler that never returns and a peer that never reads are destroyed at the deadline, and named (F-18)", async (t) => {
  const { place, server, idle, hanging, reading, stuck, hung } = await manyKinds(t);
  const failing = rejection(server.close({ deadline: "10 seconds" }));
  await place.settle();
  assert.equal(server.state, "draining");
  assert.ok(idle.ended);
  idle.end();
  await place.pass(9_900);
  assert.equal(server.state, "draining");
  assert.equal(server.connections.size, 2);
  await place.pass(200);
  const error = await failing;
  assert.ok(error instanceof ShutdownTimeoutError);
  assert.deepEqual([...error.connectionIds].sort(), [...stuck].sort());
  assert.equal(error.limit, 10_000);
  assert.match(error.message, /destroyed 2 connections still open/);
  assert.equal(server.state, "stopped");
  assert.ok(hanging.closed && reading.closed);
  const report = await server.finished;
  assert.deepEqual([report.open, report.drained, report.destroyed.length], [3, 1, 2]);
  assert.deepEqual(place.records.map(({ reason }) => reason), ["drained", "shutdown", "shutdown"]);
  assert.equal(server.stats().handlerErrors, 0);
  hung.open();
  await place.settle();
  // Settled, and settled for good.
  assert.equal(await rejection(server.close()) instanceof ShutdownTimeoutError, true);
  assert.equal(await server.destroy(), report);
});

test("S-27: close() destroys everything at once, twice does no harm, and neither call rejects (F-19)", async (t) => {
  const { place, server, idle, hanging, reading } = await manyKinds(t);
  const [first, second] = [server.destroy(), server.destroy()];
  const report = await place.drive(first);
  assert.equal(await second, report);
  assert.deepEqual([report.open, report.destroyed.length], [3, 3]);
  await place.settle();
  assert.ok(idle.closed && hanging.closed && reading.closed);
  assert.equal(server.state, "stopped");
  assert.equal(await server.finished, report);
});

test("S-27: a second close during a drain means now, even in the same turn (F-19)", async (t) => {
  for (const between of ["same turn", "later"]) {
    await t.test(between, async (t) => {
      const { place, server } = await manyKinds(t);
      const draining = rejection(server.close({ deadline: "30 seconds" }));
      if (between === "later") await place.pass(1_000);
      const report = await place.drive(server.destroy());
      assert.ok(report.destroyed.length >= 2);
      assert.ok(await place.drive(draining) instanceof ShutdownTimeoutError);
      assert.equal(place.clock.now(), between === "later" ? 1_000 : 0);
    });
  }
});

test("S-27: await using drains, and what does not go within shutdownDeadline is destroyed without an error (F-19)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: utf8,
    shutdownDeadline: "3 seconds",
    handler: () => new Promise<void>(() => {}),
  });
  await place.dial(server);
  const disposed = server[Symbol.asyncDispose]();
  await place.pass(3_100);
  await place.drive(disposed);
  assert.equal((await server.finished).destroyed.length, 1);
});

test("a runtime that does not let go of its listener is waited for by the server's own clock, for a second (F-18)", async () => {
  const clock = new FakeClock();
  const memory = memoryAdapter({ clock });
  const adapter: Adapter = {
    ...memory,
    async listen(options, accept) {
      const listener = await memory.listen(options, accept);
      return { ...listener, stop: () => listener.stop().then(() => new Promise<void>(() => {})) };
    },
  };
  const server = await serve({ port: 0, framing: utf8, onFrame: () => {}, logger: () => {}, adapter, clock });
  const closed = server.close();
  await clock.advanceAsync(900);
  assert.equal(server.state, "draining");
  await clock.advanceAsync(100);
  assert.equal(server.state, "stopped");
  assert.deepEqual((await closed).destroyed, []);
});

test("S-27: a deadline that is no duration is refused and does not start a shutdown", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, handler: echo });
  const error = await rejection(server.close({ deadline: "soon" as never }));
  assert.match(String(error), /deadline: found "soon"/);
  assert.equal(server.state, "running");
});

test("S-63: a shutdown names the limit that was in force, whoever asks and whatever they asked for", async (t) => {
  const place = new Virtual(t);
  const hang = () => new Promise<void>(() => {});
  const server = await place.serve({ framing: utf8, shutdownDeadline: "9 seconds", handler: hang });
  await place.dial(server);
  await place.settle();
  const failing = [
    server.close({ deadline: 1_000 }),
    server.close({ deadline: 3_000 }),
    server.close(),
  ];
  const errors = Promise.all(failing.map(rejection));
  await place.pass(900);
  assert.equal(server.state, "draining");
  await place.pass(200);
  for (const error of [...await errors, await rejection(server.close({ deadline: 5_000 }))]) {
    assert.ok(error instanceof ShutdownTimeoutError);
    assert.equal(error.limit, 1_000);
    assert.match(error.message, /within 1000 ms.*do not await server\.close\(\) in a handler/s);
  }
  // Too late to cut anything short.
  await place.drive(server.destroy());
  assert.match(String(await rejection(server.close())), /within 1000 ms/);
});

test("S-63: a shutdown that close() cuts short says so, and names no time that has not passed", async (t) => {
  for (const when of ["same turn", "while draining", "before"]) {
    const place = new Virtual(t);
    const hang = () => new Promise<void>(() => {});
    const server = await place.serve({ framing: utf8, handler: hang });
    await place.dial(server);
    await place.settle();
    if (when === "before") await place.drive(server.destroy());
    const failing = rejection(server.close({ deadline: "3 seconds" }));
    if (when === "while draining") await place.pass(500);
    await place.drive(server.destroy());
    const error = await place.drive(failing);
    assert.ok(error instanceof ShutdownTimeoutError, when);
    assert.equal(error.limit, 0, when);
    assert.match(error.message, /destroy\(\) was called, which destroyed 1 connection/);
    assert.doesNotMatch(error.message, /3000/);
  }
});

test("S-63: a handler that asks for a shutdown and returns is drained like the others", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      for await (const line of connection) {
        await connection.send(`re: ${line}`);
        if (line === "stop") void server.close();
      }
    },
  });
  const peer = await place.dial(server);
  peer.write("stop\n");
  await place.settle();
  assert.equal(peer.text, "re: stop\n");
  peer.end();
  const report = await place.drive(server.finished);
  assert.deepEqual([report.drained, report.destroyed.length], [1, 0]);
});
