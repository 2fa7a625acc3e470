/**
 * The counters of servers as metrics of Effect, under the names that Prometheus gets.
 *
 * Nothing is counted here: statistics are summed when a metric is read. Servers with the same attributes are
 * added up, and what those counted that have stopped stays. Only the entry point `effect` loads it.
 */
import * as Context from "effect/Context";
import * as Metric from "effect/Metric";
import { reasonRows, type ServerRow, serverRows } from "./metrics.ts";
import type { ServerStats } from "./server_stats.ts";

/** What is read of a server. */
interface Counting {
  stats(): ServerStats;
}

/** Of the process, of the last drain, or of a budget that several may share: nothing to add up. */
const notAdded: readonly string[] = [
  "drain_seconds",
  "event_loop_stalls_total",
  "memory_budget_exceeded",
  "memory_budget_exceeded_total",
];

/** What has been counted by one server or by several together. */
class Sums {
  readonly rows: Map<ServerRow, number> = new Map();
  readonly reasons: Map<string, number>[] = reasonRows.map(() => new Map());

  /** `stopped`: what such a server holds is nothing any more. */
  add(stats: ServerStats, stopped: boolean): void {
    for (const row of serverRows) {
      const [name, type, , read] = row;
      const before = this.rows.get(row) ?? 0;
      if (notAdded.includes(name)) this.rows.set(row, Math.max(before, read(stats)));
      else if (!stopped || type !== "gauge") this.rows.set(row, before + read(stats));
    }
    reasonRows.forEach(([, , read], at) => {
      const sums = this.reasons[at]!;
      for (const [reason, count] of Object.entries(read(stats))) {
        sums.set(reason, (sums.get(reason) ?? 0) + (count ?? 0));
      }
    });
  }

  copy(): Sums {
    const copy = new Sums();
    this.rows.forEach((value, row) => copy.rows.set(row, value));
    this.reasons.forEach((sums, at) => sums.forEach((value, reason) => copy.reasons[at]!.set(reason, value)));
    return copy;
  }
}

/** The metrics of all servers of one registry that have the same attributes. */
class ServerMetrics {
  readonly #running: Set<Counting> = new Set();
  readonly #stopped: Sums = new Sums();
  #sums: Sums | undefined = undefined;

  constructor(services: Context.Context<never>) {
    for (const row of serverRows) {
      const [name, type, description] = row;
      const value = () => this.#read().rows.get(row) ?? 0;
      if (type === "gauge") {
        const gauge = Metric.gauge(`millrace_${name}`, { description });
        Metric.registerUnsafe(gauge, services, { get: () => ({ value: value() }), ...readOnly });
      } else {
        const counter = Metric.counter(`millrace_${name}`, { description, incremental: true });
        const get = () => ({ count: value(), incremental: true });
        Metric.registerUnsafe(counter, services, { get, ...readOnly });
      }
    }
    reasonRows.forEach(([name, description], at) => {
      const frequency = Metric.frequency(`millrace_${name}`, { description });
      const get = () => ({ occurrences: this.#read().reasons[at]! });
      Metric.registerUnsafe(frequency, services, { get, ...readOnly });
    });
  }

  start(server: Counting): void {
    this.#running.add(server);
    this.#sums = undefined;
  }

  stop(server: Counting): void {
    if (this.#running.delete(server)) this.#stopped.add(server.stats(), true);
    this.#sums = undefined;
  }

  /** Once for all metrics of a snapshot, which is taken in one go. */
  #read(): Sums {
    if (this.#sums !== undefined) return this.#sums;
    const sums = this.#sums = this.#stopped.copy();
    for (const server of this.#running) sums.add(server.stats(), false);
    queueMicrotask(() => this.#sums = undefined);
    return sums;
  }
}

/** Only servers count. */
const readOnly = { update: () => {}, modify: () => {} };

const registries = new WeakMap<object, Map<string, ServerMetrics>>();

/**
 * Shows a server's statistics among the metrics of these services, with the attributes that they name
 * (`Metric.CurrentMetricAttributes`), from now until what comes back is called.
 */
export function showMetrics(server: Counting, services: Context.Context<never>): () => void {
  const registry = Context.get(services, Metric.MetricRegistry);
  const attributes = Object.entries(Context.get(services, Metric.CurrentMetricAttributes)).sort();
  let found = registries.get(registry);
  if (found === undefined) registries.set(registry, found = new Map());
  const key = JSON.stringify(attributes);
  let metrics = found.get(key);
  if (metrics === undefined) found.set(key, metrics = new ServerMetrics(services));
  metrics.start(server);
  return () => metrics.stop(server);
}
