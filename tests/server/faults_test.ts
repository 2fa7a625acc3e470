// Handlers that fail, hang, or are cut off: only their own connection pays.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Effect from "effect/Effect";
import type { Connection } from "../../src/connection/connection.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { echo } from "../support/frames.ts";
import { serveEffects } from "../support/effect.ts";
import { Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });
type Text = Connection<string>;

test("S-29: a handler or hook that throws, rejects or fails ends its own connection, once, after what it sent (F-24)", async (t) => {
  const boom = new Error("boom");
  const fail = () => {
    throw boom;
  };
  const talk = async (connection: Text) => {
    void connection.send("last words");
    await Promise.resolve();
    throw boom;
  };
  const rows: Readonly<Record<string, object>> = {
    "a handler that throws": { handler: fail },
    "a handler that rejects": { handler: talk },
    "a handler whose Effect fails": { handler: (connection: Text) => Effect.promise(() => talk(connection)) },
    "a handler whose Effect fails with a value": {
      handler: (connection: Text) =>
        Effect.andThen(Effect.sync(() => void connection.send("last words")), Effect.fail(boom)),
    },
    "onFrame that throws": { onFrame: fail },
    "onFrame that rejects": { onFrame: (_: string, connection: Text) => talk(connection) },
    "onConnect that throws": { onConnect: fail, handler: echo },
    "context that throws": { context: fail, handler: echo },
  };
  for (const [name, options] of Object.entries(rows)) {
    await t.test(name, async (t) => {
      const place = new Virtual(t);
      const heard: unknown[] = [];
      const server = await place.serve({
        framing: utf8,
        onError: (error: unknown) => void heard.push(error),
        ...options,
      } as never, /Effect/.test(name) ? serveEffects : undefined);
      const peer = await place.dial(server);
      peer.write("go\nmore\n");
      await place.settle();
      assert.deepEqual(heard, [boom]);
      assert.ok(peer.ended);
      if (/rejects|Effect/.test(name)) assert.equal(peer.text, "last words\n");
      peer.end();
      await place.settle();
      const [record] = place.records;
      assert.deepEqual([record!.reason, record!.endedBy, record!.message], [
        "handler_error",
        "local",
        "boom",
      ]);
      assert.equal(place.records.length, 1);
      assert.equal(server.stats().handlerErrors, 1);
      assert.deepEqual(place.messages.filter((message) => message === "handler failed").length, 1);
    });
  }
});

test("S-29: while one handler throws and another hangs, the others are answered", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      for await (const line of connection) {
        if (line === "throw") throw new Error("thrown");
        if (line === "hang") await new Promise<void>(() => {});
        await connection.send(line);
      }
    },
  });
  const [one, two, three] = [await place.dial(server), await place.dial(server), await place.dial(server)];
  one.write("throw\n");
  two.write("hang\n");
  await place.settle();
  three.write("fine\n");
  await place.settle();
  assert.equal(three.text, "fine\n");
  assert.ok(one.ended && !two.ended);
  // Long after its peer has gone, the one that hangs has let go of everything but itself.
  two.abort();
  await place.settle();
  assert.equal(server.connections.size, 2);
});

test("S-29: hooks that throw at the end are counted and logged, and the end is the end (F-24)", async (t) => {
  const place = new Virtual(t);
  const broken = () => {
    throw new Error("broken hook");
  };
  const server = await place.serve({
    framing: lines({ encoding: "utf-8", maxFrameBytes: 5, onFrameError: "skip" }),
    handler: echo,
    onDisconnect: broken,
    onFrameError: broken,
  });
  const peer = await place.dial(server);
  peer.write("too long\nok\n").end();
  await place.settle();
  assert.equal(peer.text, "ok\n");
  assert.ok(peer.closed);
  assert.equal(server.stats().handlerErrors, 2);
  assert.equal(server.stats().connectionsActive, 0);
});

test("S-29: a framing of the user's own that throws is a malformed frame, and one that throws at once is a handler's error", async (t) => {
  const place = new Virtual(t);
  const own = (decoder: () => never) => ({ name: "own", encode: () => {}, decoder });
  const throwing = {
    get buffered() {
      return 0;
    },
    push: () => {
      throw new TypeError("own fault");
    },
  };
  const server = await place.serve<Uint8Array>({ framing: own(() => throwing as never), onFrame: () => {} });
  const peer = await place.dial(server);
  peer.write("x");
  await place.settle();
  peer.end();
  await place.settle();
  assert.equal(place.records[0]!.reason, "frame_error");
  assert.match(String(place.records[0]!.message), /framing own threw TypeError: own fault/);
});

test("the connection's own end that passes through a handler is no error of the handler's", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      await connection.flush();
      for (;;) await connection.send("x".repeat(60_000));
    },
  });
  const peer = await place.dial(server, "stalled");
  await place.settle();
  peer.abort();
  await place.settle();
  assert.equal(server.stats().handlerErrors, 0);
  assert.equal(place.records[0]!.reason, "peer_reset");
});
