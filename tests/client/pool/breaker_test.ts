// The circuit breaker alone, and the choice between targets.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Breaker, type BreakerState } from "../../../src/client/pool/breaker.ts";
import { choose } from "../../../src/client/pool/choose.ts";

describe("a circuit breaker", () => {
  const reopen = { initial: 1_000, factor: 2, max: 3_000, jitter: 0, attempts: Infinity, for: Infinity };
  function made(failures = 3) {
    const told: BreakerState[] = [];
    return { told, breaker: new Breaker({ failures, reopen }, (state) => void told.push(state)) };
  }
  const fail = (breaker: Breaker, now: number, tried = false) => breaker.settle(tried, false, now);

  it("opens after so many failures in a row (F-38)", () => {
    const { told, breaker } = made();
    fail(breaker, 0);
    fail(breaker, 0);
    breaker.settle(false, true, 0);
    fail(breaker, 0);
    fail(breaker, 0);
    assert.equal(breaker.state(0), "closed");
    fail(breaker, 10);
    assert.deepEqual([breaker.state(10), breaker.wait(10), breaker.admits(1_009)], ["open", 1_000, false]);
    assert.deepEqual([told, breaker.openings], [["open"], 1]);
  });

  it("lets one at a time try, and waits longer after each failure, up to max (F-38)", () => {
    const { told, breaker } = made(1);
    fail(breaker, 0);
    let now = 0;
    for (const wait of [1_000, 2_000, 3_000, 3_000]) {
      assert.equal(breaker.wait(now), wait);
      now += wait;
      assert.deepEqual([breaker.admits(now - 1), breaker.admits(now), breaker.state(now)], [
        false,
        true,
        "half-open",
      ]);
      assert.equal(breaker.begin(), true);
      assert.deepEqual([breaker.admits(now), breaker.state(now)], [false, "half-open"]);
      fail(breaker, now, true);
    }
    now += 3_000;
    assert.equal(breaker.begin(), true);
    breaker.settle(true, true, now);
    assert.deepEqual([breaker.state(now), breaker.failures, told.at(-1)], ["closed", 0, "closed"]);
    fail(breaker, now);
    assert.equal(breaker.wait(now), 1_000);
    assert.equal(breaker.openings, 2);
  });

  it("heeds nothing that began before it opened, and frees the try of one that gave up (F-38)", () => {
    const { told, breaker } = made(1);
    fail(breaker, 0);
    fail(breaker, 500);
    breaker.settle(false, true, 500);
    assert.deepEqual([breaker.wait(500), told], [500, ["open"]]);
    breaker.begin();
    breaker.abandon(false);
    assert.equal(breaker.admits(1_000), false);
    breaker.abandon(true);
    assert.equal(breaker.admits(1_000), true);
  });

  it("never opens without settings (F-38)", () => {
    const breaker = new Breaker(undefined, () => assert.fail());
    for (let count = 0; count < 100; count++) fail(breaker, count);
    assert.deepEqual([breaker.state(100), breaker.admits(100), breaker.failures], ["closed", true, 100]);
  });
});

describe("the choice of a target", () => {
  const target = (id: string, weight = 1, busy = 0) => ({ id, weight, busy, connecting: 0, turn: 0 });

  it("takes them in turn, by weight, and a heavy one not on end (F-38)", () => {
    const all = [target("a", 3), target("b", 1), target("c", 1)];
    const order = Array.from({ length: 10 }, () => choose("round-robin", all, "")!.id).join("");
    assert.equal(order, "abaca".repeat(2));
    assert.equal(choose("round-robin", [], ""), undefined);
  });

  it("takes the least used, by weight, and those that are equal in turn (F-38)", () => {
    const all = [target("a", 1, 2), target("b", 4, 4), target("c", 1, 1)];
    const chosen = [0, 1, 2].map(() => choose("least-connections", all, "")!.id);
    assert.deepEqual(chosen.map((id) => "bc".includes(id)), [true, true, true]);
    assert.ok(new Set(chosen).size === 2, chosen.join());
    all[1]!.connecting = 1;
    assert.equal(choose("least-connections", all, "")!.id, "c");
  });

  it("keeps a key at its target, and moves only the keys of one that is gone, by weight (F-38)", () => {
    const all = [target("10.0.0.1:1"), target("10.0.0.2:1"), target("10.0.0.3:1", 2)];
    const keys = Array.from({ length: 8_000 }, (_, at) => `192.0.2.${at}`);
    const before = keys.map((key) => choose("rendezvous", all, key)!.id);
    const share = (id: string) => before.filter((one) => one === id).length / keys.length;
    for (const [id, expected] of [["10.0.0.1:1", 0.25], ["10.0.0.2:1", 0.25], ["10.0.0.3:1", 0.5]] as const) {
      assert.ok(Math.abs(share(id) - expected) < 0.03, `${id}: ${share(id)}`);
    }
    const rest = all.slice(1);
    keys.forEach((key, at) => {
      const after = choose("rendezvous", rest, key)!.id;
      if (before[at] !== "10.0.0.1:1") assert.equal(after, before[at]);
    });
  });
});
