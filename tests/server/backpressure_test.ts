// Slow handlers and slow readers: what is held for them has a bound.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { LimitError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { EgressPolicy, SendOutcome } from "../../src/core/flow/outcome.ts";
import { bytes, echo, Gate, rejection } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

test("reading stops while the handler is slow, so that the sender's window closes (F-41)", async (t) => {
  const place = await Real.at(t);
  const gate = new Gate();
  let got = 0;
  const server = await place.serve({
    framing: lines(),
    handler: async (connection) => {
      for await (const frame of connection) {
        if (frame.length === 4) await connection.send(frame);
        else await gate.promise;
        got += frame.length + 1;
      }
    },
  });
  const [peer, other] = [await place.dial(server), await place.dial(server)];
  const block = bytes(("x".repeat(999) + "\n").repeat(40_000));
  peer.write(block);
  // To and fro on another connection: what can be read on this one has been read by then.
  for (let round = 1; round <= 50; round++) {
    other.write("ping\n");
    await other.until(() => other.bytes === round * 5, "an echo");
  }
  assert.equal(peer.taken, false);
  const { bytesReceived, inboxFrames } = [...server.connections.values()][0]!.stats();
  assert.ok(bytesReceived < 2_000_000, `${bytesReceived} bytes were read for nobody`);
  assert.ok(inboxFrames * 1000 <= bytesReceived);
  gate.open();
  peer.end();
  await peer.whenClosed();
  await place.gone(1);
  assert.equal(got, block.length + 50 * 5);
});

/** A server whose one peer never reads, and its connection. */
async function stalled(t: TestContext, egressPolicy: EgressPolicy, egressLimit = 100_000) {
  const place = new Virtual(t, { bufferSize: 10_000 });
  const server = await place.serve({ framing: lines(), egressLimit, egressPolicy, handler: echo });
  const peer = await place.dial(server, "stalled");
  const [connection] = server.connections.values();
  return { place, server, peer, connection: connection! };
}

/** Sends without awaiting, as a careless handler would; returns what became of each frame so far. */
function flood(
  connection: Connection<Uint8Array>,
  frames: number,
): { held: number; outcomes: SendOutcome[] } {
  const outcomes: SendOutcome[] = [];
  let held = 0;
  for (let at = 0; at < frames; at++) {
    const frame = bytes(String(at).padStart(999, "."));
    void connection.deliver(frame).then((outcome) => outcomes.push(outcome));
    held = Math.max(held, connection.stats().outboxBytes);
  }
  return { held, outcomes };
}

test("S-13: policy wait holds senders back, and refuses those who do not wait at twice the limit (F-42)", async (t) => {
  const { place, peer, connection } = await stalled(t, "wait");
  const { held, outcomes } = flood(connection, 1_000);
  assert.equal(held, 200_000);
  await place.settle();
  assert.ok(connection.stats().outboxBytes <= 200_000);
  const room = connection.send(bytes("one more".padEnd(9_999)));
  assert.ok(room instanceof Promise);
  const error = await rejection(room);
  assert.ok(error instanceof LimitError && error.reason === "waiting_sends" && error.limit === 100_000);
  assert.match(error.message, /await the promise that send returns/);
  peer.onData = () => true;
  peer.transport.resume();
  await place.settle();
  const sent = outcomes.filter(({ status }) => status === "sent").length;
  assert.equal(peer.bytes, sent * 1000);
  assert.equal(outcomes.length, 1_000);
  assert.equal(connection.stats().outboxBytes, 0);
  assert.equal(connection.send(bytes("room again")), undefined);
});

test("S-13: policy drop-newest keeps what waits and gives up what comes (F-42, F-67)", async (t) => {
  const { place, peer, connection } = await stalled(t, "drop-newest");
  const { held, outcomes } = flood(connection, 1_000);
  assert.ok(held <= 100_000);
  assert.equal(connection.send(bytes("x".repeat(1000))), undefined);
  await place.settle();
  assert.ok(outcomes.every((outcome) => outcome.status !== "dropped" || outcome.policy === "drop-newest"));
  const { framesDropped } = connection.stats();
  assert.equal(framesDropped, outcomes.filter(({ status }) => status === "dropped").length + 1);
  peer.onData = () => true;
  peer.transport.resume();
  await place.settle();
  const numbers = peer.text.trimEnd().split("\n").map((line) => Number(line.replaceAll(".", "")));
  assert.deepEqual(numbers, numbers.map((_, at) => at));
  assert.equal(numbers.length + framesDropped, 1_001);
});

test("S-13: policy drop-oldest gives up what waits longest, whole frames only (F-42, F-67)", async (t) => {
  const { place, peer, connection } = await stalled(t, "drop-oldest");
  flood(connection, 20);
  await place.settle();
  const { held, outcomes } = flood(connection, 1_000);
  assert.ok(held <= 100_000);
  await place.settle();
  peer.onData = () => true;
  peer.transport.resume();
  await place.settle();
  const numbers = peer.text.trimEnd().split("\n").map((line) => Number(line.replaceAll(".", "")));
  assert.equal(numbers.at(-1), 999);
  assert.ok(numbers.length < 200);
  const dropped = outcomes.filter(({ status }) => status === "dropped").length;
  assert.equal(numbers.length + dropped, 1_020);
  assert.equal(connection.stats().framesDropped, dropped);
  assert.equal(connection.stats().framesSent, numbers.length);
  assert.equal(connection.stats().outboxBytes, 0);
});

test("S-13: policy close ends the connection at the first frame that does not fit (F-42)", async (t) => {
  const { place, server, peer, connection } = await stalled(t, "close");
  const other = await place.dial(server);
  const { held, outcomes } = flood(connection, 1_000);
  assert.ok(held <= 100_000);
  await place.settle();
  assert.ok(peer.closed);
  const [record] = place.records;
  assert.deepEqual([record!.reason, record!.endedBy, record!.endedWith], ["egress_limit", "local", "rst"]);
  assert.ok(record!.error instanceof LimitError && record!.error.reason === "egress");
  assert.equal(outcomes.length, 1_000);
  assert.ok(outcomes.every(({ status }) => status !== "dropped"));
  other.write("untouched\n");
  await place.settle();
  assert.equal(other.text, "untouched\n");
});

test("S-13: a peer that never reads is ended by the idle timeout, though it goes on sending (F-12)", async (t) => {
  const place = new Virtual(t, { bufferSize: 10_000 });
  const server = await place.serve({
    framing: lines(),
    egressLimit: 20_000,
    idleTimeout: "60 seconds",
    handler: echo,
  });
  const [peer, other] = [await place.dial(server, "stalled"), await place.dial(server)];
  for (let second = 0; second < 150 && !peer.closed; second++) {
    if (peer.taken) peer.write("x".repeat(999) + "\n");
    other.write("tick\n");
    await place.pass(1_000);
  }
  assert.ok(peer.closed);
  assert.equal(place.records[0]!.reason, "idle_timeout");
  assert.equal(place.records[0]!.endedWith, "rst");
  assert.equal(other.closed, false);
  assert.ok(other.text.startsWith("tick\ntick\n"));
});
