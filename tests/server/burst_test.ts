// Our own burst of one turn is not the peer's slowness: nothing of it is lost to a peer that reads.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { raw } from "../../src/core/framing/raw.ts";
import type { EgressPolicy, SendOutcome } from "../../src/core/flow/outcome.ts";
import type { Adapter, Transport } from "../../src/core/transport.ts";
import { serve } from "../../src/server/serve.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { bytes } from "../support/frames.ts";
import { type Place, Real, Virtual } from "../support/server.ts";

const policies: readonly EgressPolicy[] = ["wait", "drop-newest", "drop-oldest", "close"];
const frame = 4_096;

type Tally = Record<SendOutcome["status"], number>;

/** Frames in one turn, awaited by nobody. */
function burst(connection: Connection<Uint8Array>, frames: number): Tally {
  const tally: Tally = { sent: 0, dropped: 0, failed: 0 };
  for (let at = 0; at < frames; at++) {
    void connection.deliver(new Uint8Array(frame).fill(at)).then(({ status }) => tally[status]++);
  }
  return tally;
}

async function whole(place: Place, egressPolicy: EgressPolicy, secure: boolean): Promise<void> {
  const frames = 40;
  let opened: (connection: Connection<Uint8Array>) => void = () => {};
  const open = new Promise<Connection<Uint8Array>>((resolve) => opened = resolve);
  const server = await place.serve<Uint8Array>({
    framing: raw(),
    onConnect: (connection) => opened(connection),
    egressLimit: 65_536,
    egressPolicy,
    onFrame: () => {},
    ...secure ? { tls: await serverPair() } : {},
  });
  let came = 0;
  let all = () => {};
  const done = new Promise<void>((resolve) => all = resolve);
  await place.connect<Uint8Array>(server, {
    framing: raw(),
    onFrame: (chunk) => {
      if ((came += chunk.length) === frames * frame) all();
    },
    ...secure ? { tls: { ca: (await testAuthority()).cert, serverName: "localhost" } } : {},
  });
  const connection = await place.drive(open);
  const tally = burst(connection, frames);
  await place.drive(done);
  await place.drive(connection.flush());
  assert.deepEqual(tally, { sent: frames, dropped: 0, failed: 0 });
  const { framesSent, framesDropped, outboxBytes } = connection.stats();
  assert.deepEqual([framesSent, framesDropped, outboxBytes], [frames, 0, 0]);
  assert.equal(connection.state, "open");
}

for (const policy of policies) {
  test(`S-62: 160 KiB in one turn reach an idle peer under an egressLimit of 64 KiB and policy ${policy}`, async (t) => {
    await whole(await Real.at(t), policy, false);
  });
  test(`S-62: and so they do under TLS (${policy})`, async (t) => {
    await whole(await Real.at(t), policy, true);
  });
  test(`S-62: and in memory (${policy})`, async (t) => {
    await whole(new Virtual(t, { bufferSize: 1_000_000 }), policy, false);
  });
}

/** A server whose sockets answer a write later, as on Deno and under TLS, and one peer that does not read. */
async function late(t: TestContext, egressPolicy: EgressPolicy) {
  const place = new Virtual(t, { bufferSize: 10_000 });
  const adapter: Adapter = {
    ...place.adapter,
    listen: (options, accept) =>
      place.adapter.listen(
        options,
        (transport) => accept(Object.assign(transport, { prompt: false } satisfies Partial<Transport>)),
      ),
  };
  const server = await place.drive(serve({
    port: 0,
    framing: lines(),
    egressLimit: 100_000,
    egressPolicy,
    onFrame: () => {},
    logger: () => {},
    onDisconnect: (record) => void place.records.push(record),
    adapter,
    clock: place.clock,
  }));
  place.atEnd(() => place.drive(server.destroy()));
  const peer = await place.dial(server, "stalled");
  const [connection] = server.connections.values();
  const outcomes: (SendOutcome | undefined)[] = [];
  const send = (count: number): void => {
    for (const end = outcomes.length + count; outcomes.length < end;) {
      const at = outcomes.push(undefined) - 1;
      void connection!.deliver(bytes(String(at).padStart(999, "."))).then((outcome) =>
        outcomes[at] = outcome
      );
    }
  };
  return { place, peer, connection: connection!, outcomes, send };
}

test("S-62: where the kernel answers late, a burst waits for the answer, and without one the policy has its way", async (t) => {
  for (const policy of ["drop-newest", "drop-oldest"] as const) {
    const { place, peer, connection, outcomes, send } = await late(t, policy);
    send(300);
    await place.settle();
    assert.ok(connection.stats().outboxBytes > 250_000, "the burst was not held");
    assert.equal(connection.stats().framesDropped, 0);
    await place.pass(200);
    assert.ok(connection.stats().outboxBytes <= 100_000, `${connection.stats().outboxBytes} bytes are held`);
    // Known to be slow by now: what does not fit is dropped at once.
    const before = connection.stats().framesDropped;
    send(10);
    assert.equal(connection.stats().framesDropped, before + 10);
    peer.onData = () => true;
    peer.transport.resume();
    await place.settle();
    const came = peer.text.trimEnd().split("\n").map((line) => Number(line.replaceAll(".", "")));
    assert.deepEqual(came, outcomes.flatMap((outcome, at) => outcome?.status === "sent" ? [at] : []));
    assert.equal(outcomes.filter((outcome) => outcome?.status === "dropped").length, before + 10);
    assert.equal(came.includes(309), policy === "drop-oldest");
    // And quick again: the next burst is held anew.
    peer.onData = () => false;
    send(150);
    assert.equal(connection.stats().framesDropped, before + 10);
    connection.destroy();
    await place.settle();
  }
});

test("S-62: without an answer policy close ends the connection, and policy wait refuses whoever goes on unawaited", async (t) => {
  const closing = await late(t, "close");
  closing.send(200);
  await closing.place.settle();
  assert.deepEqual(closing.place.records, []);
  await closing.place.pass(200);
  assert.deepEqual(closing.place.records.map(({ reason }) => reason), ["egress_limit"]);
  assert.equal(closing.outcomes.filter((outcome) => outcome === undefined).length, 0);
  const waiting = await late(t, "wait");
  waiting.send(300);
  await waiting.place.settle();
  assert.equal(waiting.outcomes.filter((outcome) => outcome?.status === "failed").length, 0);
  await waiting.place.pass(200);
  waiting.send(10);
  await waiting.place.settle();
  assert.equal(waiting.outcomes.filter((outcome) => outcome?.status === "failed").length, 10);
});

test("S-62: a burst has a bound of its own, and a single large frame fits alone however late the answer", async (t) => {
  const { place, connection, outcomes, send } = await late(t, "drop-newest");
  send(6_000);
  assert.ok(connection.stats().outboxBytes <= 100_000 + 4 * 1024 * 1024);
  await place.settle();
  assert.ok(outcomes.filter((outcome) => outcome?.status === "dropped").length >= 1_600);
  const large = await late(t, "close");
  void large.connection.send(new Uint8Array(500_000));
  await large.place.pass(1_000);
  assert.equal(large.connection.state, "open");
});
