// How long the ways out may take: whatever moves begins the waits anew, and nobody is cut off who still takes or sends.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { DurationInput } from "../../src/core/time/duration.ts";
import { TimeoutError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { raw } from "../../src/core/framing/raw.ts";
import type { Handler } from "../../src/connection/connection_options.ts";
import { Gate } from "../support/frames.ts";
import type { Peer } from "../support/peer.ts";
import { Virtual } from "../support/server.ts";

const megabyte = new Uint8Array(1_000_000).fill(7);

/** A server of bytes whose peer takes one chunk whenever it is told to. */
async function slow(
  t: TestContext,
  handler: Handler<Uint8Array, Uint8Array, undefined>,
  options: object = {},
) {
  const place = new Virtual(t, { bufferSize: 10_000 });
  const server = await place.serve<Uint8Array>({ framing: raw(), handler, ...options });
  const peer = await place.dial(server, "stalled");
  await place.settle();
  return { place, server, peer };
}

/** The peer takes what has come, a chunk every `ms`, until it has been told of the end. */
async function takesAll(place: Virtual, peer: Peer, ms: number): Promise<void> {
  for (let chunk = 0; chunk < 1_000 && !peer.ended && !peer.closed; chunk++) {
    peer.transport.resume();
    await place.pass(ms);
  }
}

test("S-43: what the kernel has when lingerTimeout passes is delivered, and FIN behind it", async (t) => {
  const outcomes: string[] = [];
  const { place, peer } = await slow(t, async (connection) => {
    outcomes.push((await connection.deliver(megabyte.subarray(0, 9_000))).status);
  });
  await place.pass(2_200);
  assert.deepEqual(outcomes, ["sent"]);
  const [record] = place.records;
  assert.deepEqual([record!.reason, record!.endedWith, record!.bytesUnsent], ["handler_done", "fin", 0]);
  await takesAll(place, peer, 100);
  assert.equal(peer.bytes, 9_000);
  assert.deepEqual([peer.ended, peer.error], [true, undefined]);
});

for (const ending of ["the handler returns", "close()", "the peer's FIN"] as const) {
  test(`S-43: after ${ending} a peer that takes 10 kB in 20 s gets all of a megabyte`, async (t) => {
    const { place, peer } = await slow(t, async (connection) => {
      if (ending === "the peer's FIN") { for await (const _ of connection); }
      // One frame, which is one write: only how much of it has been taken shows that it goes on.
      void connection.send(megabyte);
      if (ending === "close()") void connection.close();
    });
    if (ending === "the peer's FIN") peer.end();
    await takesAll(place, peer, 20_000);
    assert.equal(peer.bytes, megabyte.length);
    assert.deepEqual([peer.ended, peer.error], [true, undefined]);
    if (!peer.closed) peer.end();
    await place.settle();
    const [record] = place.records;
    assert.deepEqual([record!.endedWith, record!.bytesUnsent, record!.bytesSent], ["fin", 0, 1_000_000]);
    assert.notEqual(record!.reason, "close_timeout");
  });
}

test("S-43: a handler that still streams after the peer's FIN is not cut off while bytes flow, whatever it owes for reading", async (t) => {
  const options = { closeTimeout: "5 seconds", readIdleTimeout: "5 seconds", firstFrameTimeout: "5 seconds" };
  const { place, peer } = await slow(t, async (connection) => {
    for await (const _ of connection);
    for (let at = 0; at < 100; at++) await connection.send(megabyte.subarray(0, 1_000));
  }, { ...options, egressLimit: 10_000 });
  peer.end();
  await takesAll(place, peer, 4_000);
  assert.equal(peer.bytes, 100_000);
  assert.deepEqual(place.records.map(({ reason, endedWith }) => [reason, endedWith]), [[
    "peer_closed",
    "fin",
  ]]);
});

test("S-43: after the peer's FIN a handler that still takes frames is not cut off, though no byte moves", async (t) => {
  const place = new Virtual(t);
  let taken = 0;
  await place.serve({
    framing: lines({ encoding: "utf-8" }),
    closeTimeout: "10 seconds",
    handler: async (connection) => {
      for await (const _ of connection) {
        taken++;
        await new Promise<void>((resolve) => void place.clock.setTimer(resolve, 6_000));
      }
    },
  }).then(async (server) => (await place.dial(server)).write("frame\n".repeat(20)).end());
  await place.pass(125_000);
  assert.equal(taken, 20);
  assert.deepEqual(place.records.map(({ reason, framesUnhandled }) => [reason, framesUnhandled]), [[
    "peer_closed",
    0,
  ]]);
});

test("S-43: a peer that stops taking is dropped closeTimeout after it last took some, and what is lost is counted", async (t) => {
  const { place, peer } = await slow(t, (connection) => {
    void connection.send(megabyte);
    return Promise.resolve();
  }, { closeTimeout: "8 seconds" });
  await place.pass(7_000);
  peer.transport.resume();
  await place.pass(7_000);
  assert.equal(place.records.length, 0);
  await place.pass(4_000);
  const [record] = place.records;
  assert.deepEqual([record!.reason, record!.endedWith, record!.framesUnsent], ["close_timeout", "rst", 1]);
  assert.ok(record!.error instanceof TimeoutError && record!.error.limit === 8_000);
  assert.ok(record!.bytesUnsent > 900_000, String(record!.bytesUnsent));
  assert.ok(peer.closed);
});

/** A peer that reads nothing and sends on after our FIN, so many bytes a second. */
async function sendsOn(t: TestContext, perSecond: number, frameTimeout?: DurationInput) {
  const place = new Virtual(t, { bufferSize: 10_000 });
  const framing = lines({ encoding: "utf-8" });
  const server = frameTimeout === undefined
    ? await place.serve({
      framing,
      handler: async (connection) => {
        await connection.send("the answer");
      },
    })
    : await place.serve({ framing, frameTimeout, onFrame: () => {} });
  const peer = await place.dial(server, "stalled");
  await place.settle();
  const seconds = async (count: number) => {
    for (let second = 0; second < count && !peer.closed; second++) {
      peer.write("x".repeat(perSecond));
      await place.pass(1_000);
    }
  };
  return { place, server, peer, seconds };
}

test("S-43: a peer that still sends is read from, and can read the answer when it is done", async (t) => {
  const { place, peer, seconds } = await sendsOn(t, 2_000);
  await seconds(300);
  assert.equal(place.records.length, 0);
  assert.equal(peer.closed, false);
  peer.transport.resume();
  await place.settle();
  assert.equal(peer.text, "the answer\n");
  peer.end();
  await place.settle();
  assert.deepEqual(place.records.map(({ reason, endedWith }) => [reason, endedWith]), [[
    "handler_done",
    "fin",
  ]]);
});

test("S-43: a trickle holds a connection that is over no longer than closeTimeout", async (t) => {
  const { place, seconds } = await sendsOn(t, 1);
  await seconds(25);
  assert.equal(place.records.length, 0);
  await seconds(10);
  assert.equal(place.records.length, 1);
});

test("S-43: a peer that ran out of time for a frame gets lingerTimeout, however much it sends", async (t) => {
  const { place, seconds } = await sendsOn(t, 2_000, "3 seconds");
  await seconds(3);
  assert.equal(place.records.length, 0);
  await seconds(4);
  assert.deepEqual(place.records.map(({ reason }) => reason), ["frame_timeout"]);
});

test("S-43: a peer that was sent nothing gets lingerTimeout, however much it sends", async (t) => {
  const place = new Virtual(t);
  await place.serve({ framing: lines(), handler: async () => {} }).then(async (server) => {
    const peer = await place.dial(server);
    for (let at = 0; at < 3 && !peer.closed; at++) {
      peer.write("x".repeat(5_000));
      await place.pass(1_000);
    }
  });
  assert.deepEqual(place.records.map(({ reason, endedWith }) => [reason, endedWith]), [[
    "handler_done",
    "fin",
  ]]);
});

test("S-43: a peer that breaks the connection before all is handed over leaves no clean record", async (t) => {
  const { place, peer } = await slow(t, (connection) => {
    void connection.send(megabyte);
    return Promise.resolve();
  });
  peer.abort();
  await place.settle();
  const [record] = place.records;
  assert.deepEqual([record!.reason, record!.endedWith, record!.framesUnsent], ["handler_done", "rst", 1]);
  assert.ok(record!.bytesUnsent > 900_000);
});

test("S-54: a connection that lingers keeps its first cause, whatever ends it then", async (t) => {
  for (const how of ["server.close()", "kill()", "abort()"] as const) {
    await t.test(how, async (t) => {
      const place = new Virtual(t);
      const server = await place.serve({
        framing: lines({ encoding: "utf-8" }),
        frameTimeout: "3 seconds",
        onFrame: () => {},
      });
      const peer = await place.dial(server);
      await place.settle();
      const [connection] = server.connections.values();
      peer.write("half");
      await place.pass(3_500);
      assert.equal(connection!.state, "closing");
      if (how === "server.close()") await place.drive(server.destroy());
      else if (how === "kill()") connection!.destroy({ reason: "later" });
      else connection!.destroy();
      await place.settle();
      const [record] = place.records;
      assert.deepEqual([record!.reason, record!.endedWith], ["frame_timeout", "rst"]);
      assert.ok(record!.error instanceof TimeoutError && record!.error.reason === "frame");
      assert.deepEqual(server.stats().closedByReason, { frame_timeout: 1 });
    });
  }
});

test("S-54: what was not delivered when a closing connection is destroyed is counted as unsent, under its first cause", async (t) => {
  const hung = new Gate();
  for (const first of ["handler_done", "closed", "handler_error", "drained"] as const) {
    const { place, server } = await slow(t, async (connection) => {
      void connection.send(megabyte);
      if (first === "handler_error") throw new Error("boom");
      if (first === "closed") void connection.close("enough");
      if (first !== "handler_done") await hung.promise;
    });
    if (first === "drained") server.close({ deadline: "1 minute" }).catch(() => {});
    await place.settle();
    await place.drive(server.destroy());
    const [record] = place.records;
    // Drained is what it is when it ends in time.
    assert.equal(record!.reason, first === "drained" ? "shutdown" : first);
    assert.deepEqual([record!.endedWith, record!.framesUnsent], ["rst", 1]);
    assert.ok(record!.bytesUnsent > 900_000);
  }
  hung.open();
});
