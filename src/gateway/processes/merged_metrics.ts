/**
 * The metrics of several processes as one list, each sample with the number of its process.
 *
 * A counter of a place goes on from one process to the next: what those before have counted is added.
 */
import type { MetricSample } from "../../core/text/exposition.ts";

/** Gauges that are sums: what processes that drain still have is added to that of the one that serves. */
const additive = /_(?:active|pending|unwritten|bytes)$/;

/** Samples as a child sends them: JSON has no word for some numbers. */
export function portable(samples: readonly MetricSample[]): unknown {
  return samples.map((sample) => ({ ...sample, value: `${sample.value}` }));
}

/** What a child has sent; nothing for anything else. */
export function fromPortable(value: unknown): readonly MetricSample[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return (value as readonly MetricSample[]).map((sample) => ({ ...sample, value: Number(sample.value) }));
}

/** What one place has counted. */
export class Counters {
  /** Of those that have ended. */
  readonly #retired: Map<string, MetricSample> = new Map();
  /** What those that have not ended have last said. */
  readonly #last: Map<object, readonly MetricSample[]> = new Map();

  /** One says what it has; undefined where it says nothing. */
  told(member: object, samples: readonly MetricSample[] | undefined): void {
    if (samples !== undefined) this.#last.set(member, samples);
  }

  /** One has ended; what it said at its end, or else last, stays counted. */
  retire(member: object, report: unknown): void {
    const { samples } = (report ?? {}) as { readonly samples?: unknown };
    const last = fromPortable(samples) ?? this.#last.get(member) ?? [];
    this.#last.delete(member);
    for (const sample of last) if (sample.type !== "gauge") add(this.#retired, sample);
  }

  /** All together; gauges that are no sums are those of `current`. */
  samples(current: object | undefined): MetricSample[] {
    const sums = new Map(this.#retired);
    for (const [member, samples] of this.#last) {
      for (const sample of samples) {
        const { type, name } = sample;
        if (type !== "gauge" || member === current || additive.test(name)) add(sums, sample);
      }
    }
    return [...sums.values()];
  }
}

function add(sums: Map<string, MetricSample>, sample: MetricSample): void {
  const key = `${sample.name} ${JSON.stringify(sample.labels)}`;
  const before = sums.get(key)?.value ?? 0;
  sums.set(key, { ...sample, value: before + sample.value });
}
