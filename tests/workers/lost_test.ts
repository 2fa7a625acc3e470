// Workers that end: what becomes of their connections, and when the next one comes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { canLimitHeap } from "../../src/host/worker_thread.ts";
import { rejection } from "../support/frames.ts";
import { Pooled, program } from "../support/workers.ts";
import { workers } from "../../src/workers/workers.ts";
import { WorkerError } from "../../src/workers/worker_error.ts";
import { OptionsError } from "../../src/core/errors.ts";

const soon = { initial: "50 ms", max: "50 ms", jitter: 0 } as const;
const never = { initial: "1 hour", max: "1 hour" } as const;

for (
  const [order, why] of [
    ["throw", "as asked"],
    ["exit", "it ended with code 3"],
  ] as const
) {
  test(`a worker that ends by ${order} ends its own connections as worker_lost, and is replaced (F-48)`, async (t) => {
    const pooled = await Pooled.at(t, { count: 2, balance: "round-robin", restart: soon });
    const peers = [await pooled.dial(), await pooled.dial(), await pooled.dial()];
    for (const peer of peers) peer.write("ready\n");
    await Promise.all(peers.map((peer) => peer.got("ready\n")));
    peers[2]!.write(`${order}\n`);
    await pooled.place.gone(2);
    for (const { reason, message, endedWith } of pooled.place.records) {
      assert.deepEqual([reason, message, endedWith], ["worker_lost", `worker 0 was lost: ${why}`, "rst"]);
    }
    peers[1]!.write("more\n");
    await peers[1]!.got("ready\nmore\n");
    assert.match((await pooled.ask("who\n"))[0]!, /^1 of 2/, "new connections go to the one that lives");
    await pooled.until(
      ({ workers: [first] }) => first!.state === "running" && first!.restarts === 1,
      "the next one",
    );
    assert.match((await pooled.ask("who\n"))[0]!, /^0 of 2/);
    assert.equal(pooled.pool.inspect().workers[0]!.lastLoss, why);
    const lost = pooled.logs.filter(({ level }) => level === "error");
    assert.deepEqual(lost.map(({ message, fields }) => [message, fields["worker"], fields["error"]]), [
      ["worker lost", 0, why],
    ]);
  });
}

test("a worker that does not answer within responseTimeout is ended, and replaced (F-48)", async (t) => {
  const pooled = await Pooled.at(t, { responseTimeout: "2 seconds", restart: soon });
  const peer = await pooled.dial();
  peer.write("spin\n");
  await pooled.place.gone(1);
  const [record] = pooled.place.records;
  assert.equal(record!.reason, "worker_lost");
  assert.equal(record!.message, "worker 0 was lost: it did not answer within 2000 ms");
  assert.deepEqual(await pooled.ask("again\n"), ["again"]);
});

test("a worker that exceeds heapLimit ends, and not the process (F-48)", {
  skip: canLimitHeap() ? false : "this runtime cannot bound the heap of a worker",
}, async (t) => {
  const pooled = await Pooled.at(t, { heapLimit: "256 MiB", restart: soon });
  const peer = await pooled.dial();
  peer.write("eat\n");
  await pooled.place.gone(1);
  assert.match(pooled.place.records[0]!.message!, /memory/);
  assert.deepEqual(await pooled.ask("again\n"), ["again"]);
});

test("while no worker runs, connections wait for one; none of their bytes is lost (F-48)", async (t) => {
  const pooled = await Pooled.at(t, { restart: { initial: "500 ms", max: "500 ms", jitter: 0 } });
  const first = await pooled.dial();
  first.write("exit\n");
  await pooled.place.gone(1);
  const peer = await pooled.dial();
  peer.write("early\n");
  await pooled.until(
    ({ waiting, workers: [one] }) => waiting === 1 && one!.state !== "running",
    "one that waits",
  );
  await peer.got("early\n");
  assert.equal(pooled.pool.inspect().waiting, 0);
});

test("one that has waited for waitTimeout is rejected as worker_lost, and counted (F-48)", async (t) => {
  const pooled = await Pooled.at(t, { restart: never, waitTimeout: "300 ms" });
  (await pooled.dial()).write("exit\n");
  await pooled.place.gone(1);
  await pooled.dial();
  await pooled.place.gone(2);
  const { reason, message } = pooled.place.records[1]!;
  assert.deepEqual([reason, message], ["worker_lost", "no worker ran within waitTimeout 300 ms"]);
  assert.equal(pooled.pool.inspect().rejected, 1);
  assert.match(pooled.pool.prometheusText(), /^millrace_workers_connections_rejected_total 1$/m);
  assert.equal(pooled.server.stats().closedByReason.worker_lost, 2);
});

test("a place whose attempts are over stays empty, and nobody waits for it (F-48)", async (t) => {
  const pooled = await Pooled.at(t, { restart: { ...soon, max: "1 hour", attempts: 1 } });
  for (let time = 1; time <= 2; time++) {
    const peer = await pooled.dial();
    peer.write("exit\n");
    await pooled.place.gone(time);
  }
  assert.equal(pooled.pool.inspect().workers[0]!.state, "failed");
  await pooled.knock();
  await pooled.place.gone(3);
  assert.equal(pooled.place.records[2]!.message, "the pool has no workers");
});

test("workers() rejects where a worker does not start, and says why (F-48)", async () => {
  const logger = () => {};
  const start = (name: string, startTimeout: number | string = "60 seconds") =>
    rejection(workers({ module: program(name), count: 1, startTimeout: startTimeout as number, logger }));
  const missing = await start("no_such_worker");
  assert.ok(
    missing instanceof WorkerError && missing.reason === "start" && missing.cause !== undefined,
    String(missing),
  );
  const faulty = await start("faulty_worker");
  assert.ok(faulty instanceof WorkerError, String(faulty));
  assert.match(faulty.message, /start worker 0 of .*: egressLimit: found -1, expected/);
  const silent = await start("silent_worker", 400);
  assert.ok(silent instanceof WorkerError);
  assert.match(silent.message, /: its module did not call serveInWorker within 400 ms$/);
});

test("options are checked before a thread starts (F-48)", async () => {
  const wrong = await rejection(
    workers({ module: "worker.ts", count: 0, balance: "random", windw: 1, data: () => {} } as never),
  );
  assert.ok(wrong instanceof OptionsError);
  assert.deepEqual(wrong.issues.map(({ path }) => path).sort(), [
    "balance",
    "count",
    "data",
    "module",
    "windw",
  ]);
  assert.match(wrong.message, /did you mean window\?/);
  if (canLimitHeap()) return;
  const unsupported = await rejection(workers({ module: program("worker"), heapLimit: "1 GiB" }));
  assert.ok(unsupported instanceof OptionsError && unsupported.reason === "unsupported");
});
