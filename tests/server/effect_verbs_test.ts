// The verbs of connections and servers as Effects: failures are typed, and what is interrupted is the waiting.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Stream from "effect/Stream";
import { batches, broadcast, close, deliver, flush, frames, publish, send, upgrade } from "../../effect.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { EgressPolicy } from "../../src/core/flow/outcome.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { makeAuthority, serverPair } from "../support/certificates.ts";
import { asHandler, serveEffects } from "../support/effect.ts";
import { it } from "../support/it.ts";
import { Real, Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8", checkSent: true });
const long = "x".repeat(1_999);
/** What `pair` has sent to a peer that does not read. */
const before = `${long}${long}\n`;

/**
 * A server on which nothing happens by itself, its connection and the peer of that. With a limit the peer does not read
 * until `read` is called, and 2,000 bytes wait for it.
 */
async function pair(t: TestContext, given: { egressLimit?: number; egressPolicy?: EgressPolicy } = {}) {
  const place = new Virtual(t, { bufferSize: 1_000 });
  const server = await place.serve<string>({ framing: utf8, handler: () => {}, ...given });
  const peer = await place.dial(server, given.egressLimit === undefined ? undefined : "stalled");
  const [connection] = server.connections.values() as Iterable<Connection<string>>;
  if (given.egressLimit !== undefined) void connection!.send(long + long);
  await place.settle();
  const read = async () => {
    peer.onData = () => true;
    peer.transport.resume();
    await place.settle();
  };
  return { place, server, peer, connection: connection!, read };
}

/** What an Effect fails with; it must. */
async function failureOf<Failure>(effect: Effect.Effect<unknown, Failure>): Promise<Failure> {
  return await Effect.runPromise(Effect.flip(effect));
}

/** What is thrown for a defect; there must be one. */
function defectOf(exit: Exit.Exit<unknown, unknown>): unknown {
  assert.ok(Exit.isFailure(exit) && Cause.hasDies(exit.cause) && !Cause.hasFails(exit.cause));
  return Cause.squash(exit.cause);
}

/** Starts an Effect, which has to wait, and interrupts it. */
async function interrupted(place: Virtual, effect: Effect.Effect<unknown, unknown>): Promise<void> {
  const fiber = Effect.runFork(effect);
  await place.settle();
  assert.equal(fiber.pollUnsafe(), undefined, "it has not waited");
  await Effect.runPromise(Fiber.interrupt(fiber));
  const exit = fiber.pollUnsafe()!;
  assert.ok(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause));
}

test("deliver tells what became of a frame, and fails with why there is nothing to tell (F-67)", async (t) => {
  const { place, peer, connection } = await pair(t);
  assert.deepEqual(await place.drive(Effect.runPromise(deliver(connection, "one"))), { status: "sent" });
  assert.equal(peer.text, "one\n");
  const unwritable = await failureOf(deliver(connection, "two\nlines"));
  assert.equal(unwritable._tag, "FrameError");
  connection.destroy();
  await place.settle();
  const late = await failureOf(deliver(connection, "late"));
  assert.ok(late._tag === "SocketError" && late.reason === "closed");
});

test("deliver succeeds with `dropped` where the egress policy drops the frame (F-42, F-67)", async (t) => {
  const { place, connection } = await pair(t, { egressLimit: 3_000, egressPolicy: "drop-newest" });
  const outcome = await place.drive(Effect.runPromise(deliver(connection, long)));
  assert.deepEqual(outcome, { status: "dropped", policy: "drop-newest" });
});

test("who stops waiting for room, or for an outcome, has sent the frame all the same", async (t) => {
  const { place, peer, connection, read } = await pair(t, { egressLimit: 3_000 });
  await interrupted(place, send(connection, long));
  await interrupted(place, deliver(connection, "the last one"));
  await interrupted(place, flush(connection));
  await read();
  assert.equal(peer.text, `${before}${long}\nthe last one\n`);
  await place.drive(Effect.runPromise(flush(connection)));
  assert.equal(connection.state, "open");
});

test("flush fails with what ends the connection before all is in the kernel", async (t) => {
  const { place, connection } = await pair(t, { egressLimit: 9_000 });
  const failing = failureOf(flush(connection));
  connection.destroy({ reason: "enough" });
  const failure = await place.drive(failing);
  assert.ok(failure._tag === "SocketError" && /enough/.test(failure.message));
});

test("a frame that comes after a reader was interrupted is the next reader's, be it a stream or a loop", async (t) => {
  const { place, peer, connection } = await pair(t);
  const first = Stream.runHead(frames(connection));
  await interrupted(place, first);
  peer.write("one\ntwo\n");
  await place.settle();
  const got = await place.drive(Effect.runPromise(Stream.runCollect(Stream.take(frames(connection), 2))));
  assert.deepEqual([...got], ["one", "two"]);
  await interrupted(place, first);
  const loop = connection[Symbol.asyncIterator]();
  const waiting = loop.next();
  peer.write("three\n");
  await place.settle();
  assert.deepEqual(await waiting, { value: "three", done: false });
});

test("batches are what came together, and an interrupted reader of them loses none", async (t) => {
  const { place, peer, connection } = await pair(t);
  await interrupted(place, Stream.runHead(batches(connection)));
  peer.write("one\ntwo\n");
  await place.settle();
  const [batch] = await place.drive(
    Effect.runPromise(Stream.runCollect(Stream.take(batches(connection), 1))),
  );
  assert.deepEqual(batch, ["one", "two"]);
  peer.write("far too long for us\n".repeat(100_000));
  const rest = place.drive(Effect.runPromise(Effect.flip(Stream.runDrain(batches(connection)))));
  connection.destroy();
  assert.equal((await rest)._tag, "SocketError");
});

test("a reader that is interrupted in the moment between a frame and its waking takes nothing, nor the error", async (t) => {
  const { place, peer, connection } = await pair(t);
  const first = Stream.runHead(frames(connection));
  const halted = async (happens: () => void) => {
    const fiber = Effect.runFork(first);
    await place.settle();
    happens();
    // In the same turn: no promise has gone on yet.
    place.clock.advance(0);
    fiber.interruptUnsafe();
    assert.ok(Exit.isFailure((await Effect.runPromise(Fiber.await(fiber))) as Exit.Exit<unknown>));
  };
  await halted(() => peer.write("one\ntwo\n"));
  const got = await place.drive(Effect.runPromise(Stream.runCollect(Stream.take(frames(connection), 2))));
  assert.deepEqual([...got], ["one", "two"]);
  await halted(() => connection.destroy({ reason: "enough" }));
  const failure = await failureOf(first);
  assert.ok(failure._tag === "SocketError" && /enough/.test(failure.message));
});

test("return() of an iterator ends its own next() that waits, and no other's", async (t) => {
  const { place, peer, connection } = await pair(t);
  const [one, other] = [connection[Symbol.asyncIterator](), connection[Symbol.asyncIterator]()];
  const waiting = one.next();
  await other.return!();
  peer.write("one\n");
  await place.settle();
  assert.deepEqual(await waiting, { value: "one", done: false });
  const ended = one.next();
  await one.return!();
  assert.deepEqual(await ended, { value: undefined, done: true });
  peer.write("two\n");
  await place.settle();
  assert.deepEqual(await connection[Symbol.asyncIterator]().next(), { value: "two", done: false });
});

test("a second reader at a time is a defect of the program, and no failure of the connection", async (t) => {
  const { place, peer, connection } = await pair(t);
  const first = Effect.runPromise(Stream.runHead(frames(connection)));
  await place.settle();
  const second = await Effect.runPromiseExit(Stream.runHead(frames(connection)));
  assert.ok(defectOf(second) instanceof TypeError);
  peer.write("one\n");
  await place.drive(first);
});

test("broadcast and publish count whom a frame was for; one that cannot be written is a FrameError (F-44)", async (t) => {
  const { place, server, peer } = await pair(t);
  const other = await place.dial(server);
  const report = await place.drive(Effect.runPromise(broadcast(server, "to all")));
  assert.deepEqual(report, { targets: 2, sent: 2, dropped: 0, failed: 0 });
  const [first] = server.connections.keys();
  assert.equal(await Effect.runPromise(publish(server, "to one", ({ id }) => id === first)), 1);
  await place.settle();
  assert.equal(peer.text + other.text, "to all\nto one\nto all\n");
  for (const sending of [broadcast(server, "two\nlines"), publish(server, "two\nlines")]) {
    const failure: { readonly _tag: "FrameError" } = await failureOf(
      sending as Effect.Effect<unknown, never>,
    );
    assert.equal(failure._tag, "FrameError");
  }
});

test("what a filter throws is a defect, even where it is an error of ours", async (t) => {
  const { server, connection } = await pair(t);
  const thrown = await failureOf(deliver(connection, "two\nlines"));
  const choose = () => {
    throw thrown;
  };
  for (const sending of [broadcast(server, "one", choose), publish(server, "one", choose)]) {
    assert.equal(defectOf(await Effect.runPromiseExit(sending as Effect.Effect<unknown>)), thrown);
  }
  // Nothing is sent, and the next one goes out.
  assert.equal(await Effect.runPromise(publish(server, "two")), 1);
});

test("an Effect that was made sends when it is run, each time", async (t) => {
  const { place, server, peer, connection } = await pair(t);
  const twice = Effect.all([send(connection, "a"), publish(server, "b"), broadcast(server, "c")]);
  await place.settle();
  assert.equal(peer.text, "");
  await place.drive(Effect.runPromise(Effect.repeat(twice, { times: 1 })));
  assert.equal(peer.text, "a\nb\nc\na\nb\nc\n");
});

test("who stops waiting for a broadcast has sent it all the same", async (t) => {
  const { place, server, peer, read } = await pair(t, { egressLimit: 9_000 });
  await interrupted(place, broadcast(server, long));
  await read();
  assert.equal(peer.text, `${before}${long}\n`);
});

test("close of a server reports, and a deadline that passes is a ShutdownTimeoutError (F-18)", async (t) => {
  const { place, server, peer } = await pair(t);
  const wrong = await failureOf(close(server, { deadline: "soon" as never }));
  assert.equal(wrong._tag, "OptionsError");
  const draining = Effect.runPromise(close(server));
  await place.settle();
  peer.end();
  assert.deepEqual((await place.drive(draining)).destroyed, []);

  const other = await place.serve({ framing: utf8, handler: () => new Promise(() => {}) });
  await place.dial(other);
  const late = Effect.runPromise(
    Effect.catchTag(
      close(other, { deadline: "5 seconds" }),
      "ShutdownTimeoutError",
      (error) => Effect.succeed(error.connectionIds.length),
    ),
  );
  await place.settle();
  await place.pass(5_100);
  assert.equal(await place.drive(late), 1);
});

test("who stops waiting for a connection or a server to close has not stopped it", async (t) => {
  const { place, server, peer, connection } = await pair(t);
  await interrupted(place, close(connection, "bye"));
  assert.equal(connection.state, "closing");
  await interrupted(place, close(server));
  assert.equal(server.state, "draining");
  peer.end();
  const record = await place.drive(Effect.runPromise(close(connection)));
  assert.deepEqual([record.reason, record.message], ["closed", "bye"]);
  await place.drive(server.finished);
  assert.equal(server.state, "stopped");
});

test("an Effect handler that is interrupted drops its connection: what it has sent may be half of something", async (t) => {
  const place = new Virtual(t);
  const ways = [
    (connection: Connection<string>) => Effect.andThen(send(connection, "half of "), Effect.interrupt),
    (connection: Connection<string>) =>
      Effect.gen(function* () {
        yield* send(connection, "half of ");
        const work = yield* Effect.forkChild(Effect.never);
        yield* Fiber.interrupt(work);
        yield* Fiber.join(work);
      }),
  ];
  for (const [at, way] of ways.entries()) {
    const server = await place.serve<string>({ framing: utf8, handler: asHandler(way) }, serveEffects);
    const peer = await place.dial(server);
    await place.settle();
    const { reason, endedBy, endedWith } = place.records[at]!;
    assert.deepEqual([reason, endedBy, endedWith], ["aborted", "local", "rst"]);
    assert.equal(peer.ended, false);
    assert.equal(server.stats().handlerErrors, 0);
  }
});

it("upgrade secures, and fails with OptionsError where it may not; interrupted, it drops the connection (F-34)", async (t) => {
  const place = await Real.at(t);
  const { cert: ca } = await makeAuthority("effect");
  const secure = await serverPair();
  const plain = await place.serve<string>({ framing: utf8, handler: () => {} });
  await place.dial(plain);
  const [never] = plain.connections.values();
  assert.equal((await failureOf(upgrade(never!, secure)))._tag, "OptionsError");

  const server = await place.serve<string>({ framing: utf8, upgradable: true, handler: () => {} });
  await place.dial(server);
  const [silent] = server.connections.values();
  const fiber = Effect.runFork(upgrade(silent!, secure));
  const refused = await place.drive(failureOf(send(silent!, "in the clear")));
  assert.equal(refused._tag === "TlsError" && refused.reason, "upgrading");
  await place.drive(Effect.runPromise(Fiber.interrupt(fiber)));
  await place.gone(1);
  assert.equal(place.records[0]!.reason, "aborted");

  const client = await place.connect<string>(server, { framing: utf8, upgradable: true });
  const [theirs] = server.connections.values();
  const both = Effect.all([
    Effect.exit(upgrade(theirs!, secure)),
    Effect.exit(upgrade(client, { ca, serverName: "localhost" })),
  ], { concurrency: 2 });
  const [, strange] = await place.drive(Effect.runPromise(both));
  assert.ok(Exit.isFailure(strange));
  const error = Cause.squash(strange.cause) as { readonly _tag: string; readonly reason: string };
  assert.deepEqual([error._tag, error.reason], ["TlsError", "certificate_untrusted"]);
});
