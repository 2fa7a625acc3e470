// The loop and the two Web Streams of a connection when it ends: each settles, or fails with the cause, and none hangs.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { MillraceError, SocketError, TimeoutError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { rejection } from "../support/frames.ts";
import { it } from "../support/it.ts";
import type { Peer } from "../support/peer.ts";
import { Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });
type Lines = Connection<string>;

/** A server that leaves its connections alone, one connection of it, and its peer. */
async function open(
  t: { after(cleanup: () => unknown): void },
  given: { readonly egressLimit?: number; readonly stalled?: boolean; readonly idleTimeout?: number } = {},
) {
  const place = new Virtual(t as never, { bufferSize: 1_000 });
  const { stalled, ...options } = given;
  const server = await place.serve({ framing: utf8, handler: () => {}, ...options });
  const peer = await place.dial(server, stalled ? "stalled" : undefined);
  await place.settle();
  const [connection] = server.connections.values();
  return { place, server, peer, connection: connection! as unknown as Lines };
}

/** A source that never ends, and whether it was cancelled, and why. */
function endless(text: string): { readonly source: ReadableStream<string>; cancelled: unknown } {
  const made = {
    cancelled: undefined as unknown,
    source: new ReadableStream<string>({
      pull: (controller) => controller.enqueue(text),
      cancel: (reason) => void (made.cancelled = reason),
    }, { highWaterMark: 0 }),
  };
  return made;
}

interface End {
  readonly name: string;
  readonly act: (connection: Lines, server: { destroy(): Promise<unknown> }, peer: Peer) => unknown;
  /** What whoever reads hears; undefined for a clean end. */
  readonly read: RegExp | undefined;
}

const ends: readonly End[] = [
  {
    name: "destroy with a reason",
    act: (connection) => connection.destroy({ reason: "too loud" }),
    read: /SocketError: receive on connection \S+: it was dropped \(killed: too loud\)/,
  },
  { name: "destroy", act: (connection) => connection.destroy(), read: /SocketError: .*\(aborted\)/ },
  { name: "server.destroy", act: (_, server) => void server.destroy(), read: /SocketError: .*\(shutdown\)/ },
  {
    name: "the peer's RST",
    act: (_, __, peer) => peer.transport.abort(),
    read: /FrameError: .*the connection broke/,
  },
  {
    name: "the peer's FIN inside a frame",
    act: (_, __, peer) => peer.end(),
    read: /FrameError: .*the input ended/,
  },
  { name: "close", act: (connection) => void connection.close(), read: undefined },
];

describe("a connection that ends", () => {
  for (const { name, act, read } of ends) {
    it(`S-57: ${name} inside a frame: the loop and the readable ${read ? "fail with the cause" : "end"}`, async (t) => {
      for (const by of ["loop", "waiting loop", "readable", "waiting readable", "unread readable"] as const) {
        const { place, server, peer, connection } = await open(t);
        peer.write("one\ntw");
        await place.settle();
        const got: string[] = [];
        const loop = async () => {
          for await (const line of connection) got.push(line);
        };
        const pipe = () =>
          connection.readable.pipeTo(new WritableStream({ write: (line) => void got.push(line) }));
        const reader = by === "unread readable" ? connection.readable.getReader() : undefined;
        if (reader !== undefined) assert.equal((await place.drive(reader.read())).value, "one");
        const waiting = by === "waiting loop" ? loop() : by === "waiting readable" ? pipe() : reader?.closed;
        waiting?.catch(() => {});
        await place.settle();
        act(connection, server, peer);
        await place.settle();
        peer.abort();
        await place.settle();
        const ended = waiting ?? (by === "loop" ? loop() : pipe());
        if (read === undefined) await place.drive(ended);
        else {
          const error = await place.drive(rejection(ended));
          assert.match(String(error), read, by);
          assert.ok(error instanceof MillraceError);
          assert.equal(error.connectionId, connection.id);
        }
        // What nobody has ever asked for is given up with the connection.
        if (by.startsWith("waiting")) assert.deepEqual(got, ["one"]);
      }
    });

    it(`S-57: ${name}: the writable fails with what a send fails with, and what is piped into it is cancelled`, async (t) => {
      const { place, server, peer, connection } = await open(t, { stalled: true, egressLimit: 2_000 });
      const { writable } = connection;
      peer.write("tw");
      await place.settle();
      const made = endless("x".repeat(500));
      const piped = rejection(made.source.pipeTo(writable));
      await place.settle();
      act(connection, server, peer);
      await place.settle();
      // A peer that takes nothing keeps what was sent before a close() waiting, and the write under way with it.
      peer.abort();
      await place.settle();
      const error = await place.drive(piped);
      assert.ok(error instanceof MillraceError, String(error));
      assert.equal(made.cancelled, error);
      const writer = writable.getWriter();
      assert.equal(await place.drive(rejection(writer.closed)), error);
      assert.equal(await place.drive(rejection(writer.write("late"))), error);
    });

    it(`S-57: ${name}: a writer that does nothing hears of it too`, async (t) => {
      const { place, server, peer, connection } = await open(t);
      const writer = connection.writable.getWriter();
      const closed = rejection(writer.closed);
      peer.write("tw");
      await place.settle();
      act(connection, server, peer);
      await place.settle();
      assert.ok(await place.drive(closed) instanceof MillraceError);
      peer.abort();
      await place.settle();
      // One that is asked for only now is no better off.
      const late = await open(t);
      act(late.connection, late.server, late.peer);
      late.peer.abort();
      await late.place.settle();
      assert.ok(
        await place.drive(rejection(late.connection.writable.getWriter().closed)) instanceof MillraceError,
      );
    });
  }

  it("S-57: FIN at a frame boundary and a drain at one end the loop and the readable cleanly", async (t) => {
    for (const drained of [false, true]) {
      const { place, server, peer, connection } = await open(t);
      const reader = connection.readable.getReader();
      peer.write("one\n");
      assert.equal((await place.drive(reader.read())).value, "one");
      const stopping = drained ? server.close() : undefined;
      if (!drained) peer.end();
      await place.settle();
      assert.deepEqual(await place.drive(reader.read()), { value: undefined, done: true });
      await place.drive(reader.closed);
      peer.end();
      await place.settle();
      if (stopping !== undefined) await place.drive(stopping);
      assert.equal(place.records[0]!.error, undefined);
    }
  });

  it("S-57: a deadline that passes inside a frame is no clean end (F-18)", async (t) => {
    const { place, server, peer, connection } = await open(t);
    peer.write("one\ntw");
    const reading = rejection((async () => {
      for await (const line of connection) assert.equal(line, "one");
    })());
    await place.settle();
    const stopping = rejection(server.close({ deadline: 1_000 }));
    await place.pass(1_100);
    assert.ok(await place.drive(stopping) instanceof TimeoutError);
    const error = await place.drive(reading);
    assert.ok(error instanceof SocketError && error.reason === "aborted", String(error));
  });

  it("S-57: what waited to be taken when it was dropped is taken first, then comes the error", async (t) => {
    const { place, peer, connection } = await open(t);
    const reader = connection.readable.getReader();
    peer.write("one\ntwo\nthree\n");
    assert.equal((await place.drive(reader.read())).value, "one");
    connection.destroy({});
    await place.settle();
    for (const waited of ["two", "three"]) assert.equal((await place.drive(reader.read())).value, waited);
    // With the last of them, the stream knows of the end, without being asked for more.
    const error = await place.drive(rejection(reader.closed));
    assert.ok(error instanceof SocketError && error.reason === "aborted");
  });

  it("S-57: a loop that its own body closes just ends", async (t) => {
    const { place, peer, connection } = await open(t);
    peer.write("one\ntwo\n");
    const got: string[] = [];
    const looped = (async () => {
      for await (const line of connection) {
        got.push(line);
        void connection.close("enough");
      }
    })();
    await place.settle();
    await place.drive(looped);
    assert.deepEqual(got, ["one"]);
    peer.end();
    await place.settle();
  });
});

describe("the writable of a connection whose peer does not read", () => {
  it("S-57: abort() drops the connection at once", async (t) => {
    const { place, connection } = await open(t, { stalled: true, egressLimit: 2_000 });
    const writer = connection.writable.getWriter();
    writer.closed.catch(() => {});
    const writes = Array.from(
      { length: 20 },
      () => rejection(writer.write("x".repeat(500)).then(() => assert.fail)),
    );
    for (const write of writes) write.catch(() => {});
    await place.settle();
    await place.drive(writer.abort(new Error("enough")));
    assert.equal((await place.drive(connection.closed)).reason, "aborted");
  });

  it("S-57: the signal of pipeTo waits for the write under way, as the standard says, which ends with the connection", async (t) => {
    const { place, connection } = await open(t, { stalled: true, egressLimit: 2_000 });
    const abort = new AbortController();
    const made = endless("x".repeat(500));
    const piped = rejection(made.source.pipeTo(connection.writable, { signal: abort.signal }));
    await place.settle();
    const reason = new Error("enough");
    abort.abort(reason);
    await place.settle();
    connection.destroy({});
    await place.drive(piped);
    assert.equal((await place.drive(connection.closed)).reason, "killed");
  });

  it("S-57: a close that waits fails when the connection is dropped", async (t) => {
    const { place, connection } = await open(t, { stalled: true });
    const writer = connection.writable.getWriter();
    writer.closed.catch(() => {});
    await place.drive(writer.write("x".repeat(50_000)));
    const closing = rejection(writer.close());
    await place.settle();
    connection.destroy({ reason: "late" });
    assert.match(String(await place.drive(closing)), /killed: late/);
  });

  it("S-57: one that is asked for after end() has failed already", async (t) => {
    const { place, peer, connection } = await open(t);
    connection.end();
    const writer = connection.writable.getWriter();
    assert.match(String(await place.drive(rejection(writer.closed))), /this side has ended/);
    peer.end();
    await place.settle();
  });

  it("S-57: closing it half-closes, and that is no error", async (t) => {
    const { place, peer, connection } = await open(t);
    const writer = connection.writable.getWriter();
    await place.drive(writer.write("bye"));
    await place.drive(writer.close());
    await place.drive(writer.closed);
    await place.settle();
    assert.ok(peer.ended && peer.text === "bye\n");
    peer.end();
    await place.settle();
  });
});

it("S-57: `await using` closes a connection, and delivers what was sent first", async (t) => {
  const place = new Virtual(t as never);
  const got: string[] = [];
  const server = await place.serve({ framing: utf8, onFrame: (line) => void got.push(line) });
  const client = await place.connect(server, { framing: utf8 });
  await client.send("last words");
  await place.drive(client[Symbol.asyncDispose]());
  assert.equal((await client.closed).reason, "closed");
  assert.deepEqual(got, ["last words"]);
});
