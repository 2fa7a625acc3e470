// The clock of a program written with Effect governs every limit: TestClock moves it.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Clock from "effect/Clock";
import * as Context from "effect/Context";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Scope from "effect/Scope";
import * as TestClock from "effect/testing/TestClock";
import { close, connect, send, serve } from "../../effect.ts";
import { clockOf } from "../../src/connection/effect/effect_clock.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { Real } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });
const base = { logger: () => {}, port: 0, framing: utf8 } as const;

/** Runs a program under a test clock. */
function timed<Value>(place: Real, program: Effect.Effect<Value, unknown, Scope.Scope>): Promise<Value> {
  return place.drive(Effect.runPromise(Effect.provide(Effect.scoped(program), TestClock.layer())));
}

test("TestClock.adjust moves an idle timeout, and nothing before its time", async (t) => {
  const place = await Real.at(t);
  await timed(
    place,
    Effect.gen(function* () {
      const server = yield* serve({ ...base, idleTimeout: "60 seconds", onFrame: () => {} });
      const peer = yield* Effect.promise(() => place.dial(server));
      peer.write("hello\n");
      while (server.stats().framesReceived === 0) yield* Effect.promise(peerTurn);
      const [connection] = server.connections.values();
      yield* TestClock.adjust("59 seconds");
      assert.equal(connection!.state, "open");
      yield* TestClock.adjust("2 seconds");
      assert.notEqual(connection!.state, "open");
      yield* Effect.promise(() => peer.whenEnded());
      peer.end();
      const record = yield* Effect.promise(() => connection!.closed);
      assert.equal(record.reason, "idle_timeout");
      assert.ok(record.durationMs >= 60_000 && record.durationMs <= 61_000, `${record.durationMs} ms`);
      assert.equal(record.startedAt, 0);
    }),
  );
});

/** A turn of the runtime, in which sockets are looked at. */
function peerTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

test("TestClock moves keepalives, one for each interval however far it is moved", async (t) => {
  const place = await Real.at(t);
  await timed(
    place,
    Effect.gen(function* () {
      const payload = new TextEncoder().encode("ping\n");
      const keepalive = { interval: "10 seconds", payload } as const;
      const server = yield* serve({
        ...base,
        keepalive,
        idleTimeout: "Infinity",
        onFrame: () => {},
      });
      const peer = yield* Effect.promise(() => place.dial(server));
      const [connection] = yield* Effect.promise(() => opened(server));
      yield* TestClock.adjust("59 seconds");
      assert.equal(connection!.stats().framesSent + connection!.stats().outboxBytes / payload.length, 5);
      yield* Effect.promise(() => peer.got("ping\n".repeat(5)));
      peer.abort();
      yield* Effect.promise(() => connection!.closed);
    }),
  );
});

test("TestClock moves rate limits: what is over the rate is read when time has passed (F-15)", async (t) => {
  const place = await Real.at(t);
  await timed(
    place,
    Effect.gen(function* () {
      const rateLimit = { framesPerSecond: 10 } as const;
      const server = yield* serve({ ...base, rateLimit, idleTimeout: "Infinity", onFrame: () => {} });
      const peer = yield* Effect.promise(() => place.dial(server));
      peer.write("x\n".repeat(20));
      while (server.stats().framesReceived < 20) yield* Effect.promise(peerTurn);
      peer.write("y\n");
      for (let turn = 0; turn < 100; turn++) yield* Effect.promise(peerTurn);
      assert.equal(server.stats().framesReceived, 20);
      yield* TestClock.adjust("2 seconds");
      while (server.stats().framesReceived < 21) yield* Effect.promise(peerTurn);
      peer.abort();
    }),
  );
});

/** The connections of a server, once there is one. */
async function opened<Value>(server: { readonly connections: ReadonlyMap<string, Value> }): Promise<Value[]> {
  while (server.connections.size === 0) await peerTurn();
  return [...server.connections.values()];
}

test("TestClock moves connectTimeout, and the deadlines of shutting down and of closing a scope (F-18, F-36)", async (t) => {
  const place = await Real.at(t);
  await timed(
    place,
    Effect.gen(function* () {
      const silent = {
        ...place.adapter,
        connect: ({ signal }: { signal: AbortSignal | undefined }) =>
          new Promise<never>((_, reject) =>
            signal!.addEventListener("abort", () => reject(new Error("aborted")))
          ),
      };
      const dialling = yield* Effect.forkChild(
        Effect.flip(
          Effect.scoped(connect({ port: 1, framing: utf8, adapter: silent, connectTimeout: "5 seconds" })),
        ),
        { startImmediately: true },
      );
      yield* Effect.promise(peerTurn);
      yield* TestClock.adjust("4 seconds");
      assert.equal(dialling.pollUnsafe(), undefined);
      yield* TestClock.adjust("2 seconds");
      const error = yield* Fiber.join(dialling);
      assert.ok(error._tag === "TimeoutError" && error.reason === "connect");

      const handler = () => Effect.never;
      const server = yield* serve({ ...base, handler });
      yield* Effect.promise(() => place.dial(server));
      yield* Effect.promise(() => opened(server));
      const draining = yield* Effect.forkChild(Effect.flip(close(server, { deadline: "10 seconds" })), {
        startImmediately: true,
      });
      while (server.state !== "draining") yield* Effect.promise(peerTurn);
      yield* waiting(server);
      assert.equal(server.state, "draining");
      yield* TestClock.adjust("11 seconds");
      assert.equal((yield* Fiber.join(draining))._tag, "ShutdownTimeoutError");

      const scope = Scope.makeUnsafe();
      const other = yield* Scope.provide(serve({ ...base, handler, shutdownDeadline: "20 seconds" }), scope);
      yield* Effect.promise(() => place.dial(other));
      yield* Effect.promise(() => opened(other));
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true });
      yield* waiting(other);
      yield* TestClock.adjust("21 seconds");
      yield* Fiber.join(closing);
      assert.equal((yield* Effect.promise(() => other.finished)).destroyed.length, 1);
    }),
  );
});

/** Until a server that drains waits for its handlers alone: its last look at sockets is a few turns after the first. */
function waiting(server: { readonly connections: ReadonlyMap<string, { readonly signal: AbortSignal }> }) {
  return Effect.promise(async () => {
    const [connection] = server.connections.values();
    while (!connection!.signal.aborted) await peerTurn();
    for (let turn = 0; turn < 100; turn++) await peerTurn();
  });
}

test("the option clock comes before the clock of Effect, which comes before the system's", async (t) => {
  const place = await Real.at(t);
  await timed(
    place,
    Effect.gen(function* () {
      const clock = new FakeClock();
      const server = yield* Effect.provideService(
        serve({ ...base, clock, idleTimeout: "60 seconds", handler: () => Effect.never }),
        Clock.Clock,
        yield* Clock.Clock,
      ).pipe(Effect.raceFirst(moving(clock)));
      yield* Effect.promise(() => place.dial(server));
      const [connection] = yield* Effect.promise(() => opened(server));
      yield* TestClock.adjust("2 minutes");
      assert.equal(connection!.state, "open");
      yield* Effect.promise(() => clock.advanceAsync(61_000));
      assert.notEqual(connection!.state, "open");
      connection!.destroy();
      yield* Effect.promise(() => place.dial(server));
      while (server.connections.size === 0) yield* Effect.promise(peerTurn);
      const closing = yield* Effect.forkScoped(Effect.flip(close(server, { deadline: "30 seconds" })));
      while (server.state !== "draining") yield* Effect.promise(() => clock.advanceAsync(0));
      yield* TestClock.adjust("5 minutes");
      yield* Effect.promise(() => clock.advanceAsync(29_000));
      assert.equal(server.state, "draining");
      yield* Effect.forkScoped(moving(clock));
      yield* Effect.promise(() => clock.advanceAsync(1_100));
      const { message } = yield* Fiber.join(closing);
      assert.match(message, /within 30000 ms/);
    }),
  );
  const program = Effect.map(Effect.context<never>(), clockOf);
  assert.equal(await Effect.runPromise(program), undefined);
  const live = await Effect.runPromise(Effect.provide(TestClock.withLive(program), TestClock.layer()));
  assert.equal(live, undefined);
});

/** Keeps a clock at its time, and lets happen what needs none. */
function moving(clock: FakeClock): Effect.Effect<never> {
  return Effect.forever(Effect.promise(() => clock.advanceAsync(0)));
}

/** Any number of connections, on a clock that counts who sleeps. */
test("behind all limits of all connections there is one fiber that sleeps", async (t) => {
  const place = await Real.at(t);
  await timed(
    place,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock;
      let [asleep, most] = [0, 0];
      const counting = Effect.provideService(Clock.Clock, {
        ...clock,
        sleep: (duration: Duration.Duration) =>
          Effect.acquireUseRelease(
            Effect.sync(() => most = Math.max(most, ++asleep)),
            () => clock.sleep(duration),
            () => Effect.sync(() => asleep--),
          ),
      });
      const program = Effect.scoped(Effect.gen(function* () {
        const server = yield* serve({ ...base, onFrame: () => {} });
        const { port } = server.address as { port: number };
        const clients = yield* Effect.all(
          Array.from({ length: 20 }, () => connect({ port, framing: utf8, idleTimeout: "7 seconds" })),
        );
        for (const client of clients) yield* send(client, "x");
        while (server.stats().framesReceived < 20) yield* Effect.promise(peerTurn);
        assert.deepEqual([asleep, most <= 2], [1, true]);
        for (const client of clients) client.destroy();
        while (server.connections.size > 0) yield* Effect.promise(peerTurn);
        assert.equal(asleep, 0);
      }));
      yield* counting(program);
    }),
  );
});

test("an adapted clock calls in order, not before its time, and not what was taken back", async () => {
  const called: string[] = [];
  await Effect.runPromise(Effect.provide(
    Effect.gen(function* () {
      const clock = clockOf(yield* Effect.context<never>())!;
      const start = clock.now();
      const note = (what: string) => () => void called.push(`${what} ${clock.now() - start}`);
      clock.setTimer(note("second"), 20);
      clock.setTimer(note("first"), 10);
      clock.setTimer(note("third"), 20);
      clock.clearTimer(clock.setTimer(note("taken back"), 15));
      clock.clearTimer(clock.setTimer(note("taken back"), 0));
      assert.equal(clock.setTimer(note("never"), Infinity), undefined);
      clock.clearTimer(undefined);
      clock.setTimer(() => clock.setTimer(note("set by the way"), 15), 10);
      yield* TestClock.adjust(19);
      assert.deepEqual(called.splice(0), ["first 10"]);
      yield* TestClock.adjust(81);
      assert.deepEqual(called.splice(0), ["second 20", "third 20", "set by the way 25"]);
      assert.equal(clock.wallTime(), 100);
      // What a timer puts off to the end of its turn is done when adjust is.
      clock.setTimer(() => clock.endOfTurn(() => clock.endOfTurn(note("at the end"))), 10);
      yield* TestClock.adjust(50);
      assert.deepEqual(called.splice(0), ["at the end 110"]);
      // Waits of no time need no clock.
      yield* Effect.promise(() => new Promise<void>((resolve) => clock.setTimer(resolve, 0)));
      assert.equal(clockOf(yield* Effect.context<never>()), clock);
    }),
    TestClock.layer(),
  ));
});

test("a clock that does not sleep calls nobody before setTimer has returned", async () => {
  const quick: Clock.Clock = { ...Context.get(Context.empty(), Clock.Clock), sleep: () => Effect.void };
  await Effect.runPromise(Effect.provideService(
    Effect.gen(function* () {
      const clock = clockOf(yield* Effect.context<never>())!;
      let timer: unknown = undefined;
      yield* Effect.promise(() =>
        new Promise<void>((resolve) => {
          timer = clock.setTimer(() => (assert.ok(timer), resolve()), 10);
          clock.clearTimer(clock.setTimer(() => assert.fail("it was taken back"), 5));
        })
      );
    }),
    Clock.Clock,
    quick,
  ));
});

test("a wait of no time is a look of the event loop, and nothing that the clock has to pass", async () => {
  const never: Clock.Clock = { ...Context.get(Context.empty(), Clock.Clock), sleep: () => Effect.never };
  await Effect.runPromise(Effect.provideService(
    Effect.gen(function* () {
      const clock = clockOf(yield* Effect.context<never>())!;
      yield* Effect.promise(() => new Promise<void>((resolve) => void clock.setTimer(resolve, 0)));
    }),
    Clock.Clock,
    never,
  ));
});

test("what is left of a client closes under TestClock without time passing (F-36)", async (t) => {
  const place = await Real.at(t);
  await timed(
    place,
    Effect.gen(function* () {
      const server = yield* serve({ ...base, onFrame: (line, connection) => void connection.send(line) });
      const client = yield* connect({ port: (server.address as { port: number }).port, framing: utf8 });
      yield* send(client, "x");
      assert.equal((yield* close(client)).reason, "closed");
    }),
  );
});
