// A pool of workers: whose connections it takes, how it balances them, and how it ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lines } from "../../mod.ts";
import { balanceBy, type Candidate } from "../../src/workers/balance.ts";
import { serveInWorker } from "../../src/workers/serve_in_worker.ts";
import { WorkerError } from "../../src/workers/worker_error.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { readExposition } from "../support/exposition.ts";
import { Pooled } from "../support/workers.ts";

const candidates = (...connections: number[]): Candidate[] =>
  connections.map((count, index) => ({ index, connections: count }));

test("least-connections chooses the fewest, and in turn among equals; round-robin each in turn (F-48)", () => {
  const least = balanceBy("least-connections");
  assert.deepEqual([0, 1, 2, 3].map(() => least(candidates(1, 1, 1), "192.0.2.1").index), [0, 1, 2, 0]);
  assert.equal(least(candidates(3, 1, 2), "").index, 1);
  const turn = balanceBy("round-robin");
  assert.deepEqual([0, 1, 2, 3].map(() => turn(candidates(9, 0, 0), "192.0.2.1").index), [0, 1, 2, 0]);
  assert.equal(turn([{ index: 2, connections: 0 }], "").index, 2);
});

test("peer-hash keeps an address at its worker, spreads addresses, and moves only those of a worker that is gone (F-48)", () => {
  const hash = balanceBy("peer-hash");
  const all = candidates(0, 0, 0, 0);
  const addresses = Array.from({ length: 2_000 }, (_, at) => `192.0.${at >> 8}.${at & 255}`);
  const chosen = addresses.map((ip) => hash(all, ip).index);
  assert.deepEqual(addresses.map((ip) => hash(candidates(5, 9, 0, 1), ip).index), chosen);
  for (const { index } of all) {
    const share = chosen.filter((one) => one === index).length;
    assert.ok(share > 400 && share < 600, `worker ${index} has ${share} of 2000`);
  }
  const left = all.filter(({ index }) => index !== 1);
  for (const [at, ip] of addresses.entries()) {
    if (chosen[at] !== 1) assert.equal(hash(left, ip).index, chosen[at]);
  }
  assert.deepEqual(
    [0, 1, 2].map(() => hash(all, "").index),
    [0, 1, 2],
    "peers without an address take turns",
  );
});

test("what is about frames is refused on the server, and so is another framing (F-48)", async (t) => {
  const pooled = await Pooled.at(t, {}, {
    goodbye: new Uint8Array(1),
    egressPolicy: "drop-oldest",
    frameTimeout: "1 second",
    upgradable: true,
  } as never);
  await pooled.dial();
  await pooled.place.gone(1);
  const { reason, message } = pooled.place.records[0]!;
  assert.equal(reason, "handler_error");
  const refused = message!.split("; ").map((issue) => issue.slice(0, issue.indexOf(":")));
  assert.deepEqual(refused, ["goodbye", "frameTimeout", "upgradable", "egressPolicy"]);
  const { handler } = pooled.pool.connections;
  const other = await pooled.place.serve({
    framing: lines(),
    handler: (connection) => handler(connection as never),
  });
  await pooled.place.dial(other);
  await pooled.place.gone(2);
  assert.match(pooled.place.records[1]!.message!, /^framing: found "lines", expected that of the pool/);
});

test("a protocol of firstBytes and connections with TLS go to workers, which see both (F-48)", async (t) => {
  const { pool, place } = await Pooled.at(t);
  const server = await place.serve({
    framing: lines(),
    tls: await serverPair(),
    onFrame: (line, connection) => connection.send(line),
    firstBytes: { plaintext: true, protocols: [{ name: "worked", startsWith: "p", ...pool.connections }] },
  });
  const { cert: ca } = await testAuthority();
  const framing = lines({ encoding: "utf-8" });
  const secured = await place.connect(server, { framing, tls: { ca, serverName: "localhost" } });
  const plain = await place.connect(server, { framing });
  for (
    const [connection, expected] of [[secured, "worked TLSv1.3 false"], [
      plain,
      "worked undefined undefined",
    ]] as const
  ) {
    await connection.send("peer");
    for await (const line of connection) {
      assert.equal(line, expected);
      break;
    }
  }
});

test("several servers share a pool, whose metrics have a label for each worker (F-48)", async (t) => {
  const pooled = await Pooled.at(t, { count: 2 });
  const second = await pooled.place.serve({ ...pooled.pool.connections });
  const peers = [await pooled.dial(), await pooled.place.dial(second)];
  for (const peer of peers) {
    peer.write("one\ntwo\n");
    await peer.got("one\ntwo\n");
  }
  await pooled.until(
    ({ workers }) => workers.every(({ framesSent }) => framesSent === 2),
    "the frames of both",
  );
  const families = readExposition(pooled.pool.prometheusText({ app: "test" }));
  const value = (name: string, worker?: string): number | undefined =>
    families.get(`millrace_${name}`)?.values.get(
      `{app="test"${worker === undefined ? "" : `,worker="${worker}"`}}`,
    );
  for (const worker of ["0", "1"]) {
    assert.equal(value("worker_up", worker), 1);
    assert.equal(value("worker_connections_active", worker), 1);
    assert.equal(value("worker_connections_total", worker), 1);
    assert.equal(value("worker_frames_received_total", worker), 2);
    assert.equal(value("worker_restarts_total", worker), 0);
  }
  assert.equal(value("workers_connections_waiting"), 0);
  assert.throws(() => pooled.pool.prometheusText({ worker: "x" }), /labels.worker/);
});

test("closing a pool drains what is left, calls onClose, and destroys at the deadline (F-48)", async (t) => {
  const pooled = await Pooled.at(t, { data: { closing: "fail" } });
  const [quick, slow] = [await pooled.dial(), await pooled.dial()];
  quick.write("ready\n");
  await quick.got("ready\n");
  slow.write("ready\nhold\n");
  await slow.got("ready\n");
  const closing = pooled.pool.close({ deadline: "3 seconds" });
  await quick.whenEnded();
  quick.end();
  await closing;
  await pooled.place.gone(2);
  const ends = pooled.place.records.map(({ reason, message }) => [reason, message]);
  assert.deepEqual(ends, [["drained", undefined], ["shutdown", "the pool was closed"]]);
  assert.equal(pooled.pool.inspect().workers[0]!.state, "stopped");
  await pooled.knock();
  await pooled.place.gone(3);
  assert.equal(pooled.place.records[2]!.message, "the pool has no workers");
});

test("onClose runs before a worker ends, and one that hangs is waited for until the deadline (F-48)", async (t) => {
  const failing = await Pooled.at(t, { data: { closing: "fail" } });
  await failing.pool.close();
  const { message, fields } = failing.logs.at(-1)!;
  assert.equal(message, "onClose failed");
  assert.match(String(fields["error"]), /onClose was called/);
  const hanging = await Pooled.at(t, { data: { closing: "hang" } });
  const begun = performance.now();
  await hanging.pool.close({ deadline: "500 ms" });
  assert.ok(performance.now() - begun >= 490);
});

test("serveInWorker says where it was called in no worker of a pool (F-48)", () => {
  assert.throws(
    () => serveInWorker({ framing: lines(), onFrame: () => {} }),
    (error) => error instanceof WorkerError && error.reason === "outside",
  );
});

test("a handler that does not return is named at the deadline of a shutdown (F-48)", async (t) => {
  const pooled = await Pooled.at(t);
  const peer = await pooled.dial();
  peer.write("hold\n");
  await pooled.until(({ connections: [one] }) => one !== undefined, "the connection");
  const error = await pooled.server.close({ deadline: "500 ms" }).then(() => undefined, (error) => error);
  assert.match(String(error), /its handler has not returned/);
  assert.equal(pooled.place.records[0]!.reason, "shutdown");
});
