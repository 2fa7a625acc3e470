// Outgoing connections: the same connection as a server's, and every way in which there is none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../../src/client/connect.ts";
import { SocketError, TimeoutError } from "../../src/core/errors.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { Adapter } from "../../src/core/transport.ts";
import { echo, Gate, rejection } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });

test("a client's connection sends, receives and ends as a server's does (F-36, F-25)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ framing: utf8, handler: echo });
  const client = await place.connect(server, { framing: utf8, context: () => ({ asked: 0 }) });
  const got: string[] = [];
  await client.send("one");
  await client.send("two");
  for await (const line of client) {
    client.context.asked++;
    if (got.push(line) === 2) break;
  }
  assert.deepEqual(got, ["one", "two"]);
  assert.equal(client.context.asked, 2);
  assert.equal(client.state, "open");
  const [there] = server.connections.values();
  assert.equal(client.peer.port, server.address.transport === "tcp" ? server.address.port : 0);
  assert.equal(there!.peer.port, client.peer.local.transport === "tcp" ? client.peer.local.port : 0);
  const record = await client.close("done here");
  assert.deepEqual([record.reason, record.message, record.framesSent, record.framesReceived], [
    "closed",
    "done here",
    2,
    2,
  ]);
  assert.equal(client.state, "closed");
  await place.gone(1);
  assert.equal(place.records[0]!.reason, "peer_closed");
});

test("onFrame serves a client too, and its hooks are called (F-36)", async (t) => {
  const place = new Virtual(t);
  const told: string[] = [];
  const server = await place.serve({
    framing: lengthField({ lengthBytes: 2, strip: 2 }),
    handler: async (connection) => {
      await connection.send(new Uint8Array([1, 2, 3]));
    },
  });
  const client = await place.connect(server, {
    framing: lengthField({ lengthBytes: 2, strip: 2 }),
    onConnect: () => void told.push("connected"),
    onFrame: (frame) => void told.push(frame.join()),
    onDisconnect: ({ reason }) => void told.push(reason),
  });
  await place.drive(client.closed);
  assert.deepEqual(told, ["connected", "1,2,3", "peer_closed"]);
});

test("a refused connection says who refused, and a name that is none says so (F-36)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ framing: utf8, handler: echo });
  const { address } = server;
  await place.drive(server.destroy());
  const refused = await rejection(place.connect({ address }, { framing: utf8 }));
  assert.ok(refused instanceof SocketError && refused.reason === "refused");
  assert.match(refused.message, /connect to 127\.0\.0\.1:\d+: .*nothing listens there/);
  const unknown = await rejection(connect({ host: "no-such-host.invalid", port: 1, framing: utf8 }));
  assert.ok(unknown instanceof SocketError, String(unknown));
  assert.match(unknown.message, /connect to no-such-host\.invalid:1/);
});

/** Sockets on which connecting takes until it is aborted. */
function silent(place: Virtual): { adapter: Adapter; given: AbortSignal[] } {
  const given: AbortSignal[] = [];
  const adapter: Adapter = {
    ...place.adapter,
    connect: ({ signal }) =>
      new Promise((_resolve, reject) => {
        given.push(signal!);
        signal!.addEventListener("abort", () => reject(new SocketError("aborted", "connect: aborted")));
      }),
  };
  return { adapter, given };
}

test("connecting is given up after connectTimeout, ten seconds unless told otherwise (F-15)", async (t) => {
  const rows: readonly [object, number][] = [[{}, 10_000], [{ connectTimeout: "3 seconds" }, 3_000]];
  for (const [options, limit] of rows) {
    const place = new Virtual(t);
    const { adapter, given } = silent(place);
    const failing = rejection(connect({ port: 1, framing: utf8, ...options, adapter, clock: place.clock }));
    await place.pass(limit - 1);
    assert.equal(given[0]!.aborted, false);
    // Two ticks of the shared wheel, and the rest of one.
    await place.pass(751);
    const error = await failing;
    assert.ok(error instanceof TimeoutError && error.reason === "connect" && error.limit === limit);
    assert.match(
      error.message,
      /connect to 127\.0\.0\.1:1: no answer within \d+ ms; check that it is reachable/,
    );
    assert.equal(given[0]!.aborted, true);
  }
});

test("S-66: a process that stood still while it connected is not out of time for that", async (t) => {
  const place = new Virtual(t);
  const { adapter, given } = silent(place);
  const options = { port: 1, framing: utf8, connectTimeout: 500, adapter, clock: place.clock };
  const failing = rejection(connect(options));
  await place.pass(100);
  place.clock.stall(900);
  await place.settle();
  assert.equal(given[0]!.aborted, false);
  await place.pass(300);
  assert.equal(given[0]!.aborted, false);
  await place.pass(300);
  const error = await failing;
  assert.ok(error instanceof TimeoutError && error.limit === 500);
});

test("a connectTimeout longer than any timer does not fire at once, and Infinity sets none (F-15)", async (t) => {
  for (const connectTimeout of ["60 days", "Infinity"] as const) {
    const place = new Virtual(t);
    const { adapter } = silent(place);
    const abort = new AbortController();
    const options = {
      port: 1,
      framing: utf8,
      connectTimeout,
      adapter,
      clock: place.clock,
      signal: abort.signal,
    };
    const failing = rejection(connect(options));
    await place.settle();
    assert.equal(place.clock.pendingTimers, connectTimeout === "Infinity" ? 0 : 1);
    abort.abort();
    const error = await failing;
    assert.ok(error instanceof SocketError && error.reason === "aborted");
  }
});

test("the signal aborts connecting before it begins and while it lasts, and drops the connection after (F-36)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, handler: echo });
  const early = await rejection(place.connect(server, { framing: utf8, signal: AbortSignal.abort() }));
  assert.ok(early instanceof SocketError && early.reason === "aborted");
  const abort = new AbortController();
  const client = await place.connect(server, { framing: utf8, signal: abort.signal });
  await place.settle();
  assert.equal(server.connections.size, 1);
  abort.abort();
  const record = await place.drive(client.closed);
  assert.deepEqual([record.reason, record.endedWith], ["aborted", "rst"]);
  await place.settle();
  assert.equal(place.records.at(-1)!.reason, "probe");
});

test("a connection that comes after it was given up is dropped (S-20)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, handler: echo });
  const late = new Gate();
  const adapter: Adapter = {
    ...place.adapter,
    connect: async (options) => {
      const transport = await place.adapter.connect({ ...options, signal: undefined });
      await late.promise;
      return transport;
    },
  };
  const { address } = server;
  const port = address.transport === "tcp" ? address.port : 0;
  const abort = new AbortController();
  const failing = rejection(
    connect({ port, framing: utf8, adapter, clock: place.clock, signal: abort.signal }),
  );
  await place.settle();
  assert.equal(server.connections.size, 1);
  abort.abort();
  late.open();
  const error = await place.drive(failing);
  assert.ok(error instanceof SocketError && error.reason === "aborted");
  await place.settle();
  assert.equal(server.connections.size, 0);
});
