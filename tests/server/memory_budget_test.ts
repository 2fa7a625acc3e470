// A memory budget on servers: peers that do not read are closed, honest ones live, and everybody is told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LimitError } from "../../src/core/errors.ts";
import { memoryBudget } from "../../src/connection/memory_budget.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { serverSamples } from "../../src/server/metrics.ts";
import { Gate } from "../support/frames.ts";
import { serverPair } from "../support/certificates.ts";
import { Real, Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });
const MiB = 1024 * 1024;

test("S-13: of peers that do not read the largest are closed when two servers hold more than their budget, and honest ones are answered (F-66)", async (t) => {
  const place = await Real.at(t);
  const budget = memoryBudget(8 * MiB);
  const over = new Gate();
  const options = {
    framing: utf8,
    memoryBudget: budget,
    egressLimit: 2 * MiB,
    logger: (record: { message: string }) => {
      place.logs.push(record as never);
      if (record.message.startsWith("memory budget met again")) over.open();
    },
    onFrame: (line: string, connection: { send(frame: string): void | Promise<void> }) => {
      if (line !== "feed") return connection.send(line);
      // As much as may wait, and what the kernel takes besides.
      for (let frames = 0; frames < 100; frames++) {
        void Promise.resolve(connection.send("x".repeat(65_000))).catch(() => {});
      }
      return undefined;
    },
  };
  const servers = [await place.serve(options as never), await place.serve(options as never)];
  const honest = await Promise.all([...servers, ...servers].map((server) => place.dial(server)));
  let asking = true;
  const conversations = honest.map(async (peer) => {
    let sent = "";
    while (asking) {
      sent += "hello\n";
      peer.write("hello\n");
      await peer.got(sent);
    }
  });
  const stalled = [];
  for (let each = 0; each < 16; each++) {
    stalled.push(await place.dial(servers[each % 2]!, "stalled"));
  }
  for (const peer of stalled) peer.write("feed\n");
  await place.drive(over.promise);
  asking = false;
  await Promise.all(conversations);
  assert.ok(!budget.exceeded && budget.episodes >= 1);
  assert.ok(budget.held <= 8 * MiB, `${budget.held} bytes are held`);
  assert.ok(place.records.length > 0 && place.records.length <= stalled.length);
  for (const { reason, error, endedWith, bytesUnsent } of place.records) {
    assert.equal(reason, "memory_budget");
    assert.ok(error instanceof LimitError && error.reason === "memory" && error.limit === 8 * MiB);
    assert.ok(endedWith === "rst" && bytesUnsent > 500_000, `${bytesUnsent} bytes`);
  }
  assert.ok(honest.every(({ closed }) => !closed));
  const held = servers.reduce((sum, server) => sum + server.stats().heldBytes, 0);
  assert.ok(held <= 8 * MiB, `${held} bytes`);
  for (const server of servers) {
    const samples = serverSamples(server.stats(), {});
    const value = (name: string) => samples.find((sample) => sample.name === `millrace_${name}`)?.value;
    assert.deepEqual([value("memory_budget_exceeded"), value("memory_budget_exceeded_total")], [
      0,
      budget.episodes,
    ]);
    assert.equal(value("held_bytes"), server.stats().heldBytes);
  }
});

test("while the budget is exceeded new connections are rejected with a reason, and afterwards accepted again (F-66)", async (t) => {
  const place = new Virtual(t, { bufferSize: 1_000 });
  const rejected: string[] = [];
  const server = await place.serve({
    framing: utf8,
    memoryBudget: "100 KB",
    farewell: "busy\n",
    onReject: (_peer, reason) => void rejected.push(reason),
    handler: async (connection) => {
      for await (const _ of connection) {
        for (let frames = 0; frames < 200; frames++) await connection.send("x".repeat(1_000));
      }
    },
  });
  const slow = await place.dial(server, "stalled");
  slow.write("feed\n");
  for (let wait = 0; wait < 20 && !server.stats().memoryExceeded; wait++) await place.pass(100);
  assert.ok(server.stats().memoryExceeded, `${server.stats().heldBytes} bytes`);
  const early = await place.dial(server);
  await place.settle();
  assert.equal(early.text, "busy\n");
  assert.deepEqual(rejected, ["memory_budget"]);
  assert.equal(server.stats().connectionsRejected, 1);
  await place.pass(2_500);
  assert.equal(place.records[0]!.reason, "memory_budget");
  const late = await place.dial(server);
  late.write("hello\n");
  await place.settle();
  assert.ok(late.bytes > 0);
  const told = place.logs.filter(({ message }) => message.startsWith("memory budget"));
  assert.deepEqual(told.map(({ level, message }) => [level, message]), [
    ["warn", "memory budget exceeded: new connections are rejected"],
    ["warn", "memory budget met again: new connections are accepted"],
  ]);
  assert.deepEqual([told[0]!.fields.limitBytes, told[0]!.fields.episodes], [100_000, 1]);
});

test("incomplete frames count, and a peer that stopped in the middle of one goes when it holds most (F-66)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, memoryBudget: "100 KB", onFrame: () => {} });
  const small = await place.dial(server);
  const large = await place.dial(server);
  small.write("x".repeat(40_000));
  large.write("x".repeat(70_000));
  await place.settle();
  assert.equal(server.stats().heldBytes, 110_000);
  await place.pass(3_000);
  assert.ok(large.closed && !small.closed);
  assert.deepEqual(server.stats().closedByReason, { memory_budget: 1 });
});

test("while the budget is exceeded no TLS handshake begins (F-66)", async (t) => {
  const place = await Real.at(t);
  const budget = memoryBudget(64 * 1024);
  const over = new Gate();
  const options = {
    framing: utf8,
    memoryBudget: budget,
    logger: ({ message }: { readonly message: string }) => {
      if (message.startsWith("memory budget exceeded")) over.open();
    },
    onFrame: () => {},
  };
  const rejected = new Gate<string>();
  const plain = await place.serve(options);
  const { cert, key } = await serverPair();
  const secured = await place.serve({
    ...options,
    tls: { cert, key },
    onReject: (_peer, reason) => rejected.open(reason),
  });
  const peer = await place.dial(plain);
  // Twice as much as may be held, and each tenth of a second a byte, so that it does not stand still.
  peer.write("x".repeat(128 * 1024));
  const moving = setInterval(() => peer.write("x"), 100);
  t.after(() => clearInterval(moving));
  await place.drive(over.promise);
  // Where the reset comes at once, the runtime tells of it as a failure to connect.
  await place.dial(secured).then((early) => early.whenClosed(), () => {});
  assert.equal(await place.drive(rejected.promise), "memory_budget");
  const { connectionsRejected, handshakesFailed, handshakesCompleted } = secured.stats();
  assert.deepEqual([connectionsRejected, handshakesFailed, handshakesCompleted], [1, 0, 0]);
});
