// When a client connects again, and when no more: on a clock that the test moves.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reconnect } from "../../../src/client/reconnecting/reconnect.ts";
import type { ReconnectFailure } from "../../../src/client/reconnecting/reconnect_options.ts";
import { OptionsError, SocketError, TimeoutError } from "../../../src/core/errors.ts";
import { lines } from "../../../src/core/framing/lines.ts";
import { Gate } from "../../support/frames.ts";
import { Virtual } from "../../support/server.ts";
import { clientIn, framing, portOf } from "./support.ts";

const unused = 4711;

test("waits grow by the factor up to the longest, and jitter only shortens them (F-37)", async (t) => {
  const place = new Virtual(t);
  for (const jitter of [0, 0.5]) {
    const begun: number[] = [];
    const waits: number[] = [];
    const began = place.clock.now();
    const client = clientIn(t, place, {
      port: unused,
      reconnect: { initial: "1 second", factor: 3, max: "10 seconds", jitter },
      onConnecting: () => void begun.push(place.clock.now() - began),
      onDisconnected: (_, wait) => void waits.push(wait!),
    });
    await place.settle();
    assert.deepEqual(begun, [0]);
    await place.pass(30_000);
    client.destroy();
    await place.settle();
    const longest = [1_000, 3_000, 9_000, 10_000];
    for (const [at, wait] of longest.entries()) {
      assert.ok(waits[at]! <= wait && waits[at]! >= wait * (1 - jitter), `${jitter}: ${waits}`);
      if (at > 0) assert.ok(Math.abs(begun[at]! - begun[at - 1]! - waits[at - 1]!) < 1, `${begun}`);
    }
    if (jitter > 0) assert.ok(new Set(waits.map((wait, at) => wait / (longest[at] ?? 10_000))).size > 1);
  }
});

test("a server that accepts and closes at once is not hammered; a stable connection begins anew (F-37)", async (t) => {
  const place = new Virtual(t);
  const closing = await place.serve({ framing, handler: () => Promise.resolve() });
  const failures: (readonly [number, number | undefined])[] = [];
  const client = clientIn(t, place, {
    port: portOf(closing),
    reconnect: { initial: 100, factor: 2, max: 10_000, jitter: 0 },
    stableAfter: "5 seconds",
    lingerTimeout: 1,
    onDisconnected: ({ failures: count, record }, wait) => {
      assert.ok(record !== undefined);
      failures.push([count, wait]);
    },
  });
  await place.pass(1_000);
  assert.deepEqual(failures, [[1, 100], [2, 200], [3, 400], [4, 800]].slice(0, failures.length));
  assert.ok(failures.length >= 3, `${failures.length} failures`);
  await place.drive(closing.destroy());
  const holding = await place.serve({
    port: portOf(closing),
    framing,
    handler: async (connection) => {
      for await (const _ of connection);
    },
  });
  for (let step = 0; step < 20 && client.state !== "connected"; step++) await place.pass(1_000);
  const before = failures.length;
  await place.pass(4_000);
  [...holding.connections.values()][0]!.destroy();
  await place.settle();
  assert.equal(failures[before]![0], failures[before - 1]![0] + 1, "it had not proven stable");
  for (let step = 0; step < 20 && client.state !== "connected"; step++) await place.pass(1_000);
  await place.pass(6_000);
  [...holding.connections.values()][0]!.destroy();
  await place.settle();
  assert.deepEqual(failures[before + 1], [1, 100]);
});

test("a function may say the waits, and when to give up (F-37)", async (t) => {
  const place = new Virtual(t);
  const seen: ReconnectFailure[] = [];
  const client = clientIn(t, place, {
    port: unused,
    reconnect: (failure) => {
      seen.push(failure);
      return failure.failures < 3 ? "1 minute" : undefined;
    },
  });
  await place.pass(59_999);
  assert.deepEqual([client.state, seen.length], ["waiting", 1]);
  await place.pass(60_001);
  const { reason, error } = await place.drive(client.finished);
  assert.deepEqual([reason, seen.map(({ failures }) => failures), client.state], [
    "gave_up",
    [1, 2, 3],
    "closed",
  ]);
  assert.equal(error, seen[2]!.error);
  const wrong = clientIn(t, place, { port: unused, reconnect: () => -1 });
  const ended = await place.drive(wrong.finished);
  assert.ok(ended.reason === "gave_up" && ended.error instanceof OptionsError, String(ended.error));
});

test("an attempt that takes too long has failed, be it connecting or logging on (F-37)", async (t) => {
  const place = new Virtual(t);
  const errors: unknown[] = [];
  const silent = {
    ...place.adapter,
    connect: ({ signal }: { signal?: AbortSignal | undefined }) =>
      new Promise<never>((_, reject) => {
        signal!.addEventListener("abort", () => reject(new SocketError("aborted", "aborted")));
      }),
  };
  const onDisconnected = ({ error }: ReconnectFailure) => void errors.push(error);
  const common = { reconnect: { initial: 60_000, max: 60_000 }, onDisconnected };
  clientIn(t, place, { port: unused, connectTimeout: 500, ...common, adapter: silent });
  await place.pass(500);
  const server = await place.serve({ framing, onFrame: () => {} });
  clientIn(t, place, {
    port: portOf(server),
    logOnTimeout: 700,
    logOn: () => new Gate().promise,
    onConnected: () => assert.fail("it is not logged on"),
    ...common,
  });
  await place.pass(800);
  clientIn(t, place, {
    port: portOf(server),
    logOn: () => {
      throw new Error("wrong password");
    },
    onConnected: () => assert.fail("it is not logged on"),
    ...common,
  });
  await place.pass(100);
  assert.deepEqual(errors.map((error) => error instanceof TimeoutError && error.reason), [
    "connect",
    "connect",
    false,
  ]);
  assert.match(String(errors[0]), /no answer within 500 ms/);
  assert.match(String(errors[1]), /logOn did not finish within 700 ms/);
  assert.match(String(errors[2]), /wrong password/);
  assert.equal(server.connections.size, 0);
});

test("close ends a wait at once if nothing is queued, and otherwise tries until its deadline (F-37)", async (t) => {
  const place = new Virtual(t);
  const options = { port: unused, reconnect: { initial: 10_000, max: 10_000, jitter: 0 } };
  const idle = clientIn(t, place, options);
  await place.settle();
  assert.equal((await place.drive(idle.close())).reason, "closed");
  const busy = clientIn(t, place, options);
  const outcome = busy.deliver("late");
  await place.settle();
  const closing = busy.close({ deadline: "25 seconds" });
  assert.equal(busy.state, "closing");
  await place.pass(24_000);
  assert.deepEqual([busy.state, busy.stats().attempts], ["closing", 3]);
  await place.pass(2_000);
  const { reason, framesUnsent } = await place.drive(closing);
  assert.deepEqual([reason, framesUnsent], ["aborted", 1]);
  const told = await outcome;
  assert.ok(told.status === "failed" && told.kernel === "none");
  await assert.rejects(busy.close({ deadline: "soon" as never }), OptionsError);
});

test("a signal ends everything, also one that was aborted before (F-37)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing, onFrame: () => {} });
  const abort = new AbortController();
  const client = clientIn(t, place, { port: portOf(server), signal: abort.signal });
  await place.drive(client.connected);
  abort.abort();
  assert.equal((await place.drive(client.finished)).reason, "aborted");
  await place.gone(1);
  const none = clientIn(t, place, { port: portOf(server), signal: abort.signal });
  assert.equal((await place.drive(none.finished)).reason, "aborted");
  assert.equal(none.stats().attempts, 0);
});

test("options that are wrong are said at once, all of them (F-37)", () => {
  const wrong = {
    port: 0,
    framing: lines(),
    reconect: {},
    stableAfter: "soon",
    queue: { policy: "lose", maxFrames: 0 },
    reconnect: { factor: 0 },
    onConnect: () => {},
    logOn: 1,
  };
  assert.throws(() => reconnect(wrong as never), (error) => {
    assert.ok(error instanceof OptionsError);
    assert.deepEqual(error.issues.map(({ path }) => path).sort(), [
      ...["logOn", "onConnect", "port", "queue.maxFrames", "queue.policy", "reconect", "reconnect.factor"],
      "stableAfter",
    ]);
    return true;
  });
});

test("what these sockets cannot do, as is known later, makes the client give up, and hooks that throw are logged (F-37)", async (t) => {
  const place = new Virtual(t);
  const said: string[] = [];
  const can = { ...place.adapter.can, noDelay: true };
  const oops = () => {
    throw new Error("oops");
  };
  const client = clientIn(t, place, {
    port: unused,
    noDelay: false,
    adapter: { ...place.adapter, can },
    onConnecting: oops,
    onDisconnected: oops,
    onGaveUp: oops,
    logger: ({ message }) => void said.push(message),
  });
  can.noDelay = false;
  const { reason, error } = await place.drive(client.finished);
  assert.equal(reason, "gave_up");
  assert.ok(error instanceof OptionsError && error.reason === "unsupported", String(error));
  assert.deepEqual(said, ["hook failed", "connect failed", "hook failed", "gave up", "hook failed"]);
  assert.equal(client.stats().attempts, 1);
});

test("S-34: 200 clients of a server that restarts come back spread out, each after few attempts", async (t) => {
  const place = new Virtual(t);
  const serving = (port = 0) => place.serve({ port, framing, onFrame: () => {} });
  const first = await serving();
  const port = portOf(first);
  const back: number[] = [];
  const clients = Array.from(
    { length: 200 },
    () => clientIn(t, place, { port, onConnected: () => void back.push(place.clock.now()) }),
  );
  await place.pass(20_000);
  assert.equal(back.splice(0).length, 200);
  await place.drive(first.destroy());
  const down = place.clock.now();
  await place.pass(5_000);
  await serving(port);
  for (let second = 0; second < 30; second++) await place.pass(1_000);
  assert.equal(back.length, 200, "all are back");
  const after = back.map((at) => at - down);
  for (const at of after) {
    const together = after.filter((other) => other >= at && other < at + 250).length;
    assert.ok(together <= 60, `${together} of 200 within 250 ms`);
  }
  const attempts = clients.reduce((sum, client) => sum + client.stats().attempts, 0);
  assert.ok(attempts <= 200 * 6, `${attempts} attempts`);
});
