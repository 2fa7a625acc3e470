/**
 * The slowest that a peer may send a frame that has begun: so many bytes in each period, for as long as we read.
 *
 * Asked by `vigil.ts` at its looks. Knows no clock but the wheel that it is given.
 */
import { OptionsCheck } from "../core/options.ts";
import { misread, type Reading } from "../core/text/reading.ts";
import { readByteRate, type SizeInput } from "../core/text/size.ts";
import { checkDuration, type DurationInput } from "../core/time/duration.ts";
import type { TimerWheel } from "../core/time/timer_wheel.ts";

/** The option `minByteRate` of a connection. */
interface MinByteRate {
  readonly bytesPerSecond: SizeInput;
  readonly period?: DurationInput | undefined;
}

/** The same in numbers: bytes a second, and milliseconds. */
export interface RateFloor {
  readonly bytesPerSecond: number;
  readonly period: number;
}

const defaultPeriod = 5_000;

/** Checks a minimum rate; faults go to `check`. */
export function checkMinByteRate(
  check: OptionsCheck,
  path: string,
  rate: MinByteRate | undefined,
): RateFloor | undefined {
  if (rate === undefined) return undefined;
  if (typeof rate !== "object" || rate === null) {
    check.refuse(path, rate, 'a minimum such as { bytesPerSecond: 100, period: "5 seconds" }');
    return undefined;
  }
  check.keys(rate, ["bytesPerSecond", "period"], `${path}.`);
  return {
    bytesPerSecond: check.take(
      `${path}.bytesPerSecond`,
      rate.bytesPerSecond,
      readMinRate(rate.bytesPerSecond),
      1,
    ),
    period: checkDuration(check, `${path}.period`, rate.period, defaultPeriod, { infinite: false }),
  };
}

/** Reads bytes a second that must come; no limit is no rate. */
export function readMinRate(input: unknown): Reading<number> {
  const reading = readByteRate(input);
  if (reading.ok && reading.value < Infinity) return reading;
  return misread('a number of bytes a second, more than 0, such as 100 or "1 KiB"');
}

/** The current period of one connection. */
export class RatePeriod {
  #since = 0;
  #before = 0;

  /** A period begins: `now` is a reading of the wheel, `received` what has come by then. */
  begin(now: number, received: number): void {
    this.#since = now;
    this.#before = received;
  }

  /** Bytes that have come in it. */
  bytes(received: number): number {
    return received - this.#before;
  }

  /** How many ms it still has; the next one begins where enough has come, and 0 or less says that too little has. */
  left(wheel: TimerWheel, { bytesPerSecond, period }: RateFloor, now: number, received: number): number {
    const left = wheel.left(this.#since, period, now);
    if (left > 0 || this.bytes(received) * 1_000 < bytesPerSecond * period) return left;
    this.begin(now, received);
    return wheel.left(now, period, now);
  }
}
