// What was sent: counters, record and outcomes tell the same, at every moment and however the connection ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { raw } from "../../src/core/framing/raw.ts";
import type { EgressPolicy, SendOutcome } from "../../src/core/flow/outcome.ts";
import { pattern } from "../contract/rig.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { type Place, Real, Virtual } from "../support/server.ts";

const policies: readonly EgressPolicy[] = ["wait", "drop-newest", "drop-oldest"];
const random = pattern(4_000);

/** Frames of many sizes to a peer, whose connection is killed when it has had `until` bytes, with more under way. */
async function killed(
  place: Place,
  egressPolicy: EgressPolicy,
  until: number,
  secure: boolean,
): Promise<void> {
  let opened: (connection: Connection<Uint8Array>) => void = () => {};
  const open = new Promise<Connection<Uint8Array>>((resolve) => opened = resolve);
  const server = await place.serve<Uint8Array>({
    framing: raw(),
    onConnect: (connection) => opened(connection),
    egressLimit: 300_000,
    egressPolicy,
    onFrame: () => {},
    ...secure ? { tls: await serverPair() } : {},
  });
  let came = 0;
  let enough = () => {};
  const reached = new Promise<void>((resolve) => enough = resolve);
  const peer = await place.connect<Uint8Array>(server, {
    framing: raw(),
    onFrame: (chunk) => {
      if ((came += chunk.length) >= until) enough();
    },
    ...secure ? { tls: { ca: (await testAuthority()).cert, serverName: "localhost" } } : {},
  });
  const connection = await place.drive(open);
  const outcomes: SendOutcome[] = [];
  const sizes: number[] = [];
  const send = (): Promise<unknown> => {
    const order = sizes.length;
    const size = 1 + random[order % random.length]! * (order % 17 === 0 ? 700 : 9);
    sizes.push(size);
    return connection.deliver(new Uint8Array(size)).then((outcome) => outcomes[order] = outcome);
  };
  while (came < until) {
    for (let at = 0; at < 39; at++) void send();
    await place.drive(Promise.race([reached, send()]));
  }
  for (let at = 0; at < 39; at++) void send();
  const moment = connection.stats();
  connection.destroy({});
  const record = await place.drive(connection.closed);
  const count = (status: SendOutcome["status"]) =>
    outcomes.filter((outcome) => outcome?.status === status).length;
  assert.equal(count("sent") + count("dropped") + count("failed"), sizes.length, "an outcome is missing");
  assert.equal(record.framesSent, count("sent"));
  assert.equal(record.framesDropped, count("dropped"));
  assert.ok(moment.framesSent <= record.framesSent && moment.bytesSent <= record.bytesSent);
  const whole = sizes.filter((_, at) => outcomes[at]!.status === "sent").reduce((sum, size) => sum + size, 0);
  assert.ok(whole <= record.bytesSent, `${whole} bytes of whole frames, ${record.bytesSent} sent`);
  const { framesSent, bytesSent, framesDropped } = connection.stats();
  assert.deepEqual([framesSent, bytesSent, framesDropped], [
    record.framesSent,
    record.bytesSent,
    record.framesDropped,
  ]);
  // Frames that were refused were never accepted, all others are in one of the three counts.
  const refused =
    outcomes.filter((outcome) => outcome.status === "failed" && outcome.error.name === "LimitError").length;
  assert.equal(record.framesSent + record.framesUnsent + record.framesDropped + refused, sizes.length);
  peer.destroy();
}

for (const policy of policies) {
  for (const secure of [false, true]) {
    test(`S-54: after a kill at any moment the record counts as many frames sent as outcomes say so (${policy}${secure ? ", TLS" : ""})`, async (t) => {
      const place = await Real.at(t);
      for (let moment = 1; moment <= 5; moment++) await killed(place, policy, moment * 333_333, secure);
    });
  }
  test(`S-54: and in memory, where the kernel takes little (${policy})`, async (t) => {
    for (const bufferSize of [100, 1_000, 70_000]) {
      await killed(new Virtual(t, { bufferSize }), policy, bufferSize * 100, false);
    }
  });
}

test("S-54: frames are counted as the kernel takes them, though the backlog is never empty", async (t) => {
  const place = await Real.at(t);
  const size = 16_384;
  const frames = 1_600;
  const server = await place.serve<Uint8Array>({
    framing: raw(),
    egressLimit: size * frames,
    onFrame: (frame, connection) => connection.send(frame),
  });
  const peer = await place.dial(server, "stalled");
  const other = await place.dial(server);
  const connection = [...server.connections.values()].find(({ peer: { port } }) =>
    port === (peer.transport.peer.local as { port: number }).port
  )!;
  let told = 0;
  for (let at = 0; at < frames; at++) {
    void connection.deliver(new Uint8Array(size)).then(({ status }) => status === "sent" && told++);
  }
  // To and fro on another connection: the kernel has taken what it takes by then.
  for (let round = 1; round <= 30; round++) {
    other.write("x");
    await other.until(() => other.bytes === round, "an echo");
  }
  const { bytesSent, framesSent, outboxBytes } = connection.stats();
  assert.ok(outboxBytes > 0 && framesSent > 0, `${framesSent} frames sent, ${outboxBytes} bytes held`);
  assert.equal(framesSent, Math.floor(bytesSent / size));
  assert.equal(bytesSent + outboxBytes, size * frames);
  await place.drive(Promise.resolve());
  assert.equal(told, framesSent);
  peer.onData = () => true;
  peer.transport.resume();
  await peer.until(() => peer.bytes === size * frames, "everything");
  await connection.flush();
  assert.deepEqual([connection.stats().framesSent, told], [frames, frames]);
});

test("S-54: a frame without bytes has its outcome too", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve<Uint8Array>({ framing: raw(), onFrame: () => {} });
  await place.dial(server);
  const [connection] = server.connections.values();
  assert.deepEqual(await place.drive(connection!.deliver(new Uint8Array(0))), { status: "sent" });
  assert.equal(connection!.stats().framesSent, 1);
});

test("S-54: frames inside a write that the kernel took in part are counted before the rest of it is taken", async (t) => {
  const place = new Virtual(t, { bufferSize: 100_000 });
  const server = await place.serve<Uint8Array>({ framing: raw(), onFrame: () => {} });
  const peer = await place.dial(server, "stalled");
  const [connection] = server.connections.values();
  for (let at = 0; at < 20; at++) void connection!.send(new Uint8Array(10_007));
  await place.settle();
  const { bytesSent, framesSent, outboxBytes } = connection!.stats();
  assert.equal(bytesSent, 100_000 + peer.bytes);
  assert.equal(framesSent, Math.floor(bytesSent / 10_007));
  assert.equal(outboxBytes, 200_140 - bytesSent);
  assert.ok(outboxBytes > 0);
});
