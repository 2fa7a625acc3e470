// Reconnecting clients in programs written with Effect: waits of a Schedule, the program's clock, and the end of the scope.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import * as TestClock from "effect/testing/TestClock";
import { reconnect } from "../../../effect.ts";
import type { ReconnectFailure } from "../../../src/client/reconnecting/reconnect_options.ts";
import { OptionsError } from "../../../src/core/errors.ts";
import { systemClock } from "../../../src/core/time/clock.ts";
import { within } from "../../contract/within.ts";
import { Real, Virtual } from "../../support/server.ts";
import { framing, portOf } from "./support.ts";

const quiet = { framing, logger: () => {} };

test("a Schedule says the waits, gets the failures, begins anew when stable, and gives up at its end (F-37)", async (t) => {
  const place = new Virtual(t);
  const { adapter, clock } = place;
  const server = await place.serve({ framing, onFrame: () => {} });
  const waits: (number | undefined)[] = [];
  const inputs: number[] = [];
  const schedule = Schedule.exponential("100 millis").pipe(
    Schedule.setInputType<ReconnectFailure>(),
    Schedule.upTo({ times: 3 }),
    Schedule.tap(({ input }) => Effect.sync(() => void inputs.push(input.failures))),
  );
  const program = Effect.gen(function* () {
    const client = yield* reconnect({
      ...quiet,
      port: portOf(server),
      adapter,
      clock,
      reconnect: schedule,
      stableAfter: "5 seconds",
      onDisconnected: (_, wait) => void waits.push(wait),
    });
    return yield* Effect.promise(() => client.finished);
  });
  const running = Effect.runPromise(Effect.scoped(program));
  await place.pass(10_000);
  [...server.connections.values()][0]!.destroy();
  await place.pass(5_050);
  await place.drive(server.destroy());
  for (let step = 0; step < 10; step++) await place.pass(1_000);
  const { reason } = await place.drive(running);
  assert.equal(reason, "gave_up");
  assert.deepEqual(inputs.slice(0, 2), [1, 2]);
  assert.deepEqual(waits, [100, 200, 400, undefined]);
});

test("the end of the scope delivers what was sent, and wrong options are a failure (F-37)", async (t) => {
  const place = await Real.at(t);
  const got: string[] = [];
  const server = await place.serve({ framing, onFrame: (line) => void got.push(line) });
  const port = portOf(server);
  const sending = Effect.map(reconnect({ ...quiet, port }), (client) => void client.send("last"));
  await within(Effect.runPromise(Effect.scoped(sending)), () => "the end of the scope");
  await place.gone(1);
  assert.deepEqual(got, ["last"]);
  const wrong = Effect.scoped(reconnect({ ...quiet, port: -1 }));
  assert.ok(await Effect.runPromise(Effect.flip(wrong)) instanceof OptionsError);
});

test("waits are on the clock of the program (F-37)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ framing, onFrame: () => {} });
  const port = portOf(server);
  await server.destroy();
  const program = Effect.gen(function* () {
    let failures = 0;
    yield* reconnect({
      ...quiet,
      port,
      reconnect: { initial: "1 hour", max: "1 hour", jitter: 0 },
      onDisconnected: () => void failures++,
    });
    const turns = (done: () => boolean) =>
      within(
        (async () => {
          while (!done()) await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
        })(),
        () => `failures; ${failures} so far`,
      );
    yield* Effect.promise(() => turns(() => failures === 1));
    // The wait may begin a little later than the hook is called.
    while (failures === 1) {
      yield* TestClock.adjust("1 hour");
      let left = 100;
      yield* Effect.promise(() => turns(() => failures === 2 || left-- === 0));
    }
    return failures;
  });
  assert.equal(await Effect.runPromise(Effect.provide(Effect.scoped(program), TestClock.layer())), 2);
});
