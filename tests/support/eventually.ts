/** Waits for what shows in no event. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/core/time/clock.ts";

/** Resolves when this is so, which is asked at each turn of the event loop; fails after ten seconds. */
export async function eventually(so: () => boolean, what: string): Promise<void> {
  const until = performance.now() + 10_000;
  while (!so()) {
    assert.ok(performance.now() < until, `${what}: not within 10 s`);
    await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
  }
}
