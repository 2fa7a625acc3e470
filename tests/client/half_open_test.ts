// A connection that was opened, after the server's FIN: it can still be sent on, if that was asked for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { Gate, rejection } from "../support/frames.ts";
import { type Place, Real, Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });

/** A server that ends at once and collects what comes then, and a client of it. */
async function halfOpen(place: Place, given: object = {}) {
  const came: string[] = [];
  const ended = new Gate();
  const server = await place.serve({
    framing: utf8,
    handler: async (connection) => {
      void connection.send("welcome");
      connection.end();
      for await (const line of connection) came.push(line);
      ended.open();
    },
  });
  const client = await place.connect(server, { framing: utf8, ...given });
  const read: string[] = [];
  const loop = (async () => {
    for await (const line of client) read.push(line);
  })();
  return { server, client, came, read, loop, ended: ended.promise };
}

test("S-45: with allowHalfOpen a client whose loop ended at the server's FIN still sends, and end() ends it (F-47)", async (t) => {
  const place = await Real.at(t);
  const { client, came, read, loop, ended } = await halfOpen(place, { allowHalfOpen: true });
  await place.drive(loop);
  assert.deepEqual(read, ["welcome"]);
  await client.send("one");
  assert.deepEqual(await place.drive(client.deliver("two")), { status: "sent" });
  client.end();
  await place.drive(ended);
  assert.deepEqual(came, ["one", "two"]);
  const record = await place.drive(client.closed);
  assert.deepEqual([record.reason, record.endedWith, record.framesSent], ["peer_closed", "fin", 2]);
  await place.gone(1);
  assert.deepEqual([place.records[0]!.reason, place.records[0]!.framesReceived], ["peer_closed", 2]);
});

test("S-45: without allowHalfOpen a client closes when its loop has ended at the server's FIN", async (t) => {
  const place = new Virtual(t);
  const { client, loop } = await halfOpen(place);
  await place.drive(loop);
  assert.equal((await place.drive(client.closed)).reason, "peer_closed");
  assert.match(String(await rejection(client.send("late"))), /closed|ended/);
});

test("S-45: a client that is half open stays so while it sends, is dropped after closeTimeout without a byte, and close() works", async (t) => {
  const place = new Virtual(t);
  const { client, came, loop } = await halfOpen(place, {
    allowHalfOpen: true,
    closeTimeout: "10 seconds",
    // The server, which has ended, owes nothing more to read.
    readIdleTimeout: "5 seconds",
  });
  await place.drive(loop);
  for (let at = 0; at < 10; at++) {
    void client.send(String(at));
    await place.pass(8_000);
  }
  assert.equal(came.length, 10);
  assert.equal(client.state, "open");
  await place.pass(6_000);
  const record = await place.drive(client.closed);
  assert.deepEqual([record.reason, record.endedWith], ["close_timeout", "rst"]);

  const other = await halfOpen(place, { allowHalfOpen: true });
  await place.drive(other.loop);
  void other.client.send("last");
  await place.drive(other.client.close());
  assert.deepEqual(other.came, ["last"]);
});

test("S-45: only beside a handler, which decides itself, allowHalfOpen is refused, with a sentence that is true", async (t) => {
  const place = new Virtual(t);
  const refused = await rejection(
    place.serve({ framing: utf8, allowHalfOpen: true as never, handler: async () => {} }),
  );
  assert.ok(refused instanceof OptionsError);
  assert.match(refused.message, /allowHalfOpen.*with handler/s);
});
