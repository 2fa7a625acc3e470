// Upgrades of a server's connections are among its handshakes: counted, told and limited like those of a TLS port.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import { TlsError, type TlsErrorReason } from "../../src/core/tls/tls_error.ts";
import { Handshakes } from "../../src/server/handshakes.ts";
import type { Server } from "../../src/server/server.ts";
import type { HandshakePeer } from "../../src/server/server_tls.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { within } from "../contract/within.ts";
import { makeAuthority, serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import type { Peer } from "../support/peer.ts";
import { Played } from "../support/scripted_tls.ts";
import { type Place, Real } from "../support/server.ts";

const text = lines({ encoding: "utf-8" });
const pair = await serverPair();
type Text = Connection<string>;

/** What a server told about handshakes that failed. */
class Told {
  readonly failures: { readonly reason: TlsErrorReason; readonly error: TlsError; readonly port: number }[] =
    [];
  #look: () => void = () => {};

  readonly note = (error: TlsError, { port }: HandshakePeer): void => {
    this.failures.push({ reason: error.reason, error, port });
    this.#look();
  };

  get reasons(): TlsErrorReason[] {
    return this.failures.map(({ reason }) => reason);
  }

  async next(count: number): Promise<void> {
    const come = new Promise<void>((resolve) => {
      this.#look = () => void (this.failures.length >= count && resolve());
      this.#look();
    });
    await within(come, () => `${count} failures; had come: ${this.reasons}`);
  }
}

/** A server that secures a connection at `STARTTLS`, and else answers. */
async function starttls(place: Place, given: object = {}, upgrade: object = {}) {
  const told = new Told();
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    onTlsError: told.note,
    onFrame: async (line: string, connection: Text) => {
      if (line !== "STARTTLS") return connection.send(`heard ${line}`);
      await connection.send("go ahead");
      await connection.upgrade({ ...pair, ...upgrade });
    },
    ...given,
  });
  return { server, told };
}

async function asked(place: Played, server: Server<string>): Promise<Peer> {
  const peer = await place.dial(server);
  peer.write("STARTTLS\n");
  await place.settle();
  return peer;
}

function counts(server: Server<string>): readonly number[] {
  const { handshakesActive, handshakesCompleted, handshakesFailed } = server.inspect().stats;
  return [handshakesActive, handshakesCompleted, handshakesFailed];
}

const failedRecords = ({ logs }: Place) => logs.filter(({ message }) => message === "TLS handshake failed");

it("an upgrade holds a slot while it runs, and counts as a handshake that succeeded (F-34, F-69)", async (t) => {
  const place = new Played(t);
  const { server, told } = await starttls(place);
  const peer = await asked(place, server);
  assert.deepEqual(counts(server), [1, 0, 0]);
  assert.equal(server.inspect().tls, undefined);
  place.handshakes[0]!.succeed();
  await place.settle();
  assert.deepEqual(counts(server), [0, 1, 0]);
  peer.write("two\n");
  await place.settle();
  assert.equal(peer.text, "go ahead\nheard two\n");
  assert.deepEqual(told.reasons, []);
});

it("text instead of a ClientHello is told, logged and counted as on a TLS port, and the connection has ended (F-34)", async (t: TestContext) => {
  const place = await Real.at(t);
  const { server, told } = await starttls(place);
  const peer = await place.dial(server);
  peer.write("STARTTLS\n");
  await peer.got("go ahead\n");
  peer.write("GET / HTTP/1.1\r\n\r\n");
  await told.next(1);
  await peer.until(() => peer.ended || peer.closed, "the server to let go");
  peer.abort();
  await place.gone(1);
  const [failure] = told.failures;
  assert.equal(failure!.reason, "plaintext");
  const { local } = peer.transport.peer;
  assert.equal(failure!.port, local.transport === "tcp" ? local.port : 0);
  assert.equal(place.records[0]!.error, failure!.error);
  assert.deepEqual(
    failedRecords(place).map(({ level, fields }) => [level, fields["peer.ip"], fields.reason]),
    [
      ["warn", "127.0.0.1", "plaintext"],
    ],
  );
  assert.deepEqual(counts(server), [0, 0, 1]);
  assert.deepEqual(server.stats().handshakesFailedByReason, { plaintext: 1 });
  assert.deepEqual(server.stats().closedByReason, { tls_error: 1 });
});

it("a client certificate that nobody knows, and one that authorize refuses, count by their reasons (F-34, F-30)", async (t) => {
  const place = await Real.at(t);
  const { cert: ca, sign } = await testAuthority();
  const authorize = () => false;
  const { server, told } = await starttls(place, {}, { clientCertificates: "require", ca, authorize });
  const stranger = await (await makeAuthority("Strangers")).sign({ subject: "device-9", use: "client" });
  const known = await sign({ subject: "device-7", use: "client" });
  for (const [at, own] of [stranger, known].entries()) {
    const connection: Text = await place.connect<string>(server, { framing: text, upgradable: true });
    await connection.send("STARTTLS");
    await connection[Symbol.asyncIterator]().next();
    // With TLS 1.3 the client's side may be done before the server has looked.
    await place.drive(connection.upgrade({ ca, serverName: "localhost", ...own })).catch(() => {});
    await told.next(at + 1);
    connection.destroy();
    await place.drive(connection.closed);
  }
  assert.deepEqual(told.reasons, ["certificate_untrusted", "unauthorized"]);
  assert.deepEqual(server.stats().handshakesFailedByReason, { certificate_untrusted: 1, unauthorized: 1 });
  assert.deepEqual(counts(server), [0, 0, 2]);
});

it("S-22: an upgrade whose handshake never comes holds its slot for the handshake timeout, and is told (F-15)", async (t) => {
  const place = new Played(t);
  const { server, told } = await starttls(place, {}, { handshakeTimeout: "3 seconds" });
  await asked(place, server);
  await place.pass(2500);
  assert.deepEqual(counts(server), [1, 0, 0]);
  await place.pass(1500);
  assert.deepEqual(counts(server), [0, 0, 1]);
  assert.deepEqual(told.reasons, ["timeout"]);
  assert.equal(failedRecords(place).length, 1);
  assert.deepEqual(server.stats().handshakesFailedByReason, { timeout: 1 });
});

it("S-22: and on the sockets of the runtime, where half a ClientHello comes", async (t) => {
  const place = await Real.at(t);
  const { server, told } = await starttls(place, {}, { handshakeTimeout: 200 });
  const peer = await place.dial(server);
  peer.write("STARTTLS\n");
  await peer.got("go ahead\n");
  peer.write(new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]));
  await told.next(1);
  await peer.until(() => peer.ended || peer.closed, "the server to let go");
  peer.abort();
  assert.deepEqual(told.reasons, ["timeout"]);
  assert.deepEqual(counts(server), [0, 0, 1]);
});

it("plaintext behind the command, and a pair that is not fit for service, count as well", async (t) => {
  const place = new Played(t);
  const { server, told } = await starttls(place);
  const peer = await place.dial(server);
  peer.write("STARTTLS\nsecret\n");
  await place.settle();
  const { key } = await makeAuthority();
  const other = await starttls(place, {}, { key });
  // Its certificate is looked at by the runtime, for which no time passes here.
  const refused = other.told.next(1);
  await asked(place, other.server);
  await refused;
  await place.settle();
  assert.deepEqual([told.reasons, other.told.reasons], [["injected"], ["material"]]);
  assert.deepEqual(server.stats().handshakesFailedByReason, { injected: 1 });
  assert.deepEqual(counts(other.server), [0, 0, 1]);
});

it("an upgrade above the maximum is refused: it is counted, logged once, and has its own error (F-69)", async (t) => {
  const place = new Played(t);
  const errors: unknown[] = [];
  const { server, told } = await starttls(place, {
    maxHandshakes: 2,
    onFrame: async (line: string, connection: Text) => {
      if (line !== "STARTTLS") return connection.send(`heard ${line}`);
      await connection.send("go ahead");
      await connection.upgrade(pair).catch((error) => errors.push(error));
    },
  });
  const bystander = await place.dial(server);
  const inside = [await asked(place, server), await asked(place, server)];
  assert.deepEqual(counts(server), [2, 0, 0]);
  for (const _ of [1, 2]) {
    const peer = await asked(place, server);
    assert.ok(peer.closed || peer.ended, "the peer sees the end");
  }
  assert.equal(place.handshakes.length, 2);
  assert.deepEqual(counts(server), [2, 0, 2]);
  assert.deepEqual(server.stats().handshakesFailedByReason, { too_many_handshakes: 2 });
  assert.equal(place.messages.filter((one) => /too many are in progress/.test(one)).length, 1);
  assert.deepEqual(told.reasons, [], "as on a TLS port");
  for (const error of errors) {
    assert.ok(error instanceof TlsError && error.reason === "too_many_handshakes", String(error));
    assert.match(error.message, /raise maxHandshakes/);
  }
  assert.deepEqual(place.records.map(({ reason, endedBy }) => [reason, endedBy]), [
    ["tls_error", "local"],
    ["tls_error", "local"],
  ]);
  assert.deepEqual(place.records.map(({ error }) => error), errors);
  // Slots are free again with those that end, in whatever way.
  place.handshakes[0]!.succeed();
  place.handshakes[1]!.fail(new TlsError("peer_closed", "the peer left"));
  await place.settle();
  assert.deepEqual(counts(server), [0, 1, 3]);
  const late = await asked(place, server);
  place.handshakes[2]!.succeed();
  await place.settle();
  for (const peer of [bystander, inside[0]!, late]) {
    peer.write("still here\n");
    await place.settle();
    assert.match(peer.text, /heard still here\n$/);
  }
});

it("one that ends with its connection gives its slot back and is no failure; one that close waits for can be", async (t) => {
  const place = new Played(t);
  const { server, told } = await starttls(place);
  await asked(place, server);
  await asked(place, server);
  const [killed, closed] = [...server.connections.values()];
  killed!.destroy({});
  await place.settle();
  assert.deepEqual(counts(server), [1, 0, 0]);
  void closed!.close();
  await place.settle();
  assert.deepEqual(counts(server), [1, 0, 0]);
  place.handshakes[1]!.fail(new TlsError("version", "too old"));
  await place.settle();
  assert.deepEqual(counts(server), [0, 0, 1]);
  assert.deepEqual(told.reasons, ["version"]);
});

it("suspend leaves upgrades of open connections alone", async (t) => {
  const place = new Played(t);
  const { server } = await starttls(place);
  const peer = await asked(place, server);
  await place.drive(server.suspend());
  assert.deepEqual(counts(server), [1, 0, 0]);
  place.handshakes[0]!.succeed();
  peer.write("two\n");
  await place.settle();
  assert.equal(peer.text, "go ahead\nheard two\n");
  assert.deepEqual(counts(server), [0, 1, 0]);
});

it("many upgrades at one time begin a few in a turn, and those that are over take no turn", () => {
  const clock = new FakeClock();
  const turns: (() => void)[] = [];
  clock.endOfTurn = (callback) => void turns.push(callback);
  const nobody = { refused: () => false, entered: () => {}, left: () => {} };
  const told = { failed: () => {}, probed: () => {}, full: () => {}, ...nobody };
  const settings = { timeout: Infinity, most: 100, authorize: undefined, ...told };
  const handshakes = new Handshakes(settings, new TimerWheel(clock));
  const begun: number[] = [];
  const slots = Array.from({ length: 12 }, (_, at) => {
    const slot = handshakes.take({ ip: "192.0.2.1", port: at } as Parameters<Handshakes["take"]>[0])!;
    slot.pace(() => void begun.push(at));
    return slot;
  });
  assert.deepEqual(begun, [0, 1, 2, 3]);
  slots[4]!.giveBack();
  turns.shift()!();
  assert.deepEqual(begun, [0, 1, 2, 3, 5, 6, 7, 8]);
  turns.shift()!();
  assert.deepEqual(begun.length, 11);
  assert.equal(handshakes.active, 11);
});
