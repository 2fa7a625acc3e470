// One frame to many, to one by its id, and what became of each.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameError, SocketError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { bytes, echo, rejection } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

test("S-14: of a thousand peers only the slow reader is dropped, and the counts are right (F-44, F-67)", async (t) => {
  const place = new Virtual(t, { bufferSize: 20_000 });
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    egressPolicy: "close",
    egressLimit: 30_000,
  });
  const slow = await place.dial(server, "stalled");
  const peers = await place.dialMany(server, 999);
  const reports = [];
  for (let at = 0; at < 10; at++) {
    reports.push(server.broadcast(bytes(String(at).padStart(9_999, "x"))));
    place.clock.advance(0);
  }
  const counts = await place.drive(Promise.all(reports));
  assert.ok(slow.closed);
  assert.deepEqual(place.records.map(({ reason }) => reason), ["egress_limit"]);
  assert.ok(peers.every(({ bytes, closed }) => bytes === 100_000 && !closed));
  for (const { targets, sent, dropped, failed } of counts) {
    assert.equal(sent + dropped + failed, targets);
    assert.equal(dropped, 0);
    assert.ok(sent >= 999);
  }
  assert.equal(
    counts.reduce((sum, { failed }) => sum + failed, 0),
    counts.filter(({ failed }) => failed === 1).length,
  );
  assert.ok(counts.some(({ failed }) => failed === 1));
  assert.equal(counts.at(-1)!.targets, 999);
});

test("a broadcast under a drop policy counts what was dropped, and the slow peer stays (F-44, F-67)", async (t) => {
  const place = new Virtual(t, { bufferSize: 1_000 });
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    egressPolicy: "drop-newest",
    egressLimit: 2_000,
  });
  await place.dial(server, "stalled");
  await place.dial(server);
  const reports = [];
  for (let at = 0; at < 10; at++) {
    reports.push(server.broadcast(bytes("x".repeat(999))));
    await place.settle();
  }
  await place.drive(server.destroy());
  const counts = await place.drive(Promise.all(reports));
  const sum = (key: "sent" | "dropped" | "failed") => counts.reduce((total, count) => total + count[key], 0);
  assert.equal(sum("sent") + sum("dropped") + sum("failed"), 20);
  assert.ok(sum("dropped") >= 4 && sum("failed") >= 1, JSON.stringify(counts));
});

test("a frame is encoded once for all, and goes to those the filter chooses (F-44)", async (t) => {
  const place = new Virtual(t);
  let encoded = 0;
  const framing = lines({ encoding: "utf-8", checkSent: true });
  const server = await place.serve({
    framing: {
      ...framing,
      encode: (frame: string, out) => {
        encoded++;
        framing.encode(frame, out);
      },
    },
    context: () => ({ room: "" }),
    onFrame: (line, connection) => {
      connection.context.room = line;
    },
  });
  const [red, blue, other] = [await place.dial(server), await place.dial(server), await place.dial(server)];
  red.write("red\n");
  blue.write("blue\n");
  other.write("red\n");
  await place.settle();
  const report = await place.drive(server.broadcast("hello red", ({ context }) => context.room === "red"));
  assert.deepEqual(report, { targets: 2, sent: 2, dropped: 0, failed: 0 });
  assert.equal(encoded, 1);
  assert.deepEqual([red.text, blue.text, other.text], ["hello red\n", "", "hello red\n"]);
  assert.deepEqual(await server.broadcast("nobody", () => false), {
    targets: 0,
    sent: 0,
    dropped: 0,
    failed: 0,
  });
  const refused = await rejection(server.broadcast("two\nlines"));
  assert.match(String(refused), /FrameError/);
  const filter = () => {
    throw new Error("bad filter");
  };
  assert.match(String(await rejection(server.broadcast("x", filter))), /bad filter/);
});

test("send and kill by id; an unknown id is a typed outcome (F-45, F-46)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ framing: lines({ encoding: "utf-8" }), handler: echo });
  const peer = await place.dial(server);
  peer.write("hi\n");
  await peer.got("hi\n");
  const [id] = [...server.connections.keys()];
  assert.deepEqual(await server.deliver(id!, "to you"), { status: "sent" });
  await peer.got("hi\nto you\n");
  assert.equal(server.kill("nobody"), false);
  assert.equal(server.kill(id!, { reason: "misbehaved", code: "E42" }), true);
  await peer.until(() => peer.closed || peer.ended, "a reset, or FIN where there is none");
  await place.gone(1);
  const [record] = place.records;
  assert.deepEqual(
    [record!.reason, record!.endedBy, record!.endedWith, record!.code, record!.message],
    ["killed", "local", "rst", "E42", "misbehaved"],
  );
  assert.equal(server.kill(id!), false);
  const outcome = await server.deliver(id!, "anybody?");
  assert.ok(outcome.status === "failed" && outcome.kernel === "none");
  assert.ok(outcome.error instanceof SocketError && outcome.error.reason === "unknown_connection");
});

test("every deliver has one outcome, and a frame that cannot be written is refused (F-67)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines({ encoding: "utf-8", checkSent: true }), handler: echo });
  const peer = await place.dial(server);
  const [connection] = server.connections.values();
  const sent = connection!.deliver("one");
  assert.match(String(await rejection(connection!.deliver("two\nlines"))), /FrameError/);
  assert.throws(() => connection!.send("two\nlines"), FrameError);
  assert.deepEqual(await place.drive(sent), { status: "sent" });
  assert.equal(peer.text, "one\n");
  const pending = connection!.deliver("three");
  connection!.destroy();
  const failed = await place.drive(pending);
  assert.ok(failed.status === "failed" && failed.kernel === "none" && failed.error instanceof SocketError);
  const late = await connection!.deliver("four");
  assert.ok(late.status === "failed" && late.error.connectionId === connection!.id);
});

test("S-59: publish waits for nobody: a peer that does not read holds back neither the sender nor the others", async (t) => {
  const place = new Virtual(t, { bufferSize: 1_000 });
  const server = await place.serve({
    framing: lines({ encoding: "utf-8", checkSent: true }),
    egressLimit: 2_000,
    egressPolicy: "drop-oldest",
    onFrame: (line, connection) => void server.publish(line, (other) => other !== connection),
  });
  const deaf = await place.dial(server, "stalled");
  const [ada, bob] = [await place.dial(server), await place.dial(server)];
  for (let at = 0; at < 50; at++) {
    ada.write(String(at).padStart(999, ".") + "\n");
    await place.settle();
    assert.equal(bob.bytes, (at + 1) * 1_000);
  }
  assert.equal(deaf.closed, false);
  assert.equal(server.publish("to all"), 3);
  assert.equal(server.publish("to nobody", () => false), 0);
  await place.settle();
  assert.ok(ada.text.endsWith("to all\n") && bob.text.endsWith("to all\n"));
  assert.throws(() => server.publish("two\nlines"), FrameError);
  const filter = () => {
    throw new Error("bad filter");
  };
  assert.throws(() => server.publish("x", filter), /bad filter/);
});
