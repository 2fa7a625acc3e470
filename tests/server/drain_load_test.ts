// A shutdown under load, on real sockets: what is owed is delivered, and what is stuck is named.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ShutdownTimeoutError } from "../../src/core/errors.ts";
import { systemClock } from "../../src/core/time/clock.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { Gate, rejection } from "../support/frames.ts";
import { Real } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });
const pause = (ms: number) => new Promise<void>((resolve) => void systemClock.setTimer(resolve, ms));

test("S-26: two hundred connections with forty requests each in flight get every reply that is owed to them before the deadline (F-18)", async (t) => {
  const place = await Real.at(t);
  const connections = 200;
  const requests = 40;
  const server = await place.serve({
    framing: utf8,
    goodbye: "BYE",
    goodbyeWait: 100,
    ingressLimit: 64,
    handler: async (connection) => {
      for await (const line of connection) {
        // Each fourth one takes a while, so that most are under way when the shutdown begins.
        if (line.endsWith("0")) await pause(5);
        await connection.send(`re ${line}`);
      }
      await connection.send("done");
    },
  });
  const peers = await Promise.all(Array.from({ length: connections }, () => place.dial(server)));
  for (const peer of peers) peer.write("hello\n");
  await Promise.all(peers.map((peer) => peer.got("re hello\n")));
  const asked = Array.from({ length: requests }, (_, each) => `request ${each}`);
  for (const peer of peers) peer.write(`${asked.join("\n")}\n`);
  await Promise.all(peers.map((peer) => peer.until(() => peer.taken, "the kernel to have the requests")));
  const closing = place.drive(server.close({ deadline: "25 seconds" }));
  await Promise.all(peers.map((peer) => peer.whenEnded()));
  for (const peer of peers) peer.end();
  const { open, drained, destroyed, unfinished, durationMs } = await closing;
  assert.deepEqual([open, drained, destroyed, unfinished], [connections, connections, [], []]);
  assert.ok(durationMs < 25_000);
  const owed = ["re hello", ...asked.map((line) => `re ${line}`), "done", ""];
  for (const peer of peers) {
    const lines = peer.text.split("\n");
    // The goodbye is behind what was sent by then, wherever that was, and before the last words of the handler.
    assert.equal(lines.filter((line) => line === "BYE").length, 1);
    assert.deepEqual(lines.filter((line) => line !== "BYE"), owed);
  }
  for (const record of place.records) {
    assert.deepEqual([record.reason, record.framesUnsent, record.framesUnhandled], ["drained", 0, 0]);
  }
});

test("S-27: handlers that are stuck are named by their connection, their peer and how long it was open, in the error and in the log (F-18)", async (t) => {
  const place = await Real.at(t);
  const stuck = new Map<string, string>();
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      for await (const line of connection) {
        if (line === "hang") {
          const { ip, port } = connection.peer;
          stuck.set(connection.id, `${ip}:${port}`);
          connection.send("stuck");
          await new Promise<void>(() => {});
        }
        await connection.send(line);
      }
    },
  });
  const honest = await Promise.all(Array.from({ length: 20 }, () => place.dial(server)));
  const hanging = await Promise.all(Array.from({ length: 2 }, () => place.dial(server)));
  for (const peer of honest) peer.write("hello\n");
  for (const peer of hanging) peer.write("hang\n");
  await Promise.all(hanging.map((peer) => peer.got("stuck\n")));
  const failing = place.drive(rejection(server.close({ deadline: 500 })));
  await Promise.all(honest.map((peer) => peer.whenEnded()));
  for (const peer of honest) {
    assert.equal(peer.text, "hello\n");
    peer.end();
  }
  const error = await failing;
  assert.ok(error instanceof ShutdownTimeoutError);
  assert.equal(error.limit, 500);
  assert.deepEqual(new Set(error.connectionIds), new Set(stuck.keys()));
  for (const { id, ip, port, handlerRunning, openMs } of error.unfinished) {
    assert.equal(`${ip}:${port}`, stuck.get(id));
    assert.ok(handlerRunning && openMs >= 500, `${openMs} ms`);
    assert.match(
      error.message,
      new RegExp(`${id} of ${ip}:${port}, open for \\d+ ms, its handler has not returned`),
    );
  }
  const report = await server.finished;
  assert.deepEqual([report.drained, report.unfinished], [20, error.unfinished]);
  const named = place.logs.filter(({ message }) => message === "handler had not returned at the deadline");
  assert.deepEqual(new Set(named.map(({ fields }) => fields["conn.id"])), new Set(stuck.keys()));
  for (const { level, fields } of named) {
    assert.equal(level, "warn");
    assert.equal(`${fields["peer.ip"]}:${fields["peer.port"]}`, stuck.get(fields["conn.id"] as string));
    assert.equal(fields.deadlineMs, 500);
  }
});

test("of a hundred stuck handlers twenty are named in the log, and the rest counted (F-18)", async (t) => {
  const place = await Real.at(t);
  let handlers = 0;
  const all = new Gate();
  const server = await place.serve({
    framing: utf8,
    handler: () => {
      if (++handlers === 100) all.open();
      return new Promise<void>(() => {});
    },
  });
  await Promise.all(Array.from({ length: 100 }, () => place.dial(server)));
  await place.drive(all.promise);
  const error = await place.drive(rejection(server.close({ deadline: 100 })));
  assert.ok(error instanceof ShutdownTimeoutError && error.unfinished.length === 100);
  assert.ok(error.message.length < 1_000, `${error.message.length} characters`);
  const warned = place.logs.filter(({ level }) => level === "warn");
  assert.equal(warned.length, 21);
  assert.equal(warned.at(-1)!.fields.handlers, 80);
});
