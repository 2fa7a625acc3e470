// What becomes of frames across connections: those that are sent, and those that come.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { FrameError, LimitError, SocketError } from "../../../src/core/errors.ts";
import type { SendOutcome } from "../../../src/core/flow/outcome.ts";
import { lines } from "../../../src/core/framing/lines.ts";
import type { Server } from "../../../src/server/server.ts";
import { Gate, rejection } from "../../support/frames.ts";
import { Virtual } from "../../support/server.ts";
import { clientIn, framing, portOf } from "./support.ts";

const unused = 4711;
const soon = { initial: 10, max: 10, jitter: 0 };

/** A server that notes what it gets. */
async function noting(place: Virtual, port = 0): Promise<{ server: Server<string>; got: string[] }> {
  const got: string[] = [];
  const server = await place.serve({ port, framing, onFrame: (line) => void got.push(line) });
  return { server, got };
}

/** The outcome without the error. */
const shown = (outcome: SendOutcome): string =>
  outcome.status === "failed"
    ? `failed ${outcome.kernel}`
    : outcome.status === "dropped"
    ? `dropped ${outcome.policy}`
    : outcome.status;

test("keep: what fits is sent in order, what does not is refused, and senders wait from half on (F-37)", async (t) => {
  const place = new Virtual(t);
  const client = clientIn(t, place, { port: unused, reconnect: soon, queue: { maxFrames: 4 } });
  assert.equal(client.send("a"), undefined);
  assert.equal(client.send("b"), undefined);
  const waits = [client.send("c"), client.send("d")];
  assert.ok(waits.every((wait) => wait instanceof Promise));
  const refused = await rejection(client.send("e"));
  assert.ok(refused instanceof LimitError && refused.reason === "waiting_sends" && refused.limit === 4);
  assert.equal(shown(await client.deliver("e")), "failed none");
  const { got } = await noting(place, unused);
  await place.pass(50);
  await place.drive(Promise.all(waits));
  assert.deepEqual([got, client.stats().framesQueued, client.stats().bytesQueued], [
    ["a", "b", "c", "d"],
    0,
    0,
  ]);
  assert.equal(client.send("f"), undefined);
  await place.drive(client.flush());
  await place.settle();
  assert.equal(got.at(-1), "f");
});

test("the queue is bounded in bytes too, and takes one frame of any size (F-37)", async (t) => {
  const place = new Virtual(t);
  const client = clientIn(t, place, { port: unused, reconnect: soon, queue: { maxBytes: 10 } });
  const large = client.deliver("a line that is longer than that");
  assert.ok(await rejection(client.send("b")) instanceof LimitError);
  assert.equal(client.stats().framesQueued, 1);
  const { got } = await noting(place, unused);
  await place.pass(50);
  assert.equal(shown(await place.drive(large)), "sent");
  await place.settle();
  assert.deepEqual(got, ["a line that is longer than that"]);
});

test("drop-oldest: the newest are sent, the others are told and counted (F-37)", async (t) => {
  const place = new Virtual(t);
  const queue = { maxFrames: 2, policy: "drop-oldest" } as const;
  const client = clientIn(t, place, { port: unused, reconnect: soon, queue });
  const outcomes = ["a", "b", "c"].map((line) => client.deliver(line));
  assert.equal(client.send("d"), undefined);
  const { got } = await noting(place, unused);
  await place.pass(50);
  assert.deepEqual((await place.drive(Promise.all(outcomes))).map(shown), [
    "dropped drop-oldest",
    "dropped drop-oldest",
    "sent",
  ]);
  await place.settle();
  assert.deepEqual([got, client.stats().framesDropped], [["c", "d"], 2]);
});

test("fail: without a connection nothing is kept (F-37)", async (t) => {
  const place = new Virtual(t);
  const { server, got } = await noting(place);
  const client = clientIn(t, place, { port: portOf(server), queue: { policy: "fail" } });
  const refused = await rejection(client.send("early"));
  assert.ok(refused instanceof SocketError && refused.reason === "closed");
  await place.drive(client.connected);
  await client.send("now");
  await place.drive(client.close());
  assert.deepEqual(got, ["now"]);
});

test("a frame that cannot be written is refused at once, with a connection or without (F-37)", async (t) => {
  const place = new Virtual(t);
  const { server } = await noting(place);
  const client = clientIn(t, place, {
    port: portOf(server),
    framing: lines({ encoding: "utf-8", checkSent: true }),
  });
  assert.throws(() => client.send("two\nlines"), FrameError);
  assert.ok(await rejection(client.deliver("two\nlines")) instanceof FrameError);
  await place.drive(client.connected);
  assert.throws(() => client.send("two\nlines"), FrameError);
});

test("of a connection that breaks, each frame is sent, not sent or unknown, and none is sent twice (F-37, F-67)", async (t) => {
  const place = new Virtual(t);
  const stalled = await place.serve({
    framing: lines({ encoding: "utf-8", maxFrameBytes: 1_000_000 }),
    onFrame: () => new Gate().promise,
  });
  const client = clientIn(t, place, {
    port: portOf(stalled),
    reconnect: soon,
    framing: lines({ encoding: "utf-8", maxFrameBytes: 1_000_000 }),
    egressLimit: 10_000_000,
  });
  await place.drive(client.connected);
  const line = "x".repeat(200_000);
  const outcomes = Array.from({ length: 20 }, () => client.deliver(line));
  await place.settle();
  await place.drive(stalled.destroy());
  const again = await place.serve({ port: portOf(stalled), framing, onFrame: () => {} });
  const told = (await place.drive(Promise.all(outcomes))).map(shown);
  const order = ["sent", "failed unknown", "failed none"];
  assert.deepEqual(told, [...told].sort((one, other) => order.indexOf(one) - order.indexOf(other)));
  for (const outcome of order) assert.ok(told.includes(outcome), `${outcome}: ${told}`);
  const sent = told.filter((outcome) => outcome === "sent").length;
  assert.equal(client.stats().framesLost, told.length - sent);
  await place.pass(50);
  await place.drive(client.connected);
  assert.equal(again.stats().framesReceived, 0);
});

test("what is queued for a slow server waits in the queue, and frames sent meanwhile stay behind it (F-37)", async (t) => {
  const place = new Virtual(t);
  const gate = new Gate();
  const got: string[] = [];
  const client = clientIn(t, place, {
    port: unused,
    reconnect: soon,
    egressLimit: 20_000,
    framing: lines({ encoding: "utf-8", maxFrameBytes: 100_000 }),
  });
  const name = (index: number): string => `${index} `.padEnd(30_000, "x");
  for (let index = 0; index < 30; index++) client.send(name(index));
  await place.serve({
    port: unused,
    framing: lines({ encoding: "utf-8", maxFrameBytes: 100_000 }),
    ingressLimit: 10_000,
    onFrame: (line) => {
      got.push(line.split(" ")[0]!);
      return gate.promise;
    },
  });
  await place.pass(50);
  assert.ok(client.stats().framesQueued > 0, "the server is too fast for this test");
  client.send(name(30));
  gate.open();
  await place.drive(client.flush());
  await place.drive(client.close());
  assert.deepEqual(got, Array.from({ length: 31 }, (_, index) => String(index)));
});

/** A server whose connections get these lines at once, and end. */
async function speaking(place: Virtual, words: readonly string[]): Promise<Server<string>> {
  let at = 0;
  return await place.serve({
    framing,
    handler: async (connection) => {
      const word = words[at++];
      if (word === undefined) { for await (const _ of connection); }
      else for (let index = 0; index < 3; index++) await connection.send(`${word} ${index}`);
    },
  });
}

async function taken(t: TestContext, many: boolean): Promise<void> {
  const place = new Virtual(t);
  const server = await speaking(place, ["a", "b", "c", "d"]);
  const client = clientIn(t, place, { port: portOf(server), reconnect: soon });
  const got: string[] = [];
  const loop = (async () => {
    if (many) { for await (const batch of client.batches()) got.push(...batch); }
    else for await (const line of client) got.push(line);
  })();
  for (let step = 0; step < 20 && got.length < 12; step++) await place.pass(100);
  await place.drive(client.close());
  await place.drive(loop);
  assert.deepEqual(got, ["a", "b", "c", "d"].flatMap((word) => [0, 1, 2].map((index) => `${word} ${index}`)));
}

test("one loop takes the frames of all connections, one by one or in batches, and ends with close (F-37)", async (t) => {
  await taken(t, false);
  await taken(t, true);
});

test("a loop that is slow holds up further connections and loses nothing; without one, old frames are dropped and counted (F-37)", async (t) => {
  const place = new Virtual(t);
  const server = await speaking(place, ["a", "b", "c", "d", "e"]);
  const common = { port: portOf(server), reconnect: soon, closeTimeout: 100 };
  const client = clientIn(t, place, common);
  const loop = client[Symbol.asyncIterator]();
  assert.equal((await place.drive(loop.next())).value, "a 0");
  for (let step = 0; step < 50; step++) await place.pass(100);
  assert.ok(client.stats().connections <= 3, `${client.stats().connections} connections`);
  const got: unknown[] = [];
  for (let step = 0; step < 14; step++) {
    const next = loop.next();
    for (let wait = 0; wait < 5; wait++) await place.pass(100);
    got.push((await place.drive(next)).value);
  }
  assert.equal(got.at(-1), "e 2");
  assert.equal(got.length, 14);
  assert.equal(client.stats().framesUnhandled, 0);
  client.destroy();
  await place.drive(client.finished);

  const other = await speaking(place, ["a", "b", "c"]);
  const lazy = clientIn(t, place, { ...common, port: portOf(other) });
  for (let step = 0; step < 50 && lazy.stats().connections < 4; step++) await place.pass(100);
  assert.equal(lazy.stats().framesReceived, 9);
  assert.equal(lazy.stats().framesUnhandled, 6);
  assert.equal((await place.drive(lazy[Symbol.asyncIterator]().next())).value, "c 0");
});

test("a second reader at a time is refused, and leaving a loop leaves its frames in place (F-37)", async (t) => {
  const place = new Virtual(t);
  const server = await speaking(place, []);
  const client = clientIn(t, place, { port: portOf(server) });
  const one = client[Symbol.asyncIterator]();
  const waiting = one.next();
  await assert.rejects(client[Symbol.asyncIterator]().next(), /one reader at a time/);
  await place.drive(client.connected);
  await assert.rejects(client[Symbol.asyncIterator]().next(), /one reader at a time/);
  await one.return!();
  assert.deepEqual(await place.drive(waiting), { value: undefined, done: true });
  assert.deepEqual(await one.next(), { value: undefined, done: true });
  const two = client[Symbol.asyncIterator]();
  const next = two.next();
  await place.settle();
  await [...server.connections.values()][0]!.send("hello");
  assert.equal((await place.drive(next)).value, "hello");
});
