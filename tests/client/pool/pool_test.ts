// A pool over one target: who gets which connection, when, and what becomes of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LimitError, OptionsError, SocketError, TimeoutError } from "../../../src/core/errors.ts";
import type { Connection } from "../../../src/connection/connection.ts";
import { pool } from "../../../src/client/pool/pool.ts";
import { Gate, rejection } from "../../support/frames.ts";
import { Real, Virtual } from "../../support/server.ts";
import { ask, type Lent, named, poolAt, utf8 } from "./support.ts";

test("the connection used last is lent again, and there are never more than max (F-38)", async (t) => {
  const place = new Virtual(t);
  const users = await poolAt(place, [await named(place, "one")], { max: 2 });
  const first = await place.drive(users.borrow());
  const second = await place.drive(users.borrow());
  const third = users.borrow();
  await place.settle();
  assert.deepEqual([users.inspect().lent, users.inspect().waiting], [2, 1]);
  first.release();
  assert.equal((await place.drive(third)).connection, first.connection);
  (await third).release();
  second.release();
  const again = await place.drive(users.borrow());
  assert.equal(again.connection, second.connection);
  again.release();
  again.release();
  first.release();
  const { idle, lent, opened, borrows, waits } = users.inspect();
  assert.deepEqual({ idle, lent, opened, borrows, waits }, {
    idle: 2,
    lent: 0,
    opened: 2,
    borrows: 4,
    waits: 3,
  });
});

test("borrowers are served in the order of their calls, and one that gives up holds up nobody (F-38)", async (t) => {
  const place = new Virtual(t);
  const users = await poolAt(place, [await named(place, "one")], { max: 1 });
  const holder = await place.drive(users.borrow());
  const order: string[] = [];
  const abort = new AbortController();
  const wait = (name: string, signal?: AbortSignal) =>
    users.use(() => void order.push(name), { signal }).catch((error) =>
      void order.push(`${name} ${error.reason}`)
    );
  const all = [wait("a"), wait("b", abort.signal), wait("c")];
  await place.settle();
  abort.abort();
  holder.release();
  await place.drive(Promise.all(all));
  assert.deepEqual(order.filter((name) => name !== "b aborted"), ["a", "c"]);
  assert.equal(order.length, 3);
  const aborted = await rejection(users.borrow({ signal: abort.signal }));
  assert.ok(aborted instanceof SocketError && aborted.reason === "aborted");
});

test("a borrower waits for borrowTimeout and no longer, and its connection goes to another (F-38)", async (t) => {
  const place = new Virtual(t);
  const users = await poolAt(place, [await named(place, "one")], { max: 1, borrowTimeout: "2 seconds" });
  const holder = await place.drive(users.borrow());
  const late = rejection(users.borrow());
  const own = rejection(users.borrow({ timeout: 500 }));
  await place.pass(1_000);
  assert.equal((await own as TimeoutError).limit, 500);
  assert.equal(users.inspect().waiting, 1);
  await place.pass(2_000);
  const error = await late;
  assert.ok(error instanceof TimeoutError && error.reason === "borrow", String(error));
  holder.release();
  const { idle, timeouts, waiting } = users.inspect();
  assert.deepEqual({ idle, timeouts, waiting }, { idle: 1, timeouts: 2, waiting: 0 });
});

test("no more than maxWaiting wait (F-38)", async (t) => {
  const place = new Virtual(t);
  const users = await poolAt(place, [await named(place, "one")], { max: 1, maxWaiting: 1 });
  const holder = await place.drive(users.borrow());
  const waiting = users.borrow();
  const error = await rejection(users.borrow());
  assert.ok(error instanceof LimitError && error.reason === "waiting_borrows" && error.limit === 1);
  assert.equal(users.inspect().rejected, 1);
  holder.release();
  (await place.drive(waiting)).release();
});

test("min connections are there before anybody asks, and again after one has ended (F-38)", async (t) => {
  const place = new Virtual(t);
  const server = await named(place, "one");
  const users = await poolAt(place, [server], { min: 2, maxIdle: "1 second" });
  await place.drive(users.ready);
  assert.equal(users.inspect().idle, 2);
  server.connections.values().next().value!.destroy();
  await place.settle();
  assert.deepEqual([users.inspect().idle, users.inspect().opened], [2, 3]);
  await place.pass(60_000);
  assert.equal(users.inspect().opened, 3);
});

test("a target that is down when a pool begins is tried again until there are min connections (F-38)", async (t) => {
  const place = new Virtual(t);
  const gone = await named(place, "one");
  const { address } = gone;
  await place.drive(gone.close());
  const users = await poolAt(place, [gone], { min: 1 });
  await place.pass(2_500);
  assert.equal(users.inspect().idle, 0);
  await named(place, "one", address.transport === "tcp" ? address.port : 0);
  await place.pass(10_000);
  await place.drive(users.ready);
  assert.equal(users.inspect().idle, 1);
});

test("connections over min that nobody uses are closed after maxIdle, those used last at last (F-38)", async (t) => {
  const place = new Virtual(t);
  const server = await named(place, "one");
  const users = await poolAt(place, [server], { min: 1, maxIdle: "10 seconds" });
  const lent: Lent[] = [];
  for (let count = 0; count < 3; count++) lent.push(await place.drive(users.borrow()));
  lent[0]!.release();
  await place.pass(6_000);
  lent[1]!.release();
  lent[2]!.release();
  await place.pass(5_000);
  assert.equal(users.inspect().idle, 2);
  await place.pass(8_000);
  assert.equal(users.inspect().idle, 1);
  await place.pass(60_000);
  assert.equal(users.inspect().idle, 1);
  assert.equal((await place.drive(users.borrow())).connection, lent[2]!.connection);
});

test("maxLifetime closes what is idle or comes back, and nothing that is lent (F-38)", async (t) => {
  const place = new Virtual(t);
  const maxLifetime = { after: "30 seconds", jitter: 0 } as const;
  const users = await poolAt(place, [await named(place, "one")], { maxLifetime, maxIdle: Infinity });
  const lent = await place.drive(users.borrow());
  const idle = await place.drive(users.borrow());
  idle.release();
  await place.pass(31_000);
  assert.equal(users.inspect().idle, 0);
  assert.equal(await place.drive(ask(lent, "still")), "one still");
  lent.release();
  await place.settle();
  assert.equal((await lent.connection.closed).reason, "closed");
  assert.equal((await idle.connection.closed).reason, "closed");
  assert.equal(users.inspect().idle, 0);
});

test("an answer that comes late is never given to the next borrower (F-38)", async (t) => {
  const place = new Virtual(t);
  const gate = new Gate();
  const server = await place.serve({
    framing: utf8,
    onFrame: async (line, connection) => {
      if (line === "slow") await gate.promise;
      await connection.send(line);
    },
  });
  const users = await poolAt(place, [server]);
  const late = await place.drive(users.borrow());
  await late.connection.send("slow");
  await place.settle();
  late.release();
  gate.open();
  await place.settle();
  const next = await place.drive(users.borrow());
  assert.notEqual(next.connection, late.connection);
  await next.connection.send("unread");
  await place.settle();
  next.release();
  const last = await place.drive(users.borrow());
  assert.notEqual(last.connection, next.connection);
  assert.equal(await place.drive(ask(last, "mine")), "mine");
  await place.drive(Promise.all([late.connection.closed, next.connection.closed]));
});

test("with onFrame, what comes while a connection is idle is no reason to drop it (F-38)", async (t) => {
  const place = new Virtual(t);
  const server = await named(place, "one");
  const got: string[] = [];
  const users = await poolAt(place, [server], { onFrame: (line) => void got.push(line) });
  const one = await place.drive(users.borrow());
  one.release();
  await server.connections.values().next().value!.send("news");
  await place.settle();
  assert.deepEqual(got, ["news"]);
  assert.equal((await place.drive(users.borrow())).connection, one.connection);
});

test("a connection that the server ends is not lent again, idle or lent (F-38)", async (t) => {
  const place = new Virtual(t);
  const server = await named(place, "one");
  const users = await poolAt(place, [server]);
  const idle = await place.drive(users.borrow());
  const lent = await place.drive(users.borrow());
  for (const one of [idle, lent]) await place.drive(ask(one, "first"));
  idle.release();
  for (const connection of server.connections.values()) connection.end();
  await place.settle();
  assert.equal(users.inspect().idle, 0);
  assert.equal(lent.connection.state, "open");
  lent.release();
  assert.equal(users.inspect().idle, 0);
  await place.drive(Promise.all([idle.connection.closed, lent.connection.closed]));
  assert.equal(await place.drive(users.use((connection) => ask({ connection }, "again"))), "one again");
});

test("use gives the connection back, and destroys it when the call throws (F-38)", async (t) => {
  const place = new Virtual(t);
  const users = await poolAt(place, [await named(place, "one")]);
  let used: Connection<string> | undefined;
  const error = new Error("in between");
  const thrown = await rejection(place.drive(users.use((connection) => {
    used = connection;
    throw error;
  })));
  assert.equal(thrown, error);
  assert.equal((await place.drive(used!.closed)).reason, "aborted");
  assert.equal(users.inspect().idle, 0);
  assert.equal(await place.drive(users.use(() => 7)), 7);
  assert.equal(users.inspect().idle, 1);
});

test("setup comes before the first loan, and one that fails or hangs makes no connection (F-38)", async (t) => {
  const place = new Virtual(t);
  const server = await named(place, "one");
  let how: "well" | "badly" | "never" = "well";
  const users = await poolAt(place, [server], {
    connectTimeout: "3 seconds",
    setup: async (connection, signal) => {
      if (how === "badly") throw new Error("no such user");
      if (how === "never") {
        await new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        );
      }
      assert.equal(await ask({ connection }, "login"), "one login");
    },
  });
  const lent = await place.drive(users.borrow());
  assert.equal(await place.drive(ask(lent, "first")), "one first");
  how = "badly";
  assert.match(String(await rejection(place.drive(users.borrow()))), /no such user/);
  how = "never";
  const hanging = rejection(users.borrow());
  await place.pass(4_000);
  const error = await hanging;
  assert.ok(error instanceof TimeoutError && error.reason === "connect", String(error));
  await place.settle();
  assert.deepEqual([users.inspect().connecting, server.connections.size], [0, 1]);
});

test("close lends no more, waits for what is lent, and destroys it at the deadline (F-38)", async (t) => {
  const place = new Virtual(t);
  const users = await poolAt(place, [await named(place, "one")], { max: 2 });
  const slow = await place.drive(users.borrow());
  const quick = await place.drive(users.borrow());
  const waiting = rejection(users.borrow());
  const closing = users.close({ deadline: "5 seconds" });
  assert.equal((await place.drive(waiting) as SocketError).reason, "closed");
  assert.equal((await rejection(users.borrow()) as SocketError).reason, "closed");
  assert.equal(await place.drive(ask(quick, "last")), "one last");
  quick.release();
  await place.pass(2_000);
  assert.deepEqual([users.inspect().lent, slow.connection.state], [1, "open"]);
  await place.pass(4_000);
  assert.deepEqual(await place.drive(closing), { destroyed: 1 });
  assert.equal((await slow.connection.closed).reason, "aborted");
  assert.equal((await quick.connection.closed).reason, "closed");
});

test("options that are wrong are all named before a socket opens (F-38)", async () => {
  const wrong = {
    targets: ["nowhere", { address: "127.0.0.1:1", weight: 0 }, "127.0.0.1:2", "127.0.0.1:2"],
    framing: utf8,
    balance: "random",
    min: 20,
    max: 10,
    maxIdle: "soon",
    breaker: { failures: 0, reopen: { attempts: 3 } },
    healthCheck: { onBorrow: 0, evry: 1 },
    proxyHeader: { version: 2, source: { ip: "192.0.2.1", port: 1 } },
  };
  const error = await rejection(pool(wrong as never));
  assert.ok(error instanceof OptionsError, String(error));
  assert.deepEqual(
    error.issues.map(({ path }) => path),
    [
      "targets[0]",
      "targets[1].weight",
      "targets[3]",
      "balance",
      "breaker.reopen.attempts",
      "breaker.reopen.attempts",
      "breaker.failures",
      "healthCheck.evry",
      "proxyHeader.source",
      "healthCheck.onBorrow",
      "min",
      "maxIdle",
    ].filter((path, at, all) => path !== all[at - 1]),
  );
  const misspelt = await rejection(pool({ targets: ["127.0.0.1:1"], framing: utf8, maxx: 3 } as never));
  assert.match(String(misspelt), /maxx/);
  const keyed = await pool({ targets: ["127.0.0.1:1"], framing: utf8 });
  assert.equal((await rejection(keyed.borrow({ key: "a" })) as OptionsError).reason, "conflict");
  assert.match(String(await rejection(keyed.borrow({ timeuot: 3 } as never))), /timeuot/);
  await keyed.close();
});

test("200 borrowers share four connections on real sockets, and go on after the server came back (F-38)", async (t) => {
  const place = await Real.at(t);
  const server = await named(place, "one");
  const users = await poolAt(place, [server], { max: 4 });
  const all = (from: number) =>
    place.drive(Promise.all(
      Array.from({ length: 200 }, (_, at) => users.use((connection) => ask({ connection }, `${from + at}`))),
    ));
  const expected = (name: string, from: number) =>
    Array.from({ length: 200 }, (_, at) => `${name} ${from + at}`);
  assert.deepEqual(await all(0), expected("one", 0));
  assert.equal(users.inspect().opened, 4);
  const { address } = server;
  await place.drive(server.close());
  await named(place, "two", address.transport === "tcp" ? address.port : 0);
  assert.deepEqual(await all(1_000), expected("two", 1_000));
  assert.ok(users.inspect().opened <= 8, `${users.inspect().opened} connections`);
});
