import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionOptions } from "../../src/connection/connection_options.ts";
import { memoryBudget } from "../../src/connection/memory_budget.ts";
import { resolveProfile } from "../../src/connection/profile.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { OptionsCheck } from "../../src/core/options.ts";

/** Paths of what is refused. */
function refused(options: object): string[] {
  const check = new OptionsCheck();
  resolveProfile(check, { framing: lines(), ...options } as ConnectionOptions<Uint8Array>, undefined);
  let paths: string[] = [];
  try {
    check.done();
  } catch (error) {
    ok(error instanceof OptionsError);
    paths = error.issues.map(({ path }) => path);
  }
  return paths;
}

test("durations become milliseconds, and what is left out its default", () => {
  const check = new OptionsCheck();
  const payload = new Uint8Array([10]);
  const profile = resolveProfile(check, {
    framing: lines(),
    idleTimeout: "Infinity",
    firstFrameTimeout: { minutes: 1, seconds: 30 },
    frameTimeout: 500,
    keepalive: { interval: "20 seconds", payload },
  }, undefined);
  check.done();
  const { idle, readIdle, writeIdle, firstFrame, frame, close, linger, keepalive } = profile;
  deepEqual([idle, readIdle, writeIdle, firstFrame, frame], [Infinity, Infinity, Infinity, 90_000, 500]);
  deepEqual([close, linger], [30_000, 2_000]);
  deepEqual(keepalive, { interval: 20_000, payload });
  ok(Object.isFrozen(profile));
});

test("every fault of the times, the keepalive and the rate is told at once, with its path", () => {
  const rows: readonly [object, string[]][] = [
    [{ idleTimeout: 0, frameTimeout: "30 sek", lingerTimeout: -1 }, [
      "idleTimeout",
      "frameTimeout",
      "lingerTimeout",
    ]],
    [{ keepalive: { payload: new Uint8Array([1]) } }, ["keepalive.interval"]],
    [{ keepalive: { interval: 1_000, payload: "ping" } }, ["keepalive.payload"]],
    [{ keepalive: { interval: 1_000, payload: new Uint8Array(0) } }, ["keepalive.payload"]],
    [{ keepalive: { intervall: 5, interval: 0, payload: () => {} } }, [
      "keepalive.intervall",
      "keepalive.interval",
    ]],
    [{ rateLimit: { bytesPerSecond: 0, framesPerSecond: -1 } }, [
      "rateLimit.bytesPerSecond",
      "rateLimit.framesPerSecond",
    ]],
    [{ rateLimit: { bytesPerSec: 5 } }, ["rateLimit.bytesPerSec"]],
    [{ rateLimit: { burstBytes: 5 } }, ["rateLimit.burstBytes"]],
    [{ maxLifetime: "1 hour", goodbyeWait: 0 }, []],
    [{ maxLifetime: { hours: 1 } }, []],
    [{ maxLifetime: { after: "1 hour", jitter: 1, grace: Infinity } }, []],
    [{ maxLifetime: 0 }, ["maxLifetime"]],
    [{ maxLifetime: { after: "1 hours ago", jitter: 2, grace: -1 } }, [
      "maxLifetime.jitter",
      "maxLifetime.after",
      "maxLifetime.grace",
    ]],
    [{ maxLifetime: { after: "1 hour", jiter: 0 } }, ["maxLifetime.jiter"]],
    [{ memoryBudget: "256 MiB" }, []],
    [{ memoryBudget: memoryBudget(1_000) }, []],
    [{ memoryBudget: { limit: 1_000 } }, ["memoryBudget"]],
    [{ memoryBudget: 0 }, ["memoryBudget"]],
    [{ goodbye: () => undefined }, []],
    [{ goodbye: 5, goodbyeWait: Infinity }, ["goodbye", "goodbyeWait"]],
    [{ minByteRate: 100 }, ["minByteRate"]],
    [{ minByteRate: {} }, ["minByteRate.bytesPerSecond"]],
    [{ minByteRate: { bytesPerSecond: Infinity, period: 0 } }, [
      "minByteRate.bytesPerSecond",
      "minByteRate.period",
    ]],
    [{ minByteRate: { bytesPerSecond: "1 KiB", per: 5 } }, ["minByteRate.per"]],
    [{}, []],
  ];
  for (const [options, paths] of rows) deepEqual(refused(options), paths, JSON.stringify(options));
});

test("a misspelt part of the keepalive gets a hint", () => {
  const check = new OptionsCheck();
  const keepalive = { intervall: 5, payload: new Uint8Array(1), interval: 1 };
  resolveProfile(check, { framing: lines(), keepalive }, undefined);
  throws(
    () => check.done(),
    /keepalive\.intervall: found 5, expected no such option; did you mean interval\?/,
  );
  equal(refused({ keepalive }).length, 1);
});
