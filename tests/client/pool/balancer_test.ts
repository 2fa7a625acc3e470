// Connections to several targets without a pool: one for each client, who is named to the target.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PoolEvent } from "../../../src/client/pool/pool_event.ts";
import type { Connection } from "../../../src/connection/connection.ts";
import { OptionsError, SocketError, TimeoutError } from "../../../src/core/errors.ts";
import { serverPair, testAuthority } from "../../support/certificates.ts";
import { rejection } from "../../support/frames.ts";
import { Real, Virtual } from "../../support/server.ts";
import { ask, balancerAt, named, utf8 } from "./support.ts";

test("a balancer makes a connection for each call, names its client, and tries others when one refuses (F-38)", async (t) => {
  const place = await Real.at(t);
  const seen: string[] = [];
  const gone = await named(place, "gone");
  const server = await place.serve({
    framing: utf8,
    proxyProtocol: { from: ["127.0.0.1"] },
    onFrame: (line, connection) => {
      seen.push(`${connection.peer.ip}:${connection.peer.port}`);
      return connection.send(line);
    },
  });
  await place.drive(gone.close());
  const servers = await balancerAt(place, [gone, server], { proxyHeader: { version: 2 } });
  for (let count = 0; count < 3; count++) {
    const connection = await place.drive(
      servers.connect({ source: { ip: "192.0.2.7", port: 4_000 + count } }),
    );
    assert.equal(await place.drive(ask({ connection }, "hello")), "hello");
    assert.equal(servers.inspect().connections, 1);
    await place.drive(connection.close());
  }
  assert.deepEqual(seen, ["192.0.2.7:4000", "192.0.2.7:4001", "192.0.2.7:4002"]);
  const [first, second] = servers.inspect().targets;
  assert.ok(first!.connectFailures > 0);
  assert.deepEqual([second!.connects, second!.busy, servers.inspect().connections], [3, 0, 0]);
});

test("no more than attempts targets are tried for one connection (F-38)", async (t) => {
  const place = new Virtual(t);
  const gone = [await named(place, "a"), await named(place, "b"), await named(place, "c")];
  for (const server of gone) await place.drive(server.close());
  const servers = await balancerAt(place, gone, { attempts: 2 });
  const error = await rejection(place.drive(servers.connect()));
  assert.ok(error instanceof SocketError && error.reason === "refused", String(error));
  assert.deepEqual(servers.inspect().targets.map(({ connectFailures }) => connectFailures), [1, 1, 0]);
});

test("a client stays at its target, and nobody is named where no header is sent (F-38)", async (t) => {
  const place = new Virtual(t);
  const all = [await named(place, "a"), await named(place, "b"), await named(place, "c")];
  const proxyHeader = { version: 1 } as const;
  const heard = [];
  for (const name of "abc") {
    heard.push(
      await place.serve({
        framing: utf8,
        proxyProtocol: { from: ["127.0.0.0/8"] },
        onFrame: () => {},
        onConnect: (connection) => void connection.send(name),
      }),
    );
  }
  const sticky = await balancerAt(place, heard, { balance: "rendezvous", proxyHeader });
  const where = async (ip: string, port: number) => {
    const connection = await place.drive(sticky.connect({ source: { ip, port } }));
    const next = connection[Symbol.asyncIterator]().next();
    const { value } = await place.drive(next);
    await place.drive(connection.close());
    return value;
  };
  const first: unknown[] = [];
  for (let last = 1; last <= 8; last++) first.push(await where(`192.0.2.${last}`, 1_000));
  assert.ok(new Set(first).size > 1);
  for (let last = 1; last <= 8; last++) assert.equal(await where(`192.0.2.${last}`, 2_000), first[last - 1]);
  assert.match(
    String(await rejection(sticky.connect())),
    /key: found undefined, expected a text, with balance rendezvous/,
  );

  const plain = await balancerAt(place, all);
  const conflict = await rejection(plain.connect({ source: { ip: "192.0.2.1", port: 1 } }));
  assert.ok(conflict instanceof OptionsError && conflict.reason === "conflict");
  const keyed = await rejection(plain.connect({ key: "a" }));
  assert.ok(keyed instanceof OptionsError && keyed.reason === "conflict");
});

test("a signal ends an attempt, which is nobody's failure, and drops the connection afterwards (F-38)", async (t) => {
  const place = new Virtual(t);
  const server = await named(place, "one");
  let hangs = true;
  const adapter: typeof place.adapter = {
    ...place.adapter,
    connect: (options) =>
      !hangs
        ? place.adapter.connect(options)
        : new Promise((_resolve, reject) =>
          options.signal!.addEventListener("abort", () => reject(new SocketError("aborted", "aborted")))
        ),
  };
  const servers = await balancerAt(place, [server], { adapter, breaker: { failures: 1 } });
  const abort = new AbortController();
  const aborted = rejection(servers.connect({ signal: abort.signal }));
  await place.settle();
  abort.abort();
  assert.equal((await place.drive(aborted) as SocketError).reason, "aborted");
  assert.equal((await rejection(servers.connect({ signal: abort.signal })) as SocketError).reason, "aborted");
  assert.deepEqual([servers.inspect().targets[0]!.breaker, servers.inspect().targets[0]!.connecting], [
    "closed",
    0,
  ]);
  hangs = false;
  const later = new AbortController();
  const connection = await place.drive(servers.connect({ signal: later.signal }));
  later.abort();
  assert.equal((await place.drive(connection.closed)).reason, "aborted");
  hangs = true;
  const late = rejection(servers.connect());
  await place.pass(11_000);
  assert.ok(await late instanceof TimeoutError);
  assert.equal(servers.inspect().targets[0]!.breaker, "open");
});

test("close waits for open connections, and destroys them at the deadline (F-38)", async (t) => {
  const place = new Virtual(t);
  const servers = await balancerAt(place, [await named(place, "one")]);
  const [one, other] = [await place.drive(servers.connect()), await place.drive(servers.connect())];
  const closing = servers.close({ deadline: "5 seconds" });
  assert.equal((await rejection(servers.connect()) as SocketError).reason, "closed");
  await place.drive(one.close());
  await place.pass(4_000);
  assert.equal(other.state, "open");
  await place.pass(2_000);
  assert.deepEqual(await place.drive(closing), { destroyed: 1 });
  assert.equal((await other.closed).reason, "aborted");
});

test("checks say LOCAL, use none of the hooks, and keep clients from a target that is down (F-38)", async (t) => {
  const place = new Virtual(t);
  const local: (boolean | undefined)[] = [];
  const made = (port = 0) =>
    place.serve({
      framing: utf8,
      port,
      proxyProtocol: { from: ["127.0.0.0/8"] },
      onFrame: () => {},
      onConnect: ({ peer }) => void local.push(peer.via?.local),
    });
  const [one, other] = [await made(), await made()];
  const events: PoolEvent[] = [];
  let opened = 0;
  const servers = await balancerAt(place, [one, other], {
    proxyHeader: { version: 2 },
    healthCheck: { every: "5 seconds" },
    breaker: { failures: 1, reopen: { initial: "5 seconds", jitter: 0, factor: 1 } },
    onConnect: () => void opened++,
    onEvent: (event) => void events.push(event),
  });
  await place.pass(12_000);
  assert.equal(opened, 0);
  assert.ok(local.length >= 4 && local.every((one) => one === true), local.join());
  const { address } = other;
  await place.drive(other.close());
  await place.pass(8_000);
  assert.equal(servers.inspect().targets[1]!.breaker === "closed", false);
  const failures = () => servers.inspect().targets[1]!.connectFailures;
  const made2: Connection<string>[] = [];
  for (let count = 0; count < 4; count++) made2.push(await place.drive(servers.connect()));
  assert.deepEqual([failures(), opened, servers.inspect().targets[0]!.busy], [0, 4, 4]);
  await made(address.transport === "tcp" ? address.port : 0);
  await place.pass(12_000);
  assert.equal(servers.inspect().targets[1]!.breaker, "closed");
  assert.deepEqual(events.filter(({ type }) => type === "closed").length, 1);
});

test("a target that fails between two checks gets no client before the next one (F-38)", async (t) => {
  const place = new Virtual(t);
  const servers = [await named(place, "a"), await named(place, "b")];
  const balanced = await balancerAt(place, servers, {
    healthCheck: { every: "60 seconds" },
    breaker: { failures: 1, reopen: { initial: "1 second", jitter: 0 } },
  });
  await place.settle();
  await place.drive(servers[0]!.close());
  for (let count = 0; count < 4; count++) {
    await place.drive(balanced.connect());
    await place.pass(5_000);
  }
  assert.deepEqual(balanced.inspect().targets.map(({ connectFailures, busy }) => [connectFailures, busy]), [[
    1,
    0,
  ], [0, 4]]);
});

test("a certificate is checked against the name whose address is connected to (F-38)", async (t) => {
  const place = await Real.at(t);
  const { cert: ca } = await testAuthority();
  const server = await place.serve({
    framing: utf8,
    tls: await serverPair("service.test"),
    onFrame: (line, connection) => connection.send(line),
  });
  const port = server.address.transport === "tcp" ? server.address.port : 0;
  const at = (name: string) =>
    balancerAt(place, [], {
      targets: [`${name}:${port}`],
      tls: { ca },
      resolve: { lookup: () => Promise.resolve(["127.0.0.1"]) },
    });
  const connection = await place.drive((await at("service.test")).connect());
  assert.equal(await place.drive(ask({ connection }, "hello")), "hello");
  await place.drive(connection.close());
  const wrong = await rejection(place.drive((await at("other.test")).connect()));
  assert.equal((wrong as { reason?: string }).reason, "certificate_name", String(wrong));
});
