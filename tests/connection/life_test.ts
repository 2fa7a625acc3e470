// The order of a connection's events, and which of several causes of its end is told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { Adapter, Transport, TransportEvents } from "../../src/core/transport.ts";
import { serve } from "../../src/server/serve.ts";
import { bytes, echo } from "../support/frames.ts";
import { Virtual } from "../support/server.ts";

test("the first cause stays: a handler that throws because its peer broke off is not what ended it (F-62)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines({ encoding: "utf-8" }), handler: echo });
  const peer = await place.dial(server);
  const [connection] = server.connections.values();
  void connection!.close("first");
  void connection!.close("second");
  peer.abort();
  await place.settle();
  assert.deepEqual([place.records[0]!.reason, place.records[0]!.message], ["closed", "first"]);
});

test("the events of a connection come in order, each once (F-24)", async (t) => {
  const place = new Virtual(t);
  const told: string[] = [];
  const server = await place.serve({
    framing: lines({ encoding: "utf-8", maxFrameBytes: 5, onFrameError: "skip" }),
    context: () => void told.push("context"),
    onConnect: (connection) => {
      told.push(`connect ${connection.state}`);
      connection.signal.addEventListener("abort", () => told.push(`signal ${connection.state}`));
    },
    onFirstByte: (connection) => void told.push(`first of ${connection.stats().bytesReceived} bytes`),
    onDrain: (connection) => void told.push(`drain ${connection.state}`),
    onFrame: (line) => void told.push(line),
    onFrameError: ({ reason }) => void told.push(reason),
    onDisconnect: ({ durationMs }, connection) => void told.push(`${connection.state} after ${durationMs}`),
  });
  const peer = await place.dial(server);
  peer.write("one\nfar too long\ntwo\n");
  await place.pass(70);
  void server.close();
  await place.settle();
  peer.end();
  await place.settle();
  assert.deepEqual(told, [
    "context",
    "connect open",
    "first of 21 bytes",
    "one",
    "too_large",
    "two",
    "signal draining",
    "drain draining",
    "closed after 70",
  ]);
});

test("the first byte is told once: before what is made of it, be that nothing yet, a frame or a fault (F-24)", async (t) => {
  for (
    const [chunks, expected] of [
      [["o", "ne\n", "two\n"], ["first", "one", "two"]],
      [["one\ntwo\n", "three\n"], ["first", "one", "two", "three"]],
      [["far too long\n", "two\n"], ["first", "too_large"]],
      [["o"], ["first", "truncated"]],
      [[], []],
    ] as const
  ) {
    const place = new Virtual(t);
    const told: string[] = [];
    const server = await place.serve({
      framing: lines({ encoding: "utf-8", maxFrameBytes: 5 }),
      onFirstByte: () => void told.push("first"),
      onFrame: (line) => void told.push(line),
      onFrameError: ({ reason }) => void told.push(reason),
    });
    const peer = await place.dial(server);
    for (const chunk of chunks) {
      peer.write(chunk);
      await place.settle();
    }
    peer.end();
    await place.settle();
    assert.deepEqual(told, expected);
    assert.equal(server.stats().firstByteCount, chunks.length > 0 ? 1 : 0);
  }
});

test("a first byte that its hook does not want ends the connection: no frame comes, and onError hears (F-24)", async (t) => {
  for (const reason of ["handler_error", "aborted"] as const) {
    const place = new Virtual(t);
    const told: unknown[] = [];
    const server = await place.serve({
      framing: lines({ encoding: "utf-8" }),
      onFirstByte: (connection) => {
        if (reason === "handler_error") throw new Error("unwanted");
        connection.destroy();
      },
      onFrame: (line) => void told.push(line),
      onError: (error) => void told.push((error as Error).message),
    });
    const peer = await place.dial(server);
    peer.write("one\ntwo\n");
    await place.settle();
    peer.end();
    await place.settle();
    assert.deepEqual(told, reason === "handler_error" ? ["unwanted"] : []);
    assert.equal(place.records[0]!.reason, reason);
    assert.equal(place.records[0]!.framesUnhandled, 2);
    assert.equal(server.stats().handlerErrors, reason === "handler_error" ? 1 : 0);
  }
});

test("a client hears of its first byte too", async (t) => {
  const place = new Virtual(t);
  const told: string[] = [];
  const server = await place.serve({
    framing: lines({ encoding: "utf-8" }),
    onFrame: (line, connection) => void connection.send(line),
  });
  const client = await place.connect(server, {
    framing: lines({ encoding: "utf-8" }),
    onFirstByte: () => void told.push("first"),
    onFrame: (line) => void told.push(line),
  });
  await client.send("hello");
  await place.settle();
  assert.deepEqual(told, ["first", "hello"]);
});

test("a transport that tells everything before start returns leaves nothing behind", async (t) => {
  for (const fault of [false, true]) {
    const place = new Virtual(t);
    const told: string[] = [];
    const adapter: Adapter = {
      ...memoryAdapter({ clock: place.clock }),
      listen: (options, accept) => {
        place.clock.endOfTurn(() => accept(hasty(fault)));
        return Promise.resolve({ address: options.address, stop: () => Promise.resolve() });
      },
    };
    const server = await place.drive(serve({
      port: 1,
      framing: lines(),
      logger: () => {},
      adapter,
      clock: place.clock,
      onFrame: () => {
        if (fault) throw new Error("boom");
        told.push("frame");
      },
      onDisconnect: ({ reason }) => void told.push(reason),
    }));
    await place.settle();
    assert.deepEqual(told, fault ? ["handler_error"] : ["frame", "peer_closed"]);
    assert.equal(place.clock.pendingTimers, 0);
    await place.drive(server.destroy());
  }
});

function hasty(withRst: boolean): Transport {
  const local = { transport: "tcp", host: "127.0.0.1", port: 1 } as const;
  return {
    peer: { ip: "127.0.0.1", port: 2, local },
    start: (events: TransportEvents) => {
      events.data(bytes("hi\n"));
      if (!withRst) events.end();
      events.close();
    },
    resume: () => {},
    write: () => true,
    taken: 0,
    prompt: true,
    end: () => {},
    release: () => {},
    abort: () => {},
  };
}
