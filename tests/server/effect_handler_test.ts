// Handlers that are Effects: interrupted with their connection, and run by `millrace/effect` alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Effect from "effect/Effect";
import type { Connection } from "../../src/connection/connection.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { asHandler, serveEffects } from "../support/effect.ts";
import { Gate } from "../support/frames.ts";
import { Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });
type Text = Connection<string>;

test("an Effect handler is interrupted when its connection ends, and its finalizers run (F-24)", async (t) => {
  const place = new Virtual(t);
  const told: string[] = [];
  const server = await place.serve({
    framing: utf8,
    handler: asHandler((connection: Text) =>
      Effect.never.pipe(
        Effect.onInterrupt(() => Effect.sync(() => void told.push("interrupted"))),
        Effect.ensuring(Effect.sync(() => void told.push(connection.state))),
      )
    ),
  }, serveEffects);
  const peer = await place.dial(server);
  peer.write("one\n");
  await place.settle();
  peer.abort();
  await place.settle();
  assert.deepEqual(told, ["interrupted", "closed"]);
  assert.equal(server.stats().handlerErrors, 0);
  assert.equal(place.records[0]!.reason, "peer_reset");
  const draining = server.close();
  assert.equal((await place.drive(draining)).open, 0);
});

test("an Effect handler that is not interrupted ends by its own when the server drains (F-18)", async (t) => {
  const place = new Virtual(t);
  const gate = new Gate();
  const server = await place.serve({
    framing: utf8,
    handler: asHandler((connection: Text) =>
      Effect.promise(async () => {
        await gate.promise;
        await connection.send("done");
      })
    ),
  }, serveEffects);
  const peer = await place.dial(server);
  const draining = server.close();
  await place.settle();
  assert.equal(peer.ended, false);
  gate.open();
  await place.settle();
  assert.equal(peer.text, "done\n");
  peer.end();
  assert.deepEqual((await place.drive(draining)).destroyed, []);
});

/** What Effect 3 calls its Effects, which this project has not installed. */
const ofEffect3 = { [Symbol.for("effect/Effect")]: {} };

for (
  const [name, effect, by] of [
    ["an Effect, under the serve of promises", Effect.void, undefined],
    ["an Effect of version 3, under the serve of promises", ofEffect3, undefined],
    ["an Effect of version 3, under the serve of Effect", ofEffect3, serveEffects],
  ] as const
) {
  test(`a handler that returns ${name} is refused with what to import, and is not left unrun in silence (F-24)`, async (t) => {
    const place = new Virtual(t);
    const heard: unknown[] = [];
    const server = await place.serve({
      framing: utf8,
      handler: (() => effect) as never,
      onError: (error) => void heard.push(error),
    }, by);
    await place.dial(server);
    await place.settle();
    assert.ok(heard[0] instanceof OptionsError);
    assert.match(heard[0].message, /^handler: .*millrace\/effect/);
    assert.equal(place.records[0]?.reason ?? server.inspect().connections[0]?.state, "closing");
  });
}

test("the handler of another protocol on the port may be an Effect as well (F-82, F-24)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: utf8,
    firstBytes: {
      protocols: [{
        name: "admin",
        startsWith: "ADMIN",
        framing: utf8,
        handler: asHandler((connection: Text) =>
          Effect.promise(() => Promise.resolve(connection.send("by Effect")))
        ),
      }],
    },
    onFrame: (line, connection) => connection.send(line),
  }, serveEffects);
  const peers = await place.dialMany(server, 2);
  peers[0]!.write("ADMIN\n");
  peers[1]!.write("hello\n");
  await place.settle();
  assert.deepEqual(peers.map(({ text }) => text), ["by Effect\n", "hello\n"]);
  for (const peer of peers) peer.end();
  await place.settle();
  assert.deepEqual(place.records.map(({ protocol, reason }) => [protocol, reason]), [
    ["admin", "handler_done"],
    [undefined, "peer_closed"],
  ]);
});
