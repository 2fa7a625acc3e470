import { equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { RateLimiter, type RateLimits } from "../../src/core/streams/rate_limiter.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

function limiter(limits: RateLimits): { clock: FakeClock; rate: RateLimiter } {
  const clock = new FakeClock({ now: 1_000 });
  return { clock, rate: new RateLimiter(limits, clock) };
}

test("one second's worth may arrive at once, the byte after it costs its time", () => {
  const { rate } = limiter({ bytesPerSecond: 1_000 });
  equal(rate.take(1_000, 1), 0);
  equal(rate.take(1, 1), 1);
});

test("a chunk larger than the burst is taken, and its whole excess waited for", () => {
  const { clock, rate } = limiter({ bytesPerSecond: 1_000, burstBytes: 100 });
  equal(rate.take(10_100, 0), 10_000);
  clock.advance(10_000);
  equal(rate.take(0, 0), 0);
  equal(rate.take(1, 0), 1);
});

test("who waits as long as told gets the rate, not more and not less", () => {
  const { clock, rate } = limiter({ bytesPerSecond: 100_000, burstBytes: 1_000 });
  let taken = 0;
  while (clock.now() < 61_000) {
    taken += 1_460;
    clock.advance(rate.take(1_460, 0));
  }
  ok(taken >= 6_000_000 && taken <= 6_000_000 + 1_000 + 2 * 1_460, `took ${taken} bytes in 60 s`);
});

test("who does not wait as long as told pays for it the next time", () => {
  const { clock, rate } = limiter({ bytesPerSecond: 1_000, burstBytes: 1 });
  equal(rate.take(1_001, 0), 1_000);
  clock.advance(400);
  equal(rate.take(100, 0), 700);
});

test("frames are limited as bytes are, and the longer wait counts", () => {
  const { rate } = limiter({ bytesPerSecond: 1_000, framesPerSecond: 10 });
  equal(rate.take(10, 10), 0);
  equal(rate.take(10, 2), 200);
  equal(rate.take(1_480, 0), 500);
});

test("at less than one frame a second the first frame is free", () => {
  const { rate } = limiter({ framesPerSecond: 0.1 });
  equal(rate.take(1_000_000, 1), 0);
  equal(rate.take(1, 1), 10_000);
});

test("a stall, however long, gathers no more than a burst (F-68)", () => {
  const { clock, rate } = limiter({ bytesPerSecond: 1_000 });
  rate.take(1_000, 0);
  clock.stall(3_600_000);
  equal(rate.take(1_000, 0), 0);
  equal(rate.take(1_000, 0), 1_000);
});

test("without limits nothing ever waits", () => {
  const { rate } = limiter({});
  equal(rate.take(Number.MAX_SAFE_INTEGER, 1e9), 0);
  equal(rate.take(Number.MAX_SAFE_INTEGER, 1e9), 0);
  equal(limiter({ bytesPerSecond: Infinity }).rate.take(1e15, 1), 0);
});

test("many small takes lose nothing to rounding", () => {
  const { clock, rate } = limiter({ bytesPerSecond: 3, burstBytes: 1 });
  rate.take(1, 0);
  for (let i = 0; i < 300_000; i++) {
    clock.advance(0.1);
    rate.take(0.0003, 0);
  }
  equal(rate.take(0, 0), 0);
  ok(rate.take(1, 0) >= 333);
});

test("limits that make no sense are refused, every one of them", () => {
  const table: readonly [unknown, RegExp][] = [
    [
      { bytesPerSecond: 0 },
      /rateLimit\.bytesPerSecond: found 0, expected a number of bytes a second, more than 0/,
    ],
    [{ framesPerSecond: -1 }, /rateLimit\.framesPerSecond: found -1/],
    [{ bytesPerSecond: NaN }, /found NaN/],
    [{ bytesPerSecond: 1, burstBytes: 0 }, /rateLimit\.burstBytes: found 0/],
    [{ burstBytes: 5 }, /rateLimit\.burstBytes: found 5, expected to be used with bytesPerSecond/],
    [{ bytesPerSecond: 1, burstFrames: 5 }, /rateLimit\.burstFrames: .* framesPerSecond/],
    [{ bytesPerSec: 5 }, /rateLimit\.bytesPerSec: found 5, expected bytesPerSecond, framesPerSecond/],
    [5, /rateLimit: found 5/],
    [null, /rateLimit: found null/],
  ];
  for (const [limits, message] of table) {
    throws(() => new RateLimiter(limits as RateLimits, new FakeClock()), (error) => {
      ok(error instanceof OptionsError);
      ok(message.test(error.message), error.message);
      return true;
    });
  }
  throws(
    () => new RateLimiter({ bytesPerSecond: 0, framesPerSecond: 0 }, new FakeClock()),
    (error) => error instanceof OptionsError && error.issues.length === 2,
  );
});
