// One Ctrl-C that arrives twice is one; a person's second one is another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SignalEcho, signalEchoMs } from "../../src/host/signal_echo.ts";

test("what comes within 250 ms of a signal that counted is its echo, and the next one counts (F-19)", () => {
  let now = 0;
  const echo = new SignalEcho({ now: () => now });
  const at = (ms: number): boolean => {
    now = ms;
    return echo.repeats();
  };
  assert.equal(signalEchoMs, 250);
  assert.deepEqual([0, 0, 3, 249, 250, 251, 499, 500].map(at), [
    false,
    true,
    true,
    true,
    false,
    true,
    true,
    false,
  ]);
});
