// A pool under chance: borrowers, ends and time in any order, by seed; its counts agree at every step.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Virtual } from "../../support/server.ts";
import { type Given, type Lent, named, poolAt } from "./support.ts";

const max = 4;
const balances = ["round-robin", "least-connections", "rendezvous"] as const;

for (let seed = 1; seed <= 12; seed++) {
  test(`a pool never has more than max connections, and loses none and no borrower, seed ${seed} (F-38)`, async (t) => {
    const place = new Virtual(t);
    const servers = [await named(place, "a"), await named(place, "b"), await named(place, "c")];
    const balance = balances[seed % 3]!;
    const healthCheck: Given["healthCheck"] = { every: "2 seconds", test: () => true, onBorrow: "1 second" };
    const users = await poolAt(place, servers, {
      max,
      min: seed % 2,
      balance,
      maxIdle: "3 seconds",
      maxLifetime: "20 seconds",
      borrowTimeout: "4 seconds",
      breaker: { failures: 2 },
      ...(seed % 4 === 0 && { healthCheck }),
    });
    let state = seed * 7_919;
    const below = (limit: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return Math.floor(state / 0x80000000 * limit);
    };
    const held: Lent[] = [];
    let waiting = 0;
    const borrow = (): void => {
      waiting++;
      const key = balance === "rendezvous" ? `key ${below(5)}` : undefined;
      void users.borrow({ key }).then((lease) => void held.push(lease), () => {}).finally(() => waiting--);
    };
    const any = (): Lent | undefined => held.splice(below(held.length), 1)[0];
    const check = (): void => {
      const found = users.inspect();
      const { idle, lent, connecting, closing, targets } = found;
      const told = JSON.stringify(found);
      assert.ok(Math.min(idle, lent, connecting, closing) >= 0, told);
      assert.ok(idle + lent + connecting + closing <= max, told);
      const sum = (of: "busy" | "idle") => targets.reduce((all, target) => all + target[of], 0);
      assert.deepEqual([sum("busy"), sum("idle")], [lent, idle]);
    };
    for (let step = 0; step < 250; step++) {
      const chance = below(20);
      if (chance < 8) borrow();
      else if (chance < 13) any()?.release();
      else if (chance < 14) any()?.destroy();
      else if (chance < 16) {
        for (const connection of servers[below(3)]!.connections.values()) {
          if (below(2) === 0) connection.destroy();
          else connection.end();
        }
      } else if (chance < 18) await place.pass(below(2_000));
      else await place.settle();
      check();
    }
    for (let second = 0; second < 10; second++) {
      for (const lease of held.splice(0)) lease.release();
      await place.pass(1_000);
    }
    check();
    const { lent, connecting, closing, ...rest } = users.inspect();
    assert.deepEqual([waiting, rest.waiting, lent, connecting, closing], [0, 0, 0, 0, 0]);
  });
}
