// Ending a connection by order: last words, FIN or a reset, a ban of its address, and who hears of it.
import assert from "node:assert/strict";
import { FrameError, OptionsError } from "../../src/core/errors.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { AuditEvent } from "../../src/server/audit.ts";
import { serve } from "../../src/server/serve.ts";
import { fromAddresses } from "../support/from_addresses.ts";
import { it } from "../support/it.ts";
import type { Peer } from "../support/peer.ts";
import { Real, Virtual } from "../support/server.ts";

const text = lines({ encoding: "utf-8" });

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("it did not throw");
}

it("last words are the last frame behind all that was sent, then FIN, and nothing more is handled (F-70)", async (t) => {
  const place = await Real.at(t);
  const frames: string[] = [];
  const server = await place.serve<string>({
    framing: text,
    onFrame: (line, connection) => {
      frames.push(line);
      for (let i = 0; i < 3; i++) void connection.send(`${line} ${i}`);
      if (line === "spam") {
        assert.ok(server.kill(connection.id, { reason: "spam", code: "E1", lastWords: "go away" }));
      }
      void connection.send("too late")?.catch(() => {});
    },
  });
  const peer = await place.dial(server);
  peer.write("hello\nspam\nmore\n");
  await peer.whenEnded();
  assert.equal(
    peer.text,
    "hello 0\nhello 1\nhello 2\ntoo late\nspam 0\nspam 1\nspam 2\ngo away\n",
  );
  peer.end();
  await peer.whenClosed();
  await place.gone(1);
  assert.deepEqual(frames, ["hello", "spam"]);
  const [{ reason, message, code, endedBy, endedWith, framesUnsent }] = place.records as [never];
  assert.deepEqual([reason, message, code, endedBy, endedWith, framesUnsent], [
    ...["killed", "spam", "E1", "local", "fin", 0],
  ]);
});

it("last words and a reset: they are handed to the kernel whole, then the connection is reset (F-70)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve<string>({ framing: text, onFrame: () => {} });
  const peer = await place.dial(server);
  peer.write("hi\n");
  await place.settle();
  const [id] = server.connections.keys();
  assert.ok(server.kill(id!, { lastWords: "bye", reset: true }));
  await place.settle();
  assert.equal(peer.text, "bye\n");
  assert.deepEqual([peer.ended, peer.error?.reason], [false, "reset"]);
  const [record] = place.records;
  assert.deepEqual([record!.reason, record!.endedWith, record!.framesSent], ["killed", "rst", 1]);
});

it("a peer that takes nothing does not hold off its end for longer than closeTimeout, with FIN or a reset (F-70)", async (t) => {
  for (const reset of [false, true]) {
    const place = new Virtual(t, { bufferSize: 1_000 });
    let frames = 0;
    const server = await place.serve<string>({
      framing: text,
      closeTimeout: "3 seconds",
      onConnect: (connection) => void connection.send("x".repeat(5_000)),
      onFrame: () => void frames++,
    });
    const peer = await place.dial(server, "stalled");
    await place.settle();
    const [id] = server.connections.keys();
    assert.ok(server.kill(id!, { reason: "slow", lastWords: "bye", reset }));
    peer.write("more\nand more\n");
    await place.pass(2_000);
    assert.deepEqual([server.connections.size, frames], [1, 0]);
    await place.pass(2_500);
    assert.equal(server.connections.size, 0);
    const record = place.records.at(-1)!;
    assert.deepEqual([record.reason, record.endedWith, record.message], ["killed", "rst", "slow"]);
    assert.equal(record.framesUnsent, 2);
  }
});

it("a handler hears of its connection's end, and a second order drops at once what the first lets leave (F-70)", async (t) => {
  const place = new Virtual(t, { bufferSize: 1_000 });
  let ended: unknown;
  const server = await place.serve<string>({
    framing: text,
    handler: async (connection) => {
      await connection.send("x".repeat(5_000))?.catch(() => {});
      for await (const _ of connection);
    },
    onError: (error) => void (ended = error),
  });
  await place.dial(server, "stalled");
  await place.settle();
  const [connection] = server.connections.values();
  assert.ok(server.kill(connection!.id, { reason: "first", reset: false }));
  await place.settle();
  assert.ok(connection!.signal.aborted);
  assert.equal(server.connections.size, 1);
  assert.ok(server.kill(connection!.id));
  await place.settle();
  assert.equal(server.connections.size, 0);
  assert.deepEqual([place.records[0]!.reason, place.records[0]!.message], ["killed", "first"]);
  assert.equal(ended, undefined);
});

it("a ban keeps an address out for its time, on the clock given, others and open connections are untouched (F-70)", async (t) => {
  const place = new Virtual(t);
  let address = "192.0.2.1";
  const audit: AuditEvent[] = [];
  const server = await place.serve<string>(
    {
      framing: text,
      onFrame: (line, connection) => connection.send(line),
      farewell: (reason: string) => `${reason}\n`,
      onAudit: (event) => void audit.push(event),
    },
    ((given: object) =>
      serve({ ...given, adapter: fromAddresses(place.adapter, () => address) } as never)) as typeof serve,
  );
  const from = async (ip: string): Promise<Peer> => {
    address = ip;
    const peer = await place.dial(server);
    await place.settle();
    return peer;
  };
  const first = await from("192.0.2.1");
  const second = await from("192.0.2.1");
  const [id] = server.connections.keys();
  const order = { reason: "spam", code: "E7", by: "ada", ban: "10 minutes" } as const;
  assert.ok(server.kill(id!, order));
  await place.settle();
  assert.ok(first.closed && !second.closed);
  assert.equal((await from("192.0.2.1")).text, "banned\n");
  assert.equal((await from("192.0.2.2")).text, "");
  await place.pass(2_000);
  const [ban, ...rest] = server.inspect().admission!.bans;
  assert.deepEqual([ban!.address, ban!.reason, ban!.code, ban!.by, ban!.rejected, rest.length], [
    ...["192.0.2.1", "spam", "E7", "ada", 1, 0],
  ]);
  assert.equal(ban!.until - ban!.since, 600_000);
  await place.pass(597_990);
  assert.equal((await from("192.0.2.1")).text, "banned\n");
  await place.pass(10);
  assert.equal((await from("192.0.2.1")).text, "");
  assert.deepEqual(server.inspect().admission!.bans, []);
  assert.deepEqual(server.stats().connectionsRejectedByReason, { banned: 2 });

  // By address, and lifted.
  server.ban("2001:db8::7", Infinity, { by: "ada" });
  assert.equal((await from("2001:db8::8")).text, "banned\n");
  assert.equal(server.inspect().admission!.bans[0]!.until, Infinity);
  assert.equal(server.unban("2001:db8:0:1::1"), false);
  assert.equal(server.unban("2001:db8::/64", { by: "bob" }), true);
  assert.equal(server.unban("2001:db8::/64"), false);
  assert.equal((await from("2001:db8::8")).text, "");

  assert.deepEqual(audit.map(({ action, by }) => [action, by]), [
    ["ban", "ada"],
    ["kill", "ada"],
    ["ban", "ada"],
    ["unban", "bob"],
  ]);
  const killed = audit[1]!;
  assert.ok(killed.action === "kill");
  assert.deepEqual([killed.connectionId, killed.ip, killed.lastWords, killed.reset, killed.code], [
    ...[id, "192.0.2.1", false, true, "E7"],
  ]);
  const logged = place.logs.filter(({ fields }) => fields.audit !== undefined);
  assert.deepEqual(logged.map(({ message }) => message), [
    ...["address banned", "connection killed", "address banned", "ban lifted"],
  ]);
  assert.equal(logged[1]!.fields["conn.id"], id);
});

it("S-31: an order that is wrong does nothing, an unknown id is false, and a flood of orders ends one connection once (F-70)", async (t) => {
  const place = new Virtual(t);
  const audit: AuditEvent[] = [];
  const server = await place.serve({
    framing: lengthField({ lengthBytes: 1 }),
    onFrame: () => {},
    onAudit: (event) => {
      audit.push(event);
      throw new Error("broken hook");
    },
  });
  const peers = [await place.dial(server), await place.dial(server)];
  const [id] = server.connections.keys();
  const wrong: object[] = [
    { reset: "yes" },
    { ban: "soon" },
    { ban: 0 },
    { reason: 7 },
    { lastword: "bye" },
  ];
  for (const options of wrong) {
    const error = thrown(() => server.kill(id!, options as never));
    assert.ok(error instanceof OptionsError, JSON.stringify(options));
    assert.equal(error.issues.length, 1);
  }
  assert.ok(
    thrown(() => server.kill(id!, { lastWords: new Uint8Array(256), ban: "1 minute" })) instanceof FrameError,
  );
  for (const order of [() => server.ban("10.0.0.0/8", 1_000), () => server.ban("nobody", 1_000)]) {
    assert.ok(thrown(order) instanceof OptionsError);
  }
  assert.ok(thrown(() => server.ban("10.0.0.1", 0)) instanceof OptionsError);
  assert.ok(thrown(() => server.unban("")) instanceof OptionsError);
  assert.equal(server.kill("nobody", { ban: "1 minute" }), false);
  assert.deepEqual([server.connections.size, audit.length, server.inspect().admission!.bans.length], [
    2,
    0,
    0,
  ]);
  let done = 0;
  for (let i = 0; i < 1_000; i++) if (server.kill(id!)) done++;
  await place.settle();
  assert.ok(done >= 1);
  assert.deepEqual(peers.map(({ closed }) => closed), [true, false]);
  assert.equal(server.stats().closedByReason.killed, 1);
  assert.equal(server.kill(id!), false);
});

it("a peer of a Unix socket has no address to ban, and the order does nothing (F-70)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve<string>(
    { framing: text, onFrame: () => {} },
    ((given: object) =>
      serve({ ...given, adapter: fromAddresses(place.adapter, () => "") } as never)) as typeof serve,
  );
  await place.dial(server);
  const [id] = server.connections.keys();
  assert.ok(thrown(() => server.kill(id!, { ban: "1 minute" })) instanceof OptionsError);
  assert.equal(server.connections.size, 1);
  assert.ok(server.kill(id!));
});
