/**
 * Samples as metrics of OTLP: those that `/metrics` shows, under the names of OpenTelemetry.
 *
 * `millrace_outbox_bytes` is `millrace.outbox` in the unit `By`; `_total` of a counter is left out, as Prometheus adds it
 * again; where that is the name of another one, it stays. Counters are cumulative sums; what has a sum and a count is a histogram without buckets.
 */
import type { MetricSample } from "../../core/text/exposition.ts";
import { attributesOf, double } from "./attributes.ts";
import { type HistogramPoint, type Metric, nanoseconds, type NumberPoint } from "./otlp.ts";

const units: readonly (readonly [word: string, unit: string])[] = [["bytes", "By"], ["seconds", "s"]];

/** A number that only grows: its last value, and when it began to. */
type Series = Map<string, { readonly value: number; readonly since: number }>;

/** All numbers, one moment after another. */
export class OtlpMetrics {
  /** When what is counted began, on the wall clock. */
  readonly #begun: number;
  #series: Series = new Map();
  #last: number;

  constructor(begun: number) {
    this.#begun = begun;
    this.#last = begun;
  }

  /** All of one moment. */
  of(samples: Iterable<MetricSample>, now: number): Metric[] {
    const metrics = new Map<string, Metric>();
    const names = new Set<string>();
    const sums = new Map<string, number>();
    const series: Series = new Map();
    const timeUnixNano = nanoseconds(now);
    for (const { name, help, type, value, labels } of samples) {
      const family = type === "summary" ? name.replace(/_(?:sum|count)$/, "") : name;
      const key = `${family} ${JSON.stringify(labels)}`;
      const attributes = attributesOf(labels);
      let metric = metrics.get(family);
      if (metric === undefined) {
        const short = otlpName(family);
        const name = names.has(short) ? longName(family) : short;
        names.add(name);
        metrics.set(family, metric = made({ name, description: help, unit: unitOf(family) }, type));
      }
      if (type === "gauge") {
        metric.gauge!.dataPoints.push({ attributes, timeUnixNano, ...number(value) });
        continue;
      }
      if (name.endsWith("_sum") && type === "summary") {
        sums.set(key, value);
        continue;
      }
      const startTimeUnixNano = nanoseconds(this.#since(key, value, series));
      const point = { attributes, startTimeUnixNano, timeUnixNano };
      if (type === "counter") metric.sum!.dataPoints.push({ ...point, ...number(value) });
      else {
        const [count, sum] = [`${value}`, double(sums.get(key) ?? 0)];
        metric.histogram!.dataPoints.push({ ...point, count, sum, bucketCounts: [count] });
      }
    }
    this.#series = series;
    this.#last = now;
    return [...metrics.values()];
  }

  /** What is less than before has begun anew in between. */
  #since(key: string, value: number, series: Series): number {
    const before = this.#series.get(key);
    const since = before === undefined ? this.#begun : value < before.value ? this.#last : before.since;
    series.set(key, { value, since });
    return since;
  }
}

function number(value: number): Pick<NumberPoint, "asInt" | "asDouble"> {
  return Number.isSafeInteger(value) ? { asInt: `${value}` } : { asDouble: double(value) };
}

function made(own: Pick<Metric, "name" | "description" | "unit">, type: MetricSample["type"]): Metric {
  if (type === "gauge") return { ...own, gauge: { dataPoints: [] } };
  if (type === "summary") {
    return { ...own, histogram: { dataPoints: [] as HistogramPoint[], aggregationTemporality: 2 } };
  }
  return { ...own, sum: { dataPoints: [], aggregationTemporality: 2, isMonotonic: true } };
}

function otlpName(family: string): string {
  return longName(family).replace(/_total$/, "").replace(/_(?:bytes|seconds)$/, "");
}

function longName(family: string): string {
  return family.replace(/^millrace_/, "millrace.");
}

/** In UCUM, as OpenTelemetry asks. */
function unitOf(family: string): string {
  const words = family.split("_");
  return units.find(([word]) => words.includes(word))?.[1] ?? "1";
}
