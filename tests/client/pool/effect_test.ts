// Loans in programs written with Effect.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { borrow } from "../../../effect.ts";
import { SocketError } from "../../../src/core/errors.ts";
import { Virtual } from "../../support/server.ts";
import { ask, named, poolAt } from "./support.ts";

test("a loan ends with its scope: given back, or destroyed when that fails (F-38)", async (t) => {
  const place = new Virtual(t);
  const users = await poolAt(place, [await named(place, "one")]);
  const well = Effect.scoped(
    Effect.flatMap(borrow(users), (connection) => Effect.promise(() => ask({ connection }, "hello"))),
  );
  assert.equal(await place.drive(Effect.runPromise(well)), "one hello");
  assert.deepEqual([users.inspect().idle, users.inspect().lent], [1, 0]);
  const badly = Effect.scoped(Effect.flatMap(borrow(users), () => Effect.fail("no use")));
  assert.equal(await place.drive(Effect.runPromise(Effect.flip(badly))), "no use");
  await place.settle();
  assert.deepEqual([users.inspect().idle, users.inspect().lent], [0, 0]);
});

test("interruption ends the wait of a borrower, and what fails is in the error channel (F-38)", async (t) => {
  const place = new Virtual(t);
  const users = await poolAt(place, [await named(place, "one")], { max: 1 });
  const holder = await place.drive(users.borrow());
  const fiber = Effect.runFork(Effect.scoped(borrow(users)));
  await place.settle();
  assert.equal(users.inspect().waiting, 1);
  await place.drive(Effect.runPromise(Fiber.interrupt(fiber)));
  assert.equal(users.inspect().waiting, 0);
  holder.release();
  assert.equal(users.inspect().idle, 1);
  await place.drive(users.close());
  const error = await place.drive(Effect.runPromise(Effect.flip(Effect.scoped(borrow(users)))));
  assert.ok(error instanceof SocketError && error.reason === "closed");
});
