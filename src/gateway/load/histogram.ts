/**
 * A latency histogram of fixed size: 64 buckets to each power of two, so a value read back is at most
 * 1.6 % off, and recording is an addition to an array.
 *
 * Filled by the echoers, drawn by `cli/histogram_chart.ts`. Knows nothing of sockets or terminals.
 */

/** Times are kept in ticks of 100 ns; the largest is about 7 minutes, above it counts as that. */
const ticksPerMs = 10_000;
const largestTick = 0xffff_ffff;
const subBuckets = 64;
const bucketCount = 27 * subBuckets;

/** Counts durations in milliseconds and answers for percentiles. */
export class Histogram {
  /** Number of durations recorded. */
  count = 0;
  /** The longest one, in milliseconds. */
  max = 0;
  /** The shortest one, in milliseconds; 0 before the first. */
  min = 0;
  #sum = 0;
  readonly #counts: Float64Array = new Float64Array(bucketCount);

  /** Adds one duration; a negative one counts as 0. */
  record(ms: number): void {
    const value = ms > 0 ? ms : 0;
    this.#counts[bucketOf(value)]!++;
    this.#sum += value;
    if (this.count === 0 || value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    this.count++;
  }

  /** Adds everything that another histogram holds. */
  add(other: Histogram): void {
    if (other.count === 0) return;
    this.min = this.count === 0 ? other.min : Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    this.count += other.count;
    this.#sum += other.#sum;
    for (let i = 0; i < bucketCount; i++) this.#counts[i]! += other.#counts[i]!;
  }

  /** Mean in milliseconds; 0 when empty. */
  get mean(): number {
    return this.count === 0 ? 0 : this.#sum / this.count;
  }

  /** The duration in milliseconds that `percent` of all stay at or below; 0 when empty. */
  percentile(percent: number): number {
    if (this.count === 0) return 0;
    const wanted = Math.max(1, Math.ceil((percent / 100) * this.count));
    let seen = 0;
    for (let i = 0; i < bucketCount; i++) {
      seen += this.#counts[i]!;
      if (seen >= wanted) return Math.min(this.max, Math.max(this.min, upperEdge(i)));
    }
    return this.max;
  }

  /** How many lie in (`from`, `to`], by bucket, in milliseconds. */
  countBetween(from: number, to: number): number {
    let found = 0;
    for (let i = 0; i < bucketCount; i++) {
      const edge = upperEdge(i);
      if (edge > from && edge <= to) found += this.#counts[i]!;
    }
    return found;
  }
}

function bucketOf(ms: number): number {
  const tick = Math.min(largestTick, Math.round(ms * ticksPerMs)) >>> 0;
  if (tick < subBuckets) return tick;
  const shift = 31 - Math.clz32(tick) - 6;
  return (shift + 1) * subBuckets + (tick >>> shift) - subBuckets;
}

/** The largest duration that a bucket holds, in milliseconds. */
function upperEdge(bucket: number): number {
  if (bucket < subBuckets) return bucket / ticksPerMs;
  const shift = Math.floor(bucket / subBuckets) - 1;
  const sub = bucket % subBuckets + subBuckets;
  return ((sub + 1) * 2 ** shift - 1) / ticksPerMs;
}
