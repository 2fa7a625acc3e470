// What happens while a connection is being secured: sends, clocks, ends of every kind, and users that do not wait.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { TlsError } from "../../src/core/tls/tls_error.ts";
import { serverPair } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import type { Peer } from "../support/peer.ts";
import { Played } from "../support/scripted_tls.ts";

const text = lines({ encoding: "utf-8" });
const pair = await serverPair();
type Text = Connection<string>;

/** A server that is asked to secure a connection, and has said so. */
async function midway(t: TestContext, given: object = {}, upgrade: object = {}) {
  const place = new Played(t);
  const heard: string[] = [];
  const errors: unknown[] = [];
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    handler: async (connection: Text) => {
      for await (const line of connection) {
        heard.push(line);
        if (line !== "STARTTLS") {
          await connection.send(`heard ${line}`);
          continue;
        }
        await connection.send("go ahead");
        await connection.upgrade({ ...pair, ...upgrade }).catch((error) => {
          errors.push(error);
          throw error;
        });
      }
    },
    ...given,
  });
  const peer = await place.dial(server);
  peer.write("STARTTLS\n");
  await place.settle();
  assert.equal(peer.text, "go ahead\n");
  const [connection] = [...server.connections.values()];
  const [handshake] = place.handshakes;
  return { place, server, peer, connection: connection!, handshake: handshake!, heard, errors };
}

async function over(place: Played, peer: Peer): Promise<void> {
  await place.settle();
  assert.ok(peer.closed || peer.ended, "the peer sees the end");
  peer.abort();
  await place.settle();
}

it("not one byte of ours is sent in the clear once the upgrade has begun: sending is refused, and says why (F-34)", async (t) => {
  const keepalive = { interval: "1 second", payload: new TextEncoder().encode("alive\n") };
  const { place, server, peer, connection, handshake } = await midway(t, { keepalive });
  await assert.rejects(Promise.resolve(connection.send("late")), { _tag: "TlsError", reason: "upgrading" });
  assert.equal((await place.drive(connection.deliver("late"))).status, "failed");
  const report = await place.drive(server.broadcast("to all"));
  assert.deepEqual(report, { targets: 1, sent: 0, dropped: 0, failed: 1 });
  await place.pass(5000);
  assert.equal(peer.text, "go ahead\n");
  handshake.succeed();
  await place.settle();
  peer.write("two\n");
  await place.settle();
  assert.equal(peer.text, "go ahead\nheard two\n");
  await place.pass(1500);
  assert.equal(peer.text, "go ahead\nheard two\nalive\n");
  assert.equal(connection.stats().framesReceived, 2);
});

it("idle times do not run while the handshake does, and begin anew behind it", async (t) => {
  const times = { idleTimeout: "3 seconds", readIdleTimeout: "3 seconds", firstFrameTimeout: "2 seconds" };
  const { place, peer, connection, handshake } = await midway(t, times);
  await place.pass(9000);
  assert.equal(connection.state, "open");
  handshake.succeed();
  await place.settle();
  await place.pass(2500);
  assert.equal(connection.state, "open");
  await place.pass(1500);
  await over(place, peer);
  assert.equal(place.records[0]!.reason, "idle_timeout");
});

it("a client's idle times do not run either, though it has no handler", async (t) => {
  const place = new Played(t);
  const server = await place.serve<string>({ framing: text, onFrame: () => {} });
  const connection = await place.connect<string>(server, {
    framing: text,
    upgradable: true,
    idleTimeout: "2 seconds",
  });
  const upgrade = connection.upgrade({ serverName: "localhost" });
  await place.pass(8000);
  assert.equal(connection.state, "open");
  place.handshakes[0]!.succeed();
  await place.drive(upgrade);
  assert.equal(connection.peer.tls?.protocol, "TLSv1.3");
});

it("a handshake that is not over in time ends the connection with a record that says so", async (t) => {
  const { place, peer, errors } = await midway(t);
  await place.pass(9000);
  assert.equal(place.records.length, 0);
  await place.pass(2000);
  await over(place, peer);
  const [record] = place.records;
  assert.equal(record!.reason, "tls_error");
  assert.equal(record!.endedBy, "local");
  assert.equal((record!.error as TlsError).reason, "timeout");
  assert.equal((errors[0] as TlsError).reason, "timeout");
  assert.deepEqual(place.messages.filter((message) => message === "handler failed"), []);
});

it("so does one that fails", async (t) => {
  const { place, peer, handshake, errors } = await midway(t);
  handshake.plain.abort();
  handshake.fail(new TlsError("peer_closed", "the peer left"));
  await over(place, peer);
  const [record] = place.records;
  assert.equal(record!.reason, "tls_error");
  assert.equal((record!.error as TlsError).reason, "peer_closed");
  assert.equal(errors[0], record!.error);
});

it("a peer that does not take what was sent before is waited for no longer than that", async (t) => {
  const place = new Played(t);
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    onFrame: (_, connection) => {
      connection.send("x".repeat(200_000));
      connection.upgrade(pair);
    },
  });
  const peer = await place.dial(server, "stalled");
  peer.write("STARTTLS\n");
  await place.pass(11_000);
  assert.equal(place.handshakes.length, 0);
  assert.equal((place.records[0]!.error as TlsError).reason, "timeout");
});

it("a peer that resets before the handshake has begun ends the connection at once", async (t) => {
  const place = new Played(t);
  const failures: unknown[] = [];
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    onFrame: (_, connection) => {
      connection.send("x".repeat(200_000));
      connection.upgrade(pair).catch((error) => failures.push(error));
    },
  });
  const peer = await place.dial(server, "stalled");
  peer.write("STARTTLS\n");
  await place.settle();
  peer.abort();
  await place.settle();
  assert.equal(place.records[0]!.reason, "peer_reset");
  assert.equal((failures[0] as Error).name, "SocketError");
});

for (const way of ["kill", "abort"] as const) {
  it(`${way} during the handshake ends it at once`, async (t) => {
    const { place, peer, connection, errors } = await midway(t);
    connection.destroy(way === "kill" ? {} : undefined);
    const record = await place.drive(connection.closed);
    assert.equal(record.reason, way === "kill" ? "killed" : "aborted");
    assert.equal((errors[0] as Error).name, "SocketError");
    await over(place, peer);
    assert.deepEqual(place.messages.filter((message) => message === "handler failed"), []);
  });
}

it("close during the handshake waits for it, and then ends the connection under TLS", async (t) => {
  const { place, peer, connection, handshake } = await midway(t);
  const closed = connection.close("enough");
  await place.settle();
  assert.equal(peer.ended, false);
  handshake.succeed();
  await place.settle();
  assert.equal(peer.ended, true);
  peer.end();
  assert.equal((await place.drive(closed)).reason, "closed");
});

it("close waits for a handshake no longer than for a peer's FIN", async (t) => {
  const { place, peer, connection } = await midway(t, { lingerTimeout: "1 second" });
  const closed = connection.close();
  await place.pass(1100);
  assert.equal((await place.drive(closed)).reason, "closed");
  await over(place, peer);
});

it("a drain lets the handshake end, and a shutdown past its deadline ends it", async (t) => {
  const first = await midway(t);
  const drained = first.server.close({ deadline: "20 seconds" });
  await first.place.settle();
  assert.equal(first.connection.state, "draining");
  first.handshake.succeed();
  await first.place.settle();
  first.peer.end();
  await first.place.drive(drained);
  assert.equal(first.place.records[0]!.reason, "drained");

  const second = await midway(t, {}, { handshakeTimeout: "1 minute" });
  const stopped = second.server.close({ deadline: "2 seconds" });
  stopped.catch(() => {});
  await second.place.pass(2100);
  await assert.rejects(second.place.drive(stopped), { _tag: "ShutdownTimeoutError" });
  assert.equal(second.place.records[0]!.reason, "shutdown");
});

it("with onFrame a drain lets the handshake end, too", async (t) => {
  const place = new Played(t);
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    onFrame: (_, connection) => void connection.upgrade(pair),
  });
  const peer = await place.dial(server);
  peer.write("STARTTLS\n");
  await place.settle();
  const drained = server.close();
  await place.settle();
  assert.equal(peer.ended, false);
  place.handshakes[0]!.succeed();
  await place.settle();
  assert.equal(peer.ended, true);
  peer.end();
  await place.drive(drained);
});

it("one who catches the error, or does not wait for the upgrade, does not get injected frames either", async (t) => {
  for (const waits of [true, false]) {
    const place = new Played(t);
    const heard: string[] = [];
    const server = await place.serve<string>({
      framing: text,
      upgradable: true,
      handler: async (connection: Text) => {
        for await (const line of connection) {
          heard.push(line);
          const upgrade = connection.upgrade(pair).catch(() => {});
          if (waits) await upgrade;
        }
      },
    });
    const peer = await place.dial(server);
    peer.write("STARTTLS\nsecret\n");
    await over(place, peer);
    assert.deepEqual(heard, ["STARTTLS"]);
    const [record] = place.records;
    assert.equal((record!.error as TlsError).reason, "injected");
    assert.equal(record!.framesUnhandled, 1);
  }
});

it("a command in one batch with other frames is refused, since they may lie behind it; alone in its batch it is not", async (t) => {
  for (const together of [true, false]) {
    const place = new Played(t);
    const server = await place.serve<string>({
      framing: text,
      upgradable: true,
      handler: async (connection: Text) => {
        for await (const lines of connection.batches()) {
          if (lines.includes("STARTTLS")) await connection.upgrade(pair);
        }
      },
    });
    const peer = await place.dial(server);
    peer.write("one\ntwo\n");
    await place.settle();
    peer.write(together ? "STARTTLS\nsecret\n" : "STARTTLS\n");
    await place.settle();
    if (together) {
      await over(place, peer);
      assert.equal((place.records[0]!.error as TlsError).reason, "injected");
    } else {
      assert.equal(place.handshakes.length, 1);
      assert.equal(peer.ended || peer.closed, false);
      place.handshakes[0]!.succeed();
      await place.settle();
      peer.end();
      await place.settle();
    }
  }
});

it("nothing is delivered, and nothing can be sent, before authorize has agreed", async (t) => {
  let decide!: (good: boolean) => void;
  const options = {
    clientCertificates: "request",
    ca: "those who sign",
    authorize: () => new Promise<boolean>((resolve) => decide = resolve),
  };
  const { place, peer, connection, handshake, heard } = await midway(t, {}, options);
  handshake.succeed();
  await place.settle();
  peer.write("two\n");
  await place.settle();
  assert.deepEqual(heard, ["STARTTLS"]);
  await assert.rejects(Promise.resolve(connection.send("early")), { reason: "upgrading" });
  decide(true);
  await place.settle();
  assert.deepEqual(heard, ["STARTTLS", "two"]);

  const refused = await midway(t, {}, options);
  refused.handshake.succeed();
  await refused.place.settle();
  refused.peer.write("two\n");
  decide(false);
  await over(refused.place, refused.peer);
  assert.deepEqual(refused.heard, ["STARTTLS"]);
  const [record] = refused.place.records;
  assert.equal((record!.error as TlsError).reason, "unauthorized");
  assert.equal(record!.reason, "tls_error");

  const killed = await midway(t, {}, options);
  killed.handshake.succeed();
  await killed.place.settle();
  killed.connection.destroy({});
  assert.equal((await killed.place.drive(killed.connection.closed)).reason, "killed");
  await over(killed.place, killed.peer);

  const slow = await midway(t, {}, options);
  slow.handshake.succeed();
  await slow.place.settle();
  await slow.place.pass(11_000);
  assert.equal((slow.place.records[0]!.error as TlsError).reason, "timeout");
});

it("frames behind the upgrade wait until an asynchronous onFrame is done", async (t) => {
  const place = new Played(t);
  const heard: string[] = [];
  let goOn!: () => void;
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    onFrame: async (line, connection) => {
      heard.push(line);
      if (line !== "STARTTLS") return;
      await connection.upgrade(pair);
      await new Promise<void>((resolve) => goOn = resolve);
      heard.push("done");
    },
  });
  const peer = await place.dial(server);
  peer.write("STARTTLS\n");
  await place.settle();
  place.handshakes[0]!.succeed();
  await place.settle();
  peer.write("two\n");
  await place.settle();
  goOn();
  await place.settle();
  assert.deepEqual(heard, ["STARTTLS", "done", "two"]);
});

it("can begin in onConnect, before the first byte", async (t) => {
  const place = new Played(t);
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    onConnect: (connection) => void connection.upgrade(pair),
    onFrame: (line, connection) => connection.send(`${connection.peer.tls?.protocol} ${line}`),
  });
  const peer = await place.dial(server);
  await place.settle();
  place.handshakes[0]!.succeed();
  peer.write("one\n");
  await place.settle();
  assert.equal(peer.text, "TLSv1.3 one\n");
});

it("a second call, and one on a connection that ends, are refused and harm nothing", async (t) => {
  const { place, server, peer, connection, handshake } = await midway(t);
  await assert.rejects(connection.upgrade(pair), OptionsError);
  handshake.succeed();
  await place.settle();
  await assert.rejects(connection.upgrade(pair), /is secured/);
  peer.write("two\n");
  await place.settle();
  assert.equal(peer.text, "go ahead\nheard two\n");
  peer.abort();
  await place.settle();
  const ending = await place.dial(server);
  await place.settle();
  const [other] = [...server.connections.values()];
  other!.destroy();
  await assert.rejects(other!.upgrade(pair), { _tag: "SocketError", reason: "closed" });
  await over(place, ending);
});

it("options that make no sense are refused, and the connection stays as it was", async (t) => {
  const place = new Played(t);
  const errors: unknown[] = [];
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    onFrame: async (line, connection) => {
      if (line === "end") return connection.destroy();
      for (
        const bad of [{}, { ...pair, framing: {} }, { ...pair, handshakeTimeout: 0 }, { ...pair, kay: "" }]
      ) {
        await connection.upgrade(bad as never).catch((error) => errors.push(error));
      }
      await connection.send("still here");
    },
  });
  const peer = await place.dial(server);
  peer.write("STARTTLS\n");
  await place.settle();
  assert.equal(peer.text, "still here\n");
  assert.equal(errors.length, 4);
  assert.ok(errors.every((error) => error instanceof OptionsError));
});

it("a broadcast is written by each connection's own framing, also by one that has changed", async (t) => {
  const framing = lengthField({ lengthBytes: 1, strip: 1 });
  const { place, server, peer, handshake } = await midway(t, {}, { framing });
  const plain = await place.dial(server);
  handshake.succeed();
  await place.settle();
  const report = await place.drive(server.broadcast("to all"));
  assert.deepEqual([report.sent, report.failed], [1, 1]);
  assert.equal(plain.text, "to all\n");
  assert.equal(peer.text, "go ahead\n");
});

it("sockets that have no TLS refuse upgradable before they open", async (t) => {
  const place = new Played(t);
  const { memoryAdapter } = await import("../../src/adapters/memory/adapter.ts");
  const { serve } = await import("../../src/server/serve.ts");
  const { connect } = await import("../../src/client/connect.ts");
  const adapter = memoryAdapter({ clock: place.clock });
  const given = { adapter, clock: place.clock, framing: text, upgradable: true } as const;
  const refused = { _tag: "OptionsError", reason: "unsupported" };
  await assert.rejects(serve({ ...given, port: 0, onFrame: () => {} }), refused);
  await assert.rejects(connect({ ...given, port: 1 }), refused);
});
