// Frames as a loop, as a Web Stream, and one at a time through onFrame.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameError, IdleTimeoutError } from "../../src/core/errors.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { Gate, rejection } from "../support/frames.ts";
import { Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });

test("breaking out of a loop leaves the connection open and the other frames in place", async (t) => {
  const place = new Virtual(t);
  const got: string[] = [];
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      for await (const line of connection) {
        got.push(line);
        break;
      }
      for await (const line of connection) got.push(`again ${line}`);
      assert.deepEqual(await connection[Symbol.asyncIterator]().next(), { value: undefined, done: true });
      await connection.send(got.join());
    },
  });
  const peer = await place.dial(server);
  peer.write("one\ntwo\nthree\n").end();
  await place.settle();
  assert.equal(peer.text, "one,again two,again three\n");
});

test("two readers at a time: the second is refused, the first is not disturbed", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, handler: () => {} });
  const peer = await place.dial(server);
  const [connection] = server.connections.values();
  const first = connection!.readable.getReader().read();
  await place.settle();
  assert.match(
    String(await rejection(connection![Symbol.asyncIterator]().next())),
    /use one reader at a time/,
  );
  peer.write("one\n");
  assert.deepEqual(await place.drive(first), { value: "one", done: false });
});

test("an error ends the loop after the frames before it, once; then the loop is over", async (t) => {
  const place = new Virtual(t);
  const gate = new Gate();
  const seen: string[] = [];
  const server = await place.serve({
    framing: lines({ encoding: "utf-8", maxFrameBytes: 5 }),
    handler: async (connection) => {
      await gate.promise;
      const error = await rejection((async () => {
        for await (const line of connection) seen.push(line);
      })());
      assert.ok(error instanceof FrameError && error.reason === "too_large");
      for await (const line of connection) seen.push(`more ${line}`);
      seen.push("over");
    },
  });
  const peer = await place.dial(server);
  peer.write("one\ntwo\nfar too long\nfour\n");
  await place.settle();
  gate.open();
  await place.settle();
  assert.deepEqual(seen, ["one", "two", "over"]);
  assert.ok(peer.ended);
  assert.equal(place.logs.filter(({ message }) => message === "handler failed").length, 0);
});

test("a loop without a handler ends with the connection's own error: a client's idle timeout, say", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, handler: () => {} });
  const client = await place.connect(server, { framing: utf8, idleTimeout: "5 seconds" });
  const failing = rejection((async () => {
    for await (const _ of client);
  })());
  await place.pass(6_000);
  const error = await failing;
  assert.ok(error instanceof IdleTimeoutError && error.connectionId === client.id);
  assert.equal((await place.drive(client.closed)).reason, "idle_timeout");
});

test("close() while a loop waits ends it quietly, and frames that nobody took are counted (F-62)", async (t) => {
  const place = new Virtual(t);
  const looped = new Gate();
  const server = await place.serve({
    framing: utf8,
    handler: (connection) => {
      if (server.connections.size > 1) return;
      void (async () => {
        for await (const _ of connection);
        looped.open();
      })();
    },
  });
  const [peer, unread] = [await place.dial(server), await place.dial(server)];
  unread.write("one\ntwo\n");
  await place.settle();
  const [looping, idle] = [...server.connections.values()];
  const closed = looping!.close("that is all");
  peer.end();
  await place.drive(looped.promise);
  const record = await place.drive(closed);
  assert.deepEqual([record.reason, record.message, record.endedWith], ["closed", "that is all", "fin"]);
  assert.equal(await looping!.close(), record);
  void idle!.close();
  unread.end();
  await place.settle();
  assert.equal(place.records[1]!.framesUnhandled, 2);
});

test("a promise from onFrame holds later frames back, and they come in order (F-41)", async (t) => {
  const place = new Virtual(t);
  const gates = new Map<string, Gate>();
  const began: string[] = [];
  const server = await place.serve({
    framing: utf8,
    onFrame: (line, connection) => {
      began.push(line);
      void connection.send(line);
      if (!line.startsWith("slow")) return;
      const gate = new Gate();
      gates.set(line, gate);
      return gate.promise;
    },
  });
  const peer = await place.dial(server);
  peer.write("fast\nslow 1\nnext\nslow 2\nlast\n");
  await place.settle();
  assert.deepEqual(began, ["fast", "slow 1"]);
  assert.equal(peer.text, "fast\nslow 1\n");
  gates.get("slow 1")!.open();
  await place.settle();
  assert.deepEqual(began, ["fast", "slow 1", "next", "slow 2"]);
  peer.end();
  gates.get("slow 2")!.open();
  await place.settle();
  assert.equal(peer.text, "fast\nslow 1\nnext\nslow 2\nlast\n");
  assert.ok(peer.closed);
});

test("frames and sends are Web Streams too, with backpressure both ways (F-41, F-42)", async (t) => {
  const place = new Virtual(t, { bufferSize: 1_000 });
  const server = await place.serve({
    framing: utf8,
    egressLimit: 1_000,
    handler: async (connection) => {
      const upper = new TransformStream<string, string>({
        transform: (line, controller) => controller.enqueue(line.toUpperCase()),
      });
      await connection.readable.pipeThrough(upper).pipeTo(connection.writable);
    },
  });
  const peer = await place.dial(server);
  const line = "x".repeat(99) + "\n";
  peer.write(line.repeat(200)).end();
  await place.settle();
  await place.drive(peer.whenClosed());
  assert.equal(peer.text, line.repeat(200).toUpperCase());
  assert.equal(place.records[0]!.reason, "peer_closed");
});

test("a Web Stream of frames fails with the connection's error, and cancelling it closes the connection", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: lines({ encoding: "utf-8", maxFrameBytes: 5 }),
    handler: () => {},
  });
  const [one, two] = [await place.dial(server), await place.dial(server)];
  const [first, second] = [...server.connections.values()];
  one.write("ok\nfar too long\n");
  const reader = first!.readable.getReader();
  assert.deepEqual(await place.drive(reader.read()), { value: "ok", done: false });
  assert.ok(await place.drive(rejection(reader.read())) instanceof FrameError);
  await place.drive(second!.readable.cancel());
  await place.settle();
  assert.ok(two.ended && one.ended);
  const writer = second!.writable.getWriter();
  assert.match(String(await place.drive(rejection(writer.write("late")))), /this side has ended/);
});

test("S-9: the end of the input inside a frame is a fault, though a framing of one's own says nothing of it", async (t) => {
  const place = new Virtual(t);
  const pairs: Framing<string> = {
    name: "pairs",
    decoder() {
      let held = "";
      return {
        get buffered() {
          return held.length;
        },
        push(chunk, next) {
          for (const byte of chunk) {
            held += String.fromCharCode(byte);
            if (held.length < 2) continue;
            next(held);
            held = "";
          }
        },
      };
    },
    encode: (frame, out) => out.text(frame),
  };
  const got: string[] = [];
  const server = await place.serve<string>({ framing: pairs, onFrame: (pair) => void got.push(pair) });
  const peer = await place.dial(server);
  const [connection] = server.connections.values();
  peer.write("aabbc").end();
  await place.settle();
  const { reason, error } = await connection!.closed;
  assert.deepEqual([got.join(), reason], ["aa,bb", "frame_error"]);
  assert.ok(error instanceof FrameError && error.reason === "truncated" && error.offset === 4, String(error));
});
