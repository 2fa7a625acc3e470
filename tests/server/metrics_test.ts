// What a server counts, logs and shows of itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { RateSample } from "../../src/server/server_stats.ts";
import { echo } from "../support/frames.ts";
import { Virtual } from "../support/server.ts";

test("S-41: bytes in are the frames, their overhead and what is left over; opens less closes are the open ones; one start and one end each (F-50)", async (t) => {
  const place = new Virtual(t, { bufferSize: 3_000 });
  let frameBytes = 0;
  const started: string[] = [];
  const ended: string[] = [];
  const server = await place.serve({
    framing: lengthField({ lengthBytes: 2, strip: 2, maxFrameBytes: 4_000 }),
    egressLimit: 20_000,
    onConnect: (connection) => void started.push(connection.id),
    onDisconnect: ({ connectionId }) => void ended.push(connectionId),
    handler: async (connection) => {
      for await (const frame of connection) {
        frameBytes += frame.length;
        await connection.send(frame);
      }
    },
  });
  const peers = [];
  for (let at = 0; at < 20; at++) peers.push(await place.dial(server, at % 5 === 4 ? "stalled" : undefined));
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 200; round++) {
    const peer = peers[random(peers.length)]!;
    const size = random(300);
    const dice = random(60);
    if (dice === 0) peer.abort();
    else if (dice === 1) peer.end();
    else if (dice === 2) peer.write(new Uint8Array([255, 255, 1]));
    else if (dice < 20) peer.write(new Uint8Array([0]));
    else if (peer.taken) peer.write(new Uint8Array([size >> 8, size & 255, ...new Uint8Array(size)]));
    if (round % 7 === 0) await place.settle();
    const { connectionsAccepted, connectionsClosed, connectionsActive } = server.stats();
    assert.equal(connectionsAccepted - connectionsClosed, connectionsActive);
    assert.equal(connectionsActive, server.connections.size);
  }
  await place.drive(server.destroy());
  await place.settle();
  const stats = server.stats();
  assert.deepEqual([stats.connectionsAccepted, stats.connectionsClosed, stats.connectionsActive], [
    20,
    20,
    0,
  ]);
  assert.deepEqual([...ended].sort(), [...started].sort());
  assert.equal(new Set(ended).size, 20);
  const sum = (pick: (record: (typeof place.records)[number]) => number) =>
    place.records.reduce((total, record) => total + pick(record), 0);
  assert.equal(stats.bytesReceived, sum(({ bytesReceived }) => bytesReceived));
  assert.equal(stats.framesReceived, sum(({ framesReceived }) => framesReceived));
  assert.equal(stats.bytesSent, sum(({ bytesSent }) => bytesSent));
  assert.equal(stats.framesSent, sum(({ framesSent }) => framesSent));
  assert.equal(Object.values(stats.closedByReason).reduce((a, b) => a + b, 0), 20);
  assert.equal(stats.outboxBytes, 0);
  // A frame cannot be cut any more once the connection has failed or been closed: these bytes only arrived.
  for (const record of place.records.filter(({ reason }) => reason === "peer_closed")) {
    assert.equal(record.partialFrameBytes, 0);
  }
  assert.ok(frameBytes + 2 * stats.framesReceived <= stats.bytesReceived);
});

test("S-41: of one orderly connection every byte is accounted for (F-50)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines(), handler: echo });
  const peer = await place.dial(server);
  await place.pass(40);
  peer.write("one\r\ntwo\nhal");
  await place.settle();
  const [connection] = server.connections.values();
  const { bytesReceived, framesReceived, bytesSent, framesSent, ageMs } = connection!.stats();
  assert.deepEqual([bytesReceived, framesReceived, bytesSent, framesSent, ageMs], [12, 2, 8, 2, 40]);
  peer.write("f\n").end();
  await place.settle();
  const stats = server.stats();
  assert.deepEqual([stats.bytesReceived, stats.framesReceived, stats.bytesSent, stats.framesSent], [
    14,
    3,
    13,
    3,
  ]);
  assert.deepEqual([stats.firstByteCount, stats.firstByteMs], [1, 40]);
  assert.deepEqual(stats.closedByReason, { peer_closed: 1 });
});

test("rates are sampled once a second, for the server and each connection (F-51)", async (t) => {
  const place = new Virtual(t);
  const samples: RateSample[] = [];
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    onStats: (sample) => void samples.push(sample),
  });
  const peer = await place.dial(server);
  server.inspect();
  for (let tick = 0; tick < 30; tick++) {
    peer.write("123456789\n");
    await place.pass(100);
  }
  assert.ok(samples.length >= 2 && samples.length <= 3, `${samples.length} samples in three seconds`);
  const [first, second] = samples;
  assert.equal(first!.connectionsActive, 1);
  assert.ok(first!.connectionsPerSecond > 0 && second!.connectionsPerSecond === 0);
  assert.ok(Math.abs(second!.bytesReceivedPerSecond - 100) < 15, String(second!.bytesReceivedPerSecond));
  assert.ok(Math.abs(second!.framesSentPerSecond - 10) < 1.5);
  assert.deepEqual(server.rates(), samples.at(-1));
  const [shown] = server.inspect().connections;
  assert.ok(Math.abs(shown!.rates!.framesReceivedPerSecond - 10) < 1.5);
});

test("what a connection had counted before rates were asked for is none, and one that falls silent has none (F-51)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines(), handler: echo });
  const peer = await place.dial(server);
  const shown = () => server.inspect().connections[0]!.rates?.bytesReceivedPerSecond;
  peer.write("x".repeat(999) + "\n");
  await place.pass(100);
  server.rates();
  assert.equal(shown(), 0);
  await place.pass(1_500);
  assert.equal(shown(), 0);
  peer.write("x".repeat(999) + "\n");
  await place.pass(1_000);
  assert.ok(shown()! > 500);
  await place.pass(2_000);
  assert.equal(shown(), 0);
});

test("a server shows itself and its connections as data (F-52, F-25)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: lines({ encoding: "utf-8" }),
    context: () => ({ user: "nobody" }),
    onFrame: (line, connection) => {
      connection.context.user = line;
    },
  });
  const before = place.clock.wallTime();
  const peer = await place.dial(server);
  peer.write("ada\n");
  await place.pass(10);
  const second = await place.dial(server);
  const [one, two] = [...server.connections.values()] as Connection<string, string, { user: string }>[];
  assert.deepEqual([one!.context, two!.context], [{ user: "ada" }, { user: "nobody" }]);
  assert.ok(one!.id < two!.id && /^[0-9a-z]{17}$/.test(one!.id));
  const shown = server.inspect();
  assert.deepEqual(
    [shown.state, shown.runtime, shown.framing, shown.address],
    ["running", "memory", "lines", server.address],
  );
  assert.deepEqual(shown.stats, server.stats());
  const { local, ip, port } = one!.peer;
  assert.deepEqual(shown.connections[0], {
    id: one!.id,
    ip,
    port,
    via: undefined,
    protocol: undefined,
    tls: undefined,
    local,
    state: "open",
    startedAt: before,
    ...one!.stats(),
  });
  assert.deepEqual([ip, port > 0, local], ["127.0.0.1", true, server.address]);
  assert.doesNotThrow(() => JSON.stringify(shown));
  second.end();
});

test("logs are records with the connection's facts (F-53)", async (t) => {
  const place = new Virtual(t);
  const options = { framing: lines({ maxFrameBytes: 3 }), handler: echo };
  const server = await place.serve(options);
  const peer = await place.dial(server);
  peer.write("too long\n").end();
  await place.settle();
  const [id] = [place.records[0]!.connectionId];
  const [opened, failed, closed] = place.logs.slice(1);
  assert.deepEqual(
    [opened!.level, opened!.message, opened!.fields["conn.id"], opened!.fields["peer.ip"]],
    ["debug", "connection opened", id, "127.0.0.1"],
  );
  assert.deepEqual(
    [failed!.level, failed!.message, failed!.fields.reason, failed!.fields["conn.id"]],
    ["warn", "frame error", "too_large", id],
  );
  assert.equal(closed!.level, "info");
  const { reason, bytesReceived, durationMs, errorReason } = closed!.fields;
  assert.deepEqual([reason, bytesReceived, durationMs, errorReason], ["frame_error", 9, 0, "FrameError"]);
  assert.doesNotThrow(() => JSON.stringify(place.logs));
});
