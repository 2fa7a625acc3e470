// Limits that change while the server runs: at once, exactly, and all of a change or nothing.
import assert from "node:assert/strict";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { AuditEvent } from "../../src/server/audit.ts";
import { serve } from "../../src/server/serve.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { echo, rejection } from "../support/frames.ts";
import { it } from "../support/it.ts";
import { dial, type Peer } from "../support/peer.ts";
import { Real, Virtual } from "../support/server.ts";

function fault(act: () => unknown): OptionsError {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof OptionsError, String(error));
    return error;
  }
  throw new Error("it was taken");
}

it("S-40: maxConnections from 10 to Infinity to 10 is exact at every moment, with a thousand peers (F-74)", async (t) => {
  const place = new Virtual(t);
  let most = 10, over = 0;
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    maxConnections: 10,
    farewell: "busy\n",
    onConnect: () => void (server.connections.size > most && over++),
  });
  const inside = (peers: readonly Peer[]) => peers.filter(({ text }) => text === "").length;
  const early = await place.dialMany(server, 200);
  assert.deepEqual([inside(early), server.connections.size], [10, 10]);
  await place.pass(1_100);
  most = Infinity;
  server.update({ maxConnections: Infinity });
  // Who was rejected and comes again is let in, with everybody else.
  const crowd = await place.dialMany(server, 1_000);
  assert.deepEqual([inside(crowd), server.connections.size], [1_000, 1_010]);
  most = 10;
  server.update({ maxConnections: 10 });
  assert.equal(server.connections.size, 1_010, "those that are here stay");
  const late = await place.dialMany(server, 100);
  assert.equal(inside(late), 0);
  await place.pass(1_100);
  for (const peer of crowd) peer.end();
  await place.settle();
  assert.equal(server.connections.size, 10);
  assert.equal(inside(await place.dialMany(server, 1)), 0);
  for (const peer of early.filter(({ text }) => text === "").slice(0, 4)) peer.end();
  await place.settle();
  assert.equal(inside(await place.dialMany(server, 50)), 4);
  assert.equal(over, 0);
  await place.pass(1_100);
});

it("S-40: on real sockets a lower maximum leaves open connections alone, and a higher one counts for the next (F-74)", async (t) => {
  const adapter = await detectAdapter();
  const clock = new FakeClock();
  const server = await serve({
    port: 0,
    framing: lines(),
    onFrame: (line, connection) => connection.send(line),
    maxConnections: 2,
    acceptRate: { perSecond: 1, burst: 3 },
    adapter,
    clock,
    logger: () => {},
  });
  t.after(() => server.destroy());
  const peers: Peer[] = [];
  t.after(() => peers.forEach((peer) => peer.abort()));
  const comes = async () => {
    const peer = await dial(adapter, server.address).catch(() => undefined);
    if (peer === undefined) return false;
    peers.push(peer.write("in\n"));
    await peer.until(() => peer.closed || peer.ended || peer.text === "in\n", "an answer or a close");
    return peer.text === "in\n";
  };
  assert.deepEqual([await comes(), await comes(), await comes()], [true, true, false]);
  server.update({ maxConnections: 1 });
  assert.equal(server.connections.size, 2);
  peers[0]!.write("still\n");
  await peers[0]!.got("in\nstill\n");
  server.update({ maxConnections: 10 });
  // One token is left; the clock that fills them is the server's own.
  assert.deepEqual([await comes(), await comes()], [true, false]);
  server.update({ acceptRate: { perSecond: Infinity } });
  assert.deepEqual([await comes(), await comes()], [true, true]);
  assert.equal(server.connections.size, 5);
  assert.deepEqual(server.stats().connectionsRejectedByReason, { max_connections: 1, accept_rate: 1 });
});

it("limits per address count the connections that were open before they were set (F-74)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines(), handler: echo, farewell: (reason: string) => reason });
  const [first] = await place.dialMany(server, 3);
  server.update({ maxConnectionsPerAddress: 3 });
  const next = async () => (await place.dialMany(server, 1))[0]!.text;
  assert.equal(await next(), "address_connections");
  first!.end();
  await place.settle();
  assert.equal(await next(), "");
  server.update({ maxConnectionsPerAddress: 2 });
  assert.equal(server.connections.size, 3);
  assert.equal(await next(), "address_connections");
  server.update({ maxConnectionsPerAddress: Infinity, deny: ["127.0.0.1"] });
  assert.equal(await next(), "denied");
  server.update({ deny: [] });
  assert.equal(await next(), "");
  server.update({ allow: ["10.0.0.0/8"], farewell: "gone" });
  assert.equal(await next(), "gone");
  server.update({ allow: ["0.0.0.0/0"] });
  server.update({ maxConnectionsPerAddress: 4 });
  assert.deepEqual([server.connections.size, await next()], [4, "gone"]);
  await place.pass(1_100);
});

it("a lower rate applies at once, and what an address has left is kept (F-74)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    acceptRatePerAddress: { perSecond: 10, burst: 5 },
    farewell: (reason: string) => reason,
  });
  const come = async (count: number) =>
    (await place.dialMany(server, count)).filter(({ text }) => text === "").length;
  assert.equal(await come(2), 2);
  server.update({ acceptRatePerAddress: { perSecond: 1, burst: 2 } });
  assert.equal(await come(5), 2);
  await place.pass(1_000);
  assert.equal(await come(5), 1);
  server.update({ acceptRatePerAddress: { perSecond: 1, burst: 100 } });
  assert.equal(await come(5), 0);
  await place.pass(10_000);
  assert.equal(await come(50), 10);
  await place.pass(1_100);
});

it("a shorter idleTimeout closes open connections, from the change on; a longer one keeps them (F-74)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines(), handler: echo, idleTimeout: "1 hour" });
  const [quiet, talking] = await place.dialMany(server, 2);
  await place.pass(600_000);
  server.update({ idleTimeout: "10 seconds" });
  await place.pass(6_000);
  talking!.write("here\n");
  await place.pass(3_500);
  assert.deepEqual([quiet!.ended, talking!.ended], [false, false], "ten minutes of silence were allowed");
  await place.pass(3_000);
  assert.deepEqual([quiet!.ended, talking!.ended], [true, false]);
  server.update({ idleTimeout: "1 hour" });
  await place.pass(600_000);
  assert.equal(talking!.ended, false);
  const fresh = await place.dial(server);
  server.update({ idleTimeout: Infinity });
  await place.pass(7_200_000);
  assert.deepEqual([fresh.ended, talking!.ended], [false, false]);
  // All clocks stood still, and have to be set before they are read again.
  server.update({ idleTimeout: "10 seconds" });
  await place.pass(8_000);
  fresh.write("here\n");
  await place.pass(4_500);
  assert.deepEqual([fresh.ended, talking!.ended], [false, true]);
  await place.pass(12_000);
  assert.equal(fresh.ended, true);
});

it("frameTimeout and firstFrameTimeout of open connections change, and those of a frame that has begun (F-74)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines(), handler: echo, frameTimeout: "10 minutes" });
  const [silent, half, done] = await place.dialMany(server, 3);
  half!.write("hal");
  done!.write("done\n");
  await place.pass(60_000);
  server.update({ firstFrameTimeout: "20 seconds", frameTimeout: "5 seconds" });
  await place.pass(6_500);
  assert.deepEqual([half!.ended, silent!.ended, done!.ended], [true, false, false]);
  await place.pass(17_000);
  assert.deepEqual([silent!.ended, done!.ended], [true, false]);
  assert.deepEqual(
    place.records.map(({ reason }) => reason).filter((reason) => reason !== "peer_closed"),
    ["frame_timeout", "first_frame_timeout"],
  );
});

it("limits of memory and rates of connections change for those that come later (F-74)", async (t) => {
  const place = new Virtual(t, { bufferSize: 1_000 });
  const server = await place.serve<string>({
    framing: lines({ encoding: "utf-8" }),
    onFrame: (_, connection) => {
      for (let i = 0; i < 20; i++) void connection.send("x".repeat(999))?.catch(() => {});
    },
    egressPolicy: "close",
  });
  const old = await place.dial(server, "stalled");
  server.update({ egressLimit: 5_000 });
  const fresh = await place.dial(server, "stalled");
  for (const peer of [old, fresh]) peer.write("go\n");
  await place.settle();
  assert.deepEqual([old.closed, fresh.closed], [false, true]);
  assert.equal(server.stats().closedByReason.egress_limit, 1);
});

it("maxHandshakes changes for handshakes that begin later (F-74)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ framing: lines(), handler: echo, tls: await serverPair() });
  const { cert: ca } = await testAuthority();
  const silent = await place.dial(server);
  await place.connect(server, { framing: lines(), tls: { ca, serverName: "localhost" } });
  server.update({ maxHandshakes: 1 });
  const secure = () => place.connect(server, { framing: lines(), tls: { ca, serverName: "localhost" } });
  await rejection(secure());
  assert.deepEqual(server.stats().handshakesFailedByReason, { too_many_handshakes: 1 });
  server.update({ maxHandshakes: 2 });
  await secure();
  silent.abort();
});

it("all of a change or nothing: every fault at once, what cannot change is refused, and undefined changes nothing (F-74)", async (t) => {
  const place = new Virtual(t);
  const audit: AuditEvent[] = [];
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    maxConnections: 5,
    idleTimeout: "1 minute",
    onAudit: (event) => void audit.push(event),
  });
  const before = server.inspect().admission!.limits;
  const wrong = fault(() =>
    server.update({
      maxConnections: 3,
      idleTimeout: "soon" as never,
      acceptRate: { perSecond: -1 },
      deny: ["10.0.0.1/8"],
      egressLimit: 0,
    })
  );
  assert.deepEqual(wrong.issues.map(({ path }) => path).sort(), [
    ...["acceptRate.perSecond", "deny[0]", "egressLimit", "idleTimeout"],
  ]);
  const fixed = fault(() => server.update({ port: 1, maxConnection: 2, maxConnections: 3 } as never));
  assert.deepEqual(fixed.issues.map(({ path }) => path), ["port", "maxConnection"]);
  assert.match(fixed.message, /an option that can change while the server runs: maxConnections, /);
  assert.deepEqual(fault(() => server.update(7 as never)).issues.map(({ path }) => path), ["options"]);
  assert.ok(fault(() => server.update({ maxConnections: 3 }, { by: 7 as never })));
  assert.deepEqual(server.inspect().admission!.limits, before);
  assert.equal(audit.length, 0);

  const changes = { maxConnections: undefined, shutdownDeadline: "5 seconds" } as const;
  server.update(changes, { by: "ada", reason: "deploy" });
  const { maxConnections, shutdownDeadline, idleTimeout } = server.inspect().admission!.limits;
  assert.deepEqual([maxConnections, shutdownDeadline, idleTimeout], [5, 5_000, 60_000]);
  const [event] = audit;
  assert.ok(event?.action === "update");
  assert.deepEqual([event.changes, event.by, event.reason], [changes, "ada", "deploy"]);
  assert.equal(place.logs.filter(({ message }) => message === "limits changed").length, 1);
});
