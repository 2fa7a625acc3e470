// Connections that belong to workers: what they can do there, how each side hears of the other's end, and what is bounded.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lines, type TerminationRecord } from "../../mod.ts";
import { Pooled } from "../support/workers.ts";

test("a connection belongs to one worker for life, which cuts its frames and has a whole Connection (F-48)", async (t) => {
  const { place, pool, server, ...rest } = await Pooled.at(t, { count: 2, data: {} });
  const peers = await Promise.all(Array.from({ length: 4 }, () => place.dial(server)));
  for (const peer of peers) peer.write("who\nwh");
  await Promise.all(peers.map((peer) => peer.until(() => peer.text.endsWith("\n"), "a first answer")));
  for (const peer of peers) peer.write("o\n");
  await Promise.all(
    peers.map((peer) => peer.until(() => peer.text.split("\n").length === 3, "a second answer")),
  );
  const answers = peers.map((peer) => peer.text.split("\n"));
  for (const [first, second] of answers) assert.equal(first, second);
  assert.deepEqual(answers.map(([first]) => first!.slice(0, 6)).sort(), [
    "0 of 2",
    "0 of 2",
    "1 of 2",
    "1 of 2",
  ]);
  const told = answers.map(([first]) => first!.split(" ")[3]).sort();
  assert.deepEqual(told, [...server.connections.keys()].sort(), "the ids of both threads are the same");
  const { workers, connections } = pool.inspect();
  assert.deepEqual(workers.map(({ index, state, connections }) => ({ index, state, connections })), [
    { index: 0, state: "running", connections: 2 },
    { index: 1, state: "running", connections: 2 },
  ]);
  for (const { id, worker } of connections) {
    assert.ok(
      answers.some(([first]) => first!.startsWith(`${worker} of 2: ${id} `)),
      `${id} is shown at its worker`,
    );
  }
  assert.ok(rest.logs.every(({ level }) => level === "info"));
});

test("frames of any size go through both ways, and what was sent is what the kernel took (F-48)", async (t) => {
  const pooled = await Pooled.at(t);
  for (const size of [1, 1_000, 15_000, 17_000, 100_000, 3_000_000]) {
    const line = "abcdefghij".repeat(Math.ceil(size / 10)).slice(0, size);
    assert.deepEqual(await pooled.ask(`${line}\n`), [line], `${size} bytes`);
  }
  assert.deepEqual(await pooled.ask("deliver this\n", 2), ["this", "sent"]);
  const narrow = await pooled.place.serve({ ...pooled.pool.connections, egressLimit: 1_000 });
  const peer = await pooled.place.dial(narrow);
  peer.write(`${"x".repeat(999_999)}\n`);
  await peer.until(
    () => peer.bytes === 1_000_000,
    "all of a frame that is larger than the server's own limit",
  );
  peer.end();
  await peer.whenClosed();
  const many = Array.from({ length: 5_000 }, (_, at) => `line ${at}`);
  assert.deepEqual(await pooled.ask(`${many.join("\n")}\n`, many.length), many);
  await pooled.place.gone(9);
  assert.equal(pooled.place.records[0]!.bytesSent, 2);
});

test("a peer that does not read makes the worker's send wait, and then gets everything in order (F-48)", async (t) => {
  const pooled = await Pooled.at(t, {}, { egressLimit: "100 KiB" });
  const peer = await pooled.dial("stalled");
  peer.write("flood 26 999999\n");
  // 26 MB: more than the kernel takes.
  await pooled.until(
    ({ connections: [one] }) => (one?.unsentBytes ?? 0) > 0,
    "bytes that the peer does not take",
  );
  let most = 0;
  let before = -1;
  for (let looks = 0; looks < 20;) {
    const { unsentBytes } = pooled.pool.inspect().connections[0]!;
    most = Math.max(most, unsentBytes);
    const { bytesSent } = pooled.server.stats();
    looks = bytesSent === before ? looks + 1 : 0;
    before = bytesSent;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.ok(before < 20_000_000, `${before} bytes were sent to a peer that does not read`);
  assert.ok(most < 2_000_000, `${most} bytes waited in the main thread`);
  await pooled.until(({ workers: [one] }) => one!.heldBytes > 0, "the worker's own bound");
  assert.ok(pooled.pool.inspect().workers[0]!.heldBytes < 4_000_000);
  peer.onData = () => true;
  peer.transport.resume();
  await peer.until(() => peer.bytes > 26_000_000 && peer.text.endsWith("\n"), "all of it");
  const answers = peer.text.split("\n");
  assert.deepEqual(
    answers.slice(0, 26).map((line) => parseInt(line)),
    Array.from({ length: 26 }, (_, at) => at),
  );
  assert.ok(Number(/^waits (\d+)$/.exec(answers[26]!)?.[1]) > 0, answers[26]);
});

test("a worker that is busy with a connection stops reading of its socket, and of no other (F-48)", async (t) => {
  const pooled = await Pooled.at(t);
  const peer = await pooled.dial();
  peer.write("hold\n");
  const line = `${"x".repeat(99_999)}\n`;
  for (let sent = 0; sent < 300; sent++) peer.write(line);
  let before = -1;
  for (let looks = 0; looks < 20;) {
    const { bytesReceived } = pooled.server.stats();
    looks = bytesReceived === before && bytesReceived > 5 ? looks + 1 : 0;
    before = bytesReceived;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.ok(before < 4_000_000, `${before} bytes were read for a worker that takes none`);
  assert.ok(pooled.pool.inspect().connections[0]!.unreadBytes < 1_000_000);
  assert.equal(peer.taken, false);
  assert.deepEqual(await pooled.ask("another\nrelease\nthird\n", 2), ["another", "third"]);
  await peer.until(() => peer.bytes >= 9 + 300 * line.length, "what was held back");
  assert.equal(peer.text.slice(0, 9), "released\n");
});

const ends = {
  close: { reason: "closed", message: "as asked", endedWith: "fin" },
  destroy: { reason: "killed", message: "as asked", code: "E42", endedWith: "rst" },
  fail: { reason: "handler_error", message: "a handler that fails", endedWith: "fin" },
} as const;

test("an end in the worker is the end of the connection, with its reason, message and code in the record (F-48)", async (t) => {
  const pooled = await Pooled.at(t);
  for (const [order, expected] of Object.entries(ends)) {
    const before = pooled.place.records.length;
    const peer = await pooled.dial();
    peer.write(`${order}\n`);
    await peer.until(() => peer.ended || peer.closed, `the end by ${order}`);
    peer.end();
    await pooled.place.gone(before + 1);
    const { reason, message, code, endedWith } = pooled.place.records[before]!;
    assert.deepEqual({ reason, message, endedWith, ...(code && { code }) }, expected);
  }
  const peer = await pooled.dial();
  peer.write("x".repeat(5_000_000));
  await pooled.place.gone(4);
  const { reason, error, endedBy } = pooled.place.records[3] as TerminationRecord;
  assert.deepEqual([reason, error?._tag, endedBy], ["frame_error", "FrameError", "peer"]);
  await pooled.until(
    ({ workers: [one] }) => one!.frameErrors === 1 && one!.handlerErrors === 1,
    "the counters",
  );
  assert.deepEqual(pooled.logs.filter(({ level }) => level !== "info").map(({ message }) => message), [
    "handler failed",
    "frame error",
  ]);
});

test("an end in the main thread is told to the worker, with its reason (F-48)", async (t) => {
  const pooled = await Pooled.at(t, {}, { idleTimeout: "10 minutes" });
  const [killed, reset, gone] = [await pooled.dial(), await pooled.dial(), await pooled.dial()];
  for (const peer of [killed, reset, gone]) {
    peer.write("ready\n");
    await peer.got("ready\n");
  }
  const { connections: [first] } = pooled.pool.inspect();
  assert.ok(pooled.server.kill(first!.id, { reason: "spam", code: "E7" }));
  await killed.until(() => killed.ended || killed.closed, "the end");
  killed.abort();
  reset.abort();
  gone.end();
  await pooled.place.gone(3);
  await pooled.until(({ connections }) => connections.length === 0, "the worker to hear of it");
  const reasons = pooled.place.records.map(({ reason }) => reason).sort();
  const [answer] = await pooled.ask("records\n");
  const told = JSON.parse(answer!) as { readonly reason: string }[];
  assert.deepEqual(told.find(({ reason }) => reason === "killed"), {
    reason: "killed",
    message: "spam",
    code: "E7",
    endedBy: "local",
  });
  assert.deepEqual(told.map(({ reason }) => reason).sort(), reasons);
});

test("the worker hears of an end when it begins, not when the peer has let go (F-48)", async (t) => {
  const pooled = await Pooled.at(t, {}, { idleTimeout: "1 second", lingerTimeout: "10 minutes" });
  const peer = await pooled.dial();
  peer.write("ready\n");
  await peer.whenEnded();
  // A record is made at the end of a turn, in which more may be asked.
  await pooled.ask("records\n");
  const [answer] = await pooled.ask("records\n");
  const [first] = JSON.parse(answer!) as { readonly reason: string; readonly error: string }[];
  assert.deepEqual([first?.reason, first?.error], ["idle_timeout", "IdleTimeoutError"]);
  assert.equal(pooled.place.records.some(({ reason }) => reason === "idle_timeout"), false);
});

test("a half-close of either side leaves the other direction open (F-48)", async (t) => {
  const pooled = await Pooled.at(t, { data: { allowHalfOpen: true } });
  const peer = await pooled.dial();
  peer.write("hold\n").end();
  await pooled.until(({ connections }) => connections.length === 1, "the connection");
  assert.deepEqual(await pooled.ask("release\nend\n", 0), []);
  await peer.got("released\n");
  assert.equal(peer.text, "released\n");
});

test("silence that the worker's work causes is not the peer's (F-48)", async (t) => {
  const pooled = await Pooled.at(t, {}, { idleTimeout: "2 seconds" });
  const peer = await pooled.dial();
  peer.write("hold\n");
  await pooled.until(({ connections: [one] }) => one?.unreadBytes === 0, "the order to be taken");
  for (let time = 1; time <= 2; time++) {
    const quiet = await pooled.dial();
    await pooled.place.gone(time);
    assert.equal(pooled.place.records.at(-1)!.reason, "idle_timeout");
    await quiet.until(() => quiet.ended || quiet.closed, "its end");
  }
  assert.equal(peer.closed, false);
  await pooled.ask("release\n", 0);
  await peer.got("released\n");
});

test("a server drains its connections in workers: frames that have begun, and replies that are owed (F-48)", async (t) => {
  const pooled = await Pooled.at(t);
  const plain = await pooled.place.serve({ framing: lines(), onFrame: (line, one) => one.send(line) });
  const [peer, other] = [await pooled.dial(), await pooled.place.dial(plain)];
  peer.write("first\nlate 3");
  other.write("known\n");
  await Promise.all([peer.got("first\n"), other.got("known\n")]);
  const closing = pooled.server.close({ deadline: "50 seconds" });
  const also = plain.close();
  // By now what the kernel had is read, and both servers stop where their frames end.
  await other.whenEnded();
  other.end();
  await also;
  peer.write("00\n");
  await peer.whenEnded();
  assert.equal(peer.text, "first\ndone\n");
  peer.end();
  const { drained, destroyed } = await closing;
  assert.equal(pooled.place.records.at(-1)!.reason, "drained");
  assert.deepEqual({ drained, destroyed }, { drained: 1, destroyed: [] });
});

test("a worker says the goodbye of a drain, and reads on for as long as it may take to be read (F-48)", async (t) => {
  const pooled = await Pooled.at(t, { data: { goodbye: "bye" } });
  const plain = await pooled.place.serve({ framing: lines(), onFrame: (line, one) => one.send(line) });
  const [peer, other] = [await pooled.dial(), await pooled.place.dial(plain)];
  peer.write("first\n");
  other.write("known\n");
  await Promise.all([peer.got("first\n"), other.got("known\n")]);
  const closing = pooled.server.close({ deadline: "50 seconds" });
  const also = plain.close();
  await other.whenEnded();
  other.end();
  await also;
  await peer.got("first\nbye\n");
  peer.write("second\n");
  await peer.got("first\nbye\nsecond\n");
  peer.end();
  await closing;
  assert.equal(pooled.place.records.at(-1)!.reason, "drained");
});
