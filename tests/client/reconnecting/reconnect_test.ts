// Clients that connect again: what they tell, what they send, and in which order, on the sockets of the runtime.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { reconnect } from "../../../src/client/reconnecting/reconnect.ts";
import type { ReconnectOptions } from "../../../src/client/reconnecting/reconnect_options.ts";
import type { ReconnectingClient } from "../../../src/client/reconnecting/reconnecting_client.ts";
import { SocketError } from "../../../src/core/errors.ts";
import { lines } from "../../../src/core/framing/lines.ts";
import { within } from "../../contract/within.ts";
import { Gate } from "../../support/frames.ts";
import { Real } from "../../support/server.ts";

const framing = lines({ encoding: "utf-8" });
const soon = { initial: 1, max: 20 };

/** A client that is quiet, connects again soon, and is gone at the end of the test. */
function client(
  t: TestContext,
  options: Partial<ReconnectOptions<string>> & { readonly port: number },
): ReconnectingClient<string> {
  const made = reconnect<string>(
    { framing, reconnect: soon, logger: () => {}, ...options } as ReconnectOptions<string>,
  );
  t.after(() => {
    made.destroy();
    return made.finished;
  });
  return made;
}

const portOf = ({ address }: { readonly address: { readonly transport: string } }): number =>
  (address as unknown as { port: number }).port;

test("a client connects again after its server restarts, and frames go on in one loop (F-37)", async (t) => {
  const place = await Real.at(t);
  const serving = (word: string, port = 0) =>
    place.serve({ port, framing, onFrame: (line, connection) => connection.send(`${word} ${line}`) });
  const first = await serving("first");
  const port = portOf(first);
  const told: string[] = [];
  const down = new Gate();
  const sender = client(t, {
    port,
    onConnecting: () => void told.push("connecting"),
    onConnected: () => void told.push("connected"),
    onDisconnected: ({ record }) => {
      told.push(record === undefined ? "failed" : "disconnected");
      down.open();
    },
  });
  assert.equal(sender.state, "connecting");
  await sender.send("one");
  const loop = sender[Symbol.asyncIterator]();
  assert.deepEqual(await within(loop.next(), () => "an answer"), { value: "first one", done: false });
  const waiting = loop.next();
  await first.close();
  await within(down.promise, () => "the end of the connection");
  const outcome = sender.deliver("two");
  await serving("second", port);
  assert.deepEqual(await within(outcome, () => "an outcome"), { status: "sent" });
  assert.deepEqual(await within(waiting, () => "an answer"), { value: "second two", done: false });
  assert.deepEqual(told.slice(0, 3), ["connecting", "connected", "disconnected"]);
  assert.equal(told.at(-1), "connected");
  assert.equal(sender.state, "connected");
  assert.equal(sender.stats().connections, 2);
  const report = await sender.close();
  assert.deepEqual([report.reason, report.error, report.framesUnsent], ["closed", undefined, 0]);
  assert.deepEqual(await loop.next(), { value: undefined, done: true });
  const late = await sender.deliver("three");
  assert.ok(late.status === "failed" && late.kernel === "none", JSON.stringify(late));
  await assert.rejects(sender.connected, SocketError);
});

test("what is sent before the first connection arrives, and close waits for it (F-37)", async (t) => {
  const place = await Real.at(t);
  const got: string[] = [];
  const server = await place.serve({ framing, onFrame: (line) => void got.push(line) });
  const sender = client(t, { port: portOf(server) });
  for (const word of ["a", "b", "c"]) sender.send(word);
  assert.equal(sender.stats().framesQueued, 3);
  await within(sender.close(), () => "the end");
  await place.gone(1);
  assert.deepEqual(got, ["a", "b", "c"]);
});

test("the hook that logs on comes before anything queued, and may read, also beside onFrame (F-37)", async (t) => {
  for (const direct of [true, false]) {
    const place = await Real.at(t);
    const got: string[] = [];
    const server = await place.serve({
      framing,
      onFrame: (line, connection) => {
        got.push(line);
        if (line === "user") connection.send("welcome");
        else if (line === "secret") {
          connection.send("ok");
          connection.send("news");
        }
      },
    });
    const heard: string[] = [];
    const news = new Gate();
    const down = new Gate();
    const hear = (line: string) => {
      heard.push(line);
      if (line === "news") news.open();
    };
    const sender = client(t, {
      port: portOf(server),
      ...(direct && { onFrame: hear }),
      onDisconnected: ({ record }) => record && down.open(),
      logOn: async (connection) => {
        const answers = connection[Symbol.asyncIterator]();
        await connection.send("user");
        assert.equal((await answers.next()).value, "welcome");
        await connection.send("secret");
        assert.equal((await answers.next()).value, "ok");
        await answers.return!();
      },
    });
    sender.send("queued");
    if (!direct) {
      for await (const line of sender) {
        hear(line);
        break;
      }
    }
    await within(news.promise, () => "news");
    await server.close();
    await within(down.promise, () => "the end of the connection");
    await within(sender.close(), () => "the end");
    await place.gone(1);
    assert.deepEqual(got, ["user", "secret", "queued"]);
    assert.deepEqual(heard, ["news"]);
  }
});

test("a client that may not try again gives up, and says why to everybody (F-37)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ framing, onFrame: () => {} });
  const port = portOf(server);
  await server.destroy();
  let gaveUp = 0;
  const sender = client(t, { port, reconnect: { ...soon, attempts: 2 }, onGaveUp: () => void gaveUp++ });
  const queued = sender.deliver("lost");
  const { reason, error, framesUnsent } = await within(sender.finished, () => "the end");
  assert.deepEqual([reason, framesUnsent, gaveUp, sender.stats().attempts], ["gave_up", 1, 1, 3]);
  assert.ok(error instanceof SocketError && error.reason === "refused", String(error));
  const outcome = await queued;
  assert.ok(outcome.status === "failed" && outcome.kernel === "none");
  await assert.rejects(sender.connected, /gave up: connect to/);
  await assert.rejects(async () => {
    for await (const _ of sender);
  }, error);
});

test("S-34: many clients of a server that restarts all come back, on real sockets", async (t) => {
  const place = await Real.at(t);
  const count = 50;
  const answers = new Set<number>();
  const all = new Gate();
  const serving = (word: string, port = 0) =>
    place.serve({ port, framing, onFrame: (line, connection) => connection.send(`${word} ${line}`) });
  const first = await serving("first");
  const port = portOf(first);
  const clients = Array.from({ length: count }, (_, index) =>
    client(t, {
      port,
      reconnect: { initial: 20, max: 200, jitter: 1 },
      onConnected: (connection) => void connection.send("hello"),
      onFrame: (line) => {
        if (line.startsWith("second")) answers.add(index);
        if (answers.size === count) all.open();
      },
    }));
  await within(Promise.all(clients.map((one) => one.connected)), () => "the first connections");
  await first.destroy();
  await serving("second", port);
  await within(all.promise, () => `answers; ${answers.size} so far`);
});
