/**
 * How fast a peer may send: a token bucket for bytes and one for frames.
 *
 * What has arrived has arrived, so it is always taken, on credit if need be; the answer is for how long to
 * read nothing more. Used by the pipeline and `RateLimiterStream`. Sets no timer: the caller does the waiting.
 */
import type { Clock } from "../time/clock.ts";
import { OptionsCheck } from "../options.ts";
import { misread, read, type Reading } from "../text/reading.ts";
import { readByteRate, type SizeInput } from "../text/size.ts";

/**
 * Maximum rates. A rate that is left out is not limited, and a burst needs its rate. Text such as `"1 MB"` is read as
 * sizes are.
 */
export type RateLimits =
  & (
    | {
      /** Bytes per second, on average. Over it, reading pauses; nothing is dropped. @default Infinity */
      readonly bytesPerSecond: SizeInput;
      /** Bytes that may arrive at once after a quiet time. @default one second's worth */
      readonly burstBytes?: SizeInput | undefined;
    }
    | {
      /** Bytes are not limited. */
      readonly bytesPerSecond?: undefined;
      /** Only with `bytesPerSecond`. */
      readonly burstBytes?: undefined;
    }
  )
  & (
    | {
      /** Frames per second, on average. Over it, reading pauses; nothing is dropped. @default Infinity */
      readonly framesPerSecond: number;
      /** Frames that may arrive at once after a quiet time. @default one second's worth, at least 1 */
      readonly burstFrames?: number | undefined;
    }
    | {
      /** Frames are not limited. */
      readonly framesPerSecond?: undefined;
      /** Only with `framesPerSecond`. */
      readonly burstFrames?: undefined;
    }
  );

/** The same in numbers. */
export type RateBounds = Readonly<Partial<Record<keyof RateLimits, number>>>;

const byteNames = ["bytesPerSecond", "burstBytes"];
const names = [...byteNames, "framesPerSecond", "burstFrames"];

/** Checks limits, and makes numbers of them; faults go to `check`, under `path`. */
export function resolveRateLimits(
  check: OptionsCheck,
  path: string,
  limits: RateLimits | undefined,
): RateBounds | undefined {
  if (limits === undefined) return undefined;
  if (typeof limits !== "object" || limits === null) {
    check.refuse(path, limits, "limits such as { bytesPerSecond: 1_000_000 }");
    return undefined;
  }
  const bounds: Record<string, number> = {};
  for (const [name, value] of Object.entries(limits) as [string, unknown][]) {
    const place = `${path}.${name}`;
    if (!names.includes(name)) {
      check.refuse(place, value, "bytesPerSecond, framesPerSecond, burstBytes or burstFrames");
    } else if (value !== undefined) {
      bounds[name] = check.take(
        place,
        value,
        byteNames.includes(name) ? readByteRate(value) : frameRate(value),
        1,
      );
      const rate = name === "burstBytes" ? "bytesPerSecond" : "framesPerSecond";
      if (name.startsWith("burst") && limits[rate] === undefined) {
        check.refuse(place, value, `to be used with ${rate}`);
      }
    }
  }
  return bounds;
}

function frameRate(value: unknown): Reading<number> {
  return typeof value === "number" && value > 0 ? read(value) : misread("frames a second, more than 0");
}

/** Milliseconds of debt that stem from adding up fractions. */
const rounding = 1e-6;

/** Two buckets, filled by time and emptied by what arrives. */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  readonly #framesPerMs: number;
  readonly #burstBytes: number;
  readonly #burstFrames: number;
  #bytes: number;
  #frames: number;
  #filledAt: number;

  /** Throws `OptionsError` for limits that are not above 0, and for a burst without its rate. */
  constructor(limits: RateLimits, clock: Clock) {
    const check = new OptionsCheck();
    const bounds = resolveRateLimits(check, "rateLimit", limits);
    check.done();
    const { bytesPerSecond = Infinity, framesPerSecond = Infinity, burstBytes, burstFrames } = bounds ?? {};
    this.#clock = clock;
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#framesPerMs = framesPerSecond / 1000;
    this.#bytes = this.#burstBytes = burstBytes ?? bytesPerSecond;
    this.#frames = this.#burstFrames = burstFrames ?? Math.max(1, framesPerSecond);
    this.#filledAt = clock.now();
  }

  /** Takes what has arrived. Returns for how many whole milliseconds to read nothing more, 0 for go on. */
  take(bytes: number, frames: number): number {
    this.#fill();
    this.#bytes -= bytes;
    this.#frames -= frames;
    const wait = Math.max(debt(this.#bytes, this.#bytesPerMs), debt(this.#frames, this.#framesPerMs));
    return Math.ceil(Math.max(0, wait - rounding));
  }

  /** However long nothing was asked, be it for a stall of ours, no more than a burst has gathered. */
  #fill(): void {
    const now = this.#clock.now();
    const passed = now - this.#filledAt;
    if (passed <= 0) return;
    this.#filledAt = now;
    this.#bytes = Math.min(this.#burstBytes, this.#bytes + passed * this.#bytesPerMs);
    this.#frames = Math.min(this.#burstFrames, this.#frames + passed * this.#framesPerMs);
  }
}

/** How long a bucket below zero takes to fill up to it. */
function debt(tokens: number, perMs: number): number {
  return tokens >= 0 ? 0 : -tokens / perMs;
}
