// A pool over several targets: their shares, those that fail, those that are checked, and names whose addresses change.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { poolMetrics } from "../../../src/client/pool/pool_metrics.ts";
import type { PoolEvent } from "../../../src/client/pool/pool_event.ts";
import { SocketError } from "../../../src/core/errors.ts";
import type { Server } from "../../../src/server/server.ts";
import { readExposition } from "../../support/exposition.ts";
import { rejection } from "../../support/frames.ts";
import { Virtual } from "../../support/server.ts";
import { ask, type Given, type Lent, named, poolAt, utf8 } from "./support.ts";

const portOf = ({ address }: Pick<Server<string>, "address">) =>
  address.transport === "tcp" ? address.port : 0;

/** A pool over servers that are named a, b and so on, and what it told. */
async function several(t: TestContext, names: string, given: Given = {}) {
  const place = new Virtual(t);
  const servers = [];
  for (const name of names) servers.push(await named(place, name));
  const events: PoolEvent[] = [];
  const users = await poolAt(place, servers, { onEvent: (event) => void events.push(event), ...given });
  const told = (type: PoolEvent["type"]) => events.filter((event) => event.type === type).length;
  const who = async (options = {}) =>
    (await place.drive(users.use((connection) => ask({ connection }, "?"), options)))!.slice(0, 1);
  return { place, servers, users, events, told, who };
}

test("new connections go to the targets in turn (F-38)", async (t) => {
  const { place, users } = await several(t, "abc");
  const lent: Lent[] = [];
  for (let count = 0; count < 6; count++) lent.push(await place.drive(users.borrow()));
  assert.deepEqual(users.inspect().targets.map(({ busy }) => busy), [2, 2, 2]);
  for (const one of lent) one.release();
  assert.deepEqual(users.inspect().targets.map(({ idle }) => idle), [2, 2, 2]);
});

test("a pool that is full lends an idle connection to any target that is available (F-38)", async (t) => {
  const { place, users } = await several(t, "ab", { max: 2 });
  const [one, other] = [await place.drive(users.borrow()), await place.drive(users.borrow())];
  other.release();
  for (let count = 0; count < 3; count++) {
    const again = await place.drive(users.borrow());
    assert.equal(again.connection, other.connection);
    again.release();
  }
  one.release();
  assert.equal(users.inspect().opened, 2);
});

test("a key has its target, for which a full pool closes a connection to another (F-38)", async (t) => {
  const { users, who } = await several(t, "abc", { max: 1, balance: "rendezvous" });
  const keys = Array.from({ length: 12 }, (_, at) => `key ${at}`);
  const first: string[] = [];
  for (const key of keys) first.push(await who({ key }));
  assert.ok(new Set(first).size > 1, first.join());
  for (const [at, key] of keys.entries()) assert.equal(await who({ key }), first[at]);
  const { idle, lent, closing } = users.inspect();
  assert.ok(idle + lent + closing <= 1);
});

test("another target is used when one refuses, which is left alone after so many failures (F-38)", async (t) => {
  const given: Given = {
    breaker: { failures: 2, reopen: { initial: "10 seconds", jitter: 0 } },
    maxIdle: 10,
  };
  const { place, servers, users, told, who } = await several(t, "ab", given);
  await place.drive(servers[0]!.close());
  for (let count = 0; count < 6; count++) {
    assert.equal(await who(), "b");
    await place.pass(100);
  }
  assert.deepEqual([told("connect_failed"), told("opened")], [2, 1]);
  const [a] = users.inspect().targets;
  assert.deepEqual([a!.breaker, a!.connectFailures, a!.openings], ["open", 2, 1]);
  assert.match(a!.lastError!, /nothing listens there/);
  await named(place, "A", portOf(servers[0]!));
  await place.pass(11_000);
  assert.deepEqual(new Set([await who(), await who(), await who()]), new Set(["A", "b"]));
  assert.deepEqual([told("half-open"), told("closed")], [1, 1]);
});

test("with all breakers open a borrower is told so at once, and one at a time tries (F-38)", async (t) => {
  const given: Given = { breaker: { failures: 1, reopen: { initial: "10 seconds", jitter: 0 } } };
  const { place, servers, users } = await several(t, "a", given);
  await place.drive(servers[0]!.close());
  const refused = await rejection(place.drive(users.borrow()));
  assert.ok(refused instanceof SocketError && refused.reason === "refused", String(refused));
  const none = await rejection(place.drive(users.borrow()));
  assert.ok(none instanceof SocketError && none.reason === "no_target", String(none));
  assert.match(
    none.message,
    /the breaker of the only target is open, for \d+ ms more; the last error was: .*refused|nothing/,
  );
  await named(place, "a", portOf(servers[0]!));
  await place.pass(10_500);
  const [first, second] = [users.borrow(), rejection(users.borrow())];
  assert.equal(((await place.drive(second)) as SocketError).reason, "no_target");
  (await place.drive(first)).release();
  (await place.drive(users.borrow())).release();
});

test("connections that break while they are lent count as failures, and ordinary ends do not (F-38)", async (t) => {
  const { place, servers, users, told } = await several(t, "a", { breaker: { failures: 2 } });
  const [server] = servers;
  for (let round = 0; round < 3; round++) {
    const lent = await place.drive(users.borrow());
    if (round < 2) { for (const connection of server!.connections.values()) connection.destroy(); }
    else lent.connection.destroy();
    await place.drive(lent.connection.closed);
    await place.settle();
    if (round === 1) {
      assert.deepEqual([told("broke"), told("opened")], [2, 1]);
      await place.pass(5_000);
    }
  }
  assert.deepEqual([told("broke"), told("opened"), users.inspect().targets[0]!.failures], [2, 1, 0]);
});

test("checks find a target that is ill, close what is idle there, and let it come back (F-38)", async (t) => {
  let ill = false;
  const place = new Virtual(t);
  const server = await place.serve({
    framing: utf8,
    onFrame: (line, connection) => ill ? undefined : connection.send(line),
  });
  const users = await poolAt(place, [server], {
    maxIdle: Infinity,
    breaker: { failures: 2, reopen: { initial: "3 seconds", jitter: 0, factor: 1 } },
    healthCheck: {
      every: "10 seconds",
      timeout: "1 second",
      test: async (connection) => await ask({ connection }, "PING") === "PING",
    },
  });
  await place.settle();
  (await place.drive(users.borrow())).release();
  await place.pass(25_000);
  assert.deepEqual([users.inspect().idle, users.inspect().opened], [1, 1]);
  ill = true;
  await place.pass(30_000);
  const [target] = users.inspect().targets;
  assert.equal(target!.breaker === "closed", false);
  assert.equal(users.inspect().idle, 0);
  assert.ok(target!.checkFailures >= 2);
  const none = await rejection(place.drive(users.borrow()));
  assert.equal((none as SocketError).reason, "no_target");
  ill = false;
  await place.pass(10_000);
  assert.equal(users.inspect().targets[0]!.breaker, "closed");
  (await place.drive(users.borrow())).release();
});

test("a connection that was idle for onBorrow is asked before it is lent, and replaced when it is dead (F-38)", async (t) => {
  const place = new Virtual(t);
  const server = await named(place, "one");
  const asked: unknown[] = [];
  let dead = false;
  const users = await poolAt(place, [server], {
    maxIdle: Infinity,
    healthCheck: {
      every: Infinity,
      onBorrow: "5 seconds",
      test: (connection) => void asked.push(connection) === undefined && !dead,
    },
  });
  await place.settle();
  asked.length = 0;
  const first = await place.drive(users.borrow());
  first.release();
  (await place.drive(users.borrow())).release();
  assert.equal(asked.length, 0);
  await place.pass(5_000);
  const tested = await place.drive(users.borrow());
  assert.equal(tested.connection, first.connection);
  assert.deepEqual(asked, [first.connection]);
  tested.release();
  await place.pass(5_000);
  dead = true;
  const replaced = await place.drive(users.borrow());
  assert.notEqual(replaced.connection, first.connection);
  assert.equal((await first.connection.closed).reason, "aborted");
  replaced.release();
});

test("addresses of a name join and go, and stay what they were when it cannot be looked up (F-38)", async (t) => {
  const place = new Virtual(t);
  const port = 7_000;
  let found: string[] | undefined = ["127.0.0.1"];
  const events: string[] = [];
  await named(place, "one", port);
  const users = await poolAt(place, [], {
    targets: [`service.test:${port}`],
    breaker: false,
    resolve: {
      every: "10 seconds",
      lookup: (host) => {
        assert.equal(host, "service.test");
        return found === undefined ? Promise.reject(new Error("SERVFAIL")) : Promise.resolve(found);
      },
    },
    onEvent: ({ type, target }) => void events.push(`${type} ${target}`),
  });
  const lent = await place.drive(users.borrow());
  (await place.drive(users.borrow())).release();
  const first = `127.0.0.1:${port} (service.test)`;
  assert.deepEqual(users.inspect().targets.map(({ target, idle, busy }) => [target, idle, busy]), [[
    first,
    1,
    1,
  ]]);
  found = undefined;
  await place.pass(11_000);
  found = ["127.0.0.2", "127.0.0.2"];
  await place.pass(11_000);
  assert.deepEqual(users.inspect().targets.map(({ target }) => target), [`127.0.0.2:${port} (service.test)`]);
  assert.deepEqual([users.inspect().idle, lent.connection.state], [0, "open"]);
  assert.equal(await place.drive(ask(lent, "still")), "one still");
  lent.release();
  await place.settle();
  assert.equal((await lent.connection.closed).reason, "closed");
  assert.deepEqual(events, [
    `added ${first}`,
    "resolve_failed service.test",
    `removed ${first}`,
    `added 127.0.0.2:${port} (service.test)`,
  ]);
});

test("a name that cannot be looked up at first is looked up again for the next borrower (F-38)", async (t) => {
  const place = new Virtual(t);
  const server = await named(place, "one");
  let works = false;
  const users = await poolAt(place, [], {
    targets: [`service.test:${portOf(server)}`],
    resolve: { lookup: () => works ? Promise.resolve(["127.0.0.1"]) : Promise.reject(new Error("SERVFAIL")) },
  });
  const error = await rejection(place.drive(users.borrow()));
  assert.ok(error instanceof SocketError && error.reason === "no_target", String(error));
  assert.match(error.message, /no name could be looked up; the last error was: SERVFAIL/);
  works = true;
  (await place.drive(users.borrow())).release();
});

test("metrics show borrowers, connections and the state of each breaker (F-38)", async (t) => {
  const { place, servers, users } = await several(t, "ab", { breaker: { failures: 1 }, min: 2 });
  await place.drive(users.ready);
  await place.drive(servers[1]!.close());
  await place.settle();
  const lent = await place.drive(users.borrow());
  await place.settle();
  const families = readExposition(poolMetrics({ cache: users }));
  const target = (at: number) => users.inspect().targets[at]!.target;
  const value = (name: string, labels: Record<string, string>) => {
    const text = Object.entries({ pool: "cache", ...labels }).map(([label, text]) => `${label}="${text}"`);
    return families.get(`millrace_${name}`)!.values.get(`{${text}}`);
  };
  assert.equal(value("pool_borrows_total", {}), 1);
  assert.equal(value("target_connections_busy", { target: target(0) }), 1);
  for (const state of ["closed", "open", "half-open"]) {
    assert.equal(value("target_breaker", { target: target(0), state }), state === "closed" ? 1 : 0);
    assert.equal(value("target_breaker", { target: target(1), state }), state === "open" ? 1 : 0);
  }
  assert.equal(value("target_breaker_openings_total", { target: target(1) }), 1);
  lent.release();
});
