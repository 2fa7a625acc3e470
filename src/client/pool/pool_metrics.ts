/** What pools and balancers count, in the text format of Prometheus. */
import { exposition, type MetricSample } from "../../core/text/exposition.ts";
import type { Balancer } from "./balancer.ts";
import type { BalancerInspection, PoolInspection, TargetInspection } from "./pool_inspection.ts";
import type { Pool } from "./users_pool.ts";

type Inspected = { inspect(): PoolInspection | BalancerInspection };
type Row<Of> = readonly [
  name: string,
  type: "counter" | "gauge" | "summary",
  help: string,
  value: (of: Of) => number,
];

const waits = "Borrowers that had to wait for a connection and got one, and how long.";
const poolRows: readonly Row<PoolInspection>[] = [
  ["pool_waiting", "gauge", "Borrowers that wait for a connection.", (p) => p.waiting],
  ["pool_borrows_total", "counter", "Connections that have been lent.", (p) => p.borrows],
  ["pool_wait_seconds_sum", "summary", waits, (p) => p.waitMs / 1000],
  ["pool_wait_seconds_count", "summary", waits, (p) => p.waits],
  ["pool_timeouts_total", "counter", "Borrowers whose time limit passed.", (p) => p.timeouts],
  ["pool_rejected_total", "counter", "Borrowers rejected since too many waited.", (p) => p.rejected],
];
const targetRows: readonly Row<TargetInspection>[] = [
  ["target_connections_busy", "gauge", "Connections in use.", (t) => t.busy],
  ["target_connections_idle", "gauge", "Connections that a pool keeps.", (t) => t.idle],
  ["target_connections_connecting", "gauge", "Connections that are being made.", (t) => t.connecting],
  ["target_connects_total", "counter", "Connections made.", (t) => t.connects],
  ["target_connect_failures_total", "counter", "Attempts to connect that failed.", (t) => t.connectFailures],
  ["target_check_failures_total", "counter", "Health checks that failed.", (t) => t.checkFailures],
  ["target_breaker_openings_total", "counter", "Times that the circuit breaker opened.", (t) => t.openings],
];
const states = ["closed", "open", "half-open"] as const;
const breakerHelp = "1 for the state that the circuit breaker is in, 0 for the others.";

/**
 * The metrics of pools and balancers in the text format of Prometheus (version 0.0.4). Each sample has the name that is
 * given here as its label `pool`, those of targets also `target`, and `millrace_target_breaker` the `state`.
 *
 * @example
 * ```ts
 * import { lines } from "@millrace/millrace";
 * import { pool, poolMetrics } from "@millrace/millrace/client";
 *
 * const cache = await pool({ targets: ["127.0.0.1:6379"], framing: lines() });
 * console.log(poolMetrics({ cache }).split("\n")[2]); // millrace_pool_waiting{pool="cache"} 0
 * await cache.close();
 * ```
 */
export function poolMetrics(
  pools: Readonly<
    Record<
      string,
      Pick<Pool<unknown, never, unknown>, "inspect"> | Pick<Balancer<unknown, never, unknown>, "inspect">
    >
  >,
): string {
  return exposition(Object.entries(pools).flatMap(([pool, one]) => samplesOf(one, { pool })));
}

function samplesOf(pool: Inspected, labels: Readonly<Record<string, string>>): MetricSample[] {
  const found = pool.inspect();
  return [
    ...("waiting" in found ? samples(poolRows, found, labels) : []),
    ...found.targets.flatMap((target) => {
      const own = { ...labels, target: target.target };
      const breaker = states.map((state) => ({
        name: "millrace_target_breaker",
        help: breakerHelp,
        type: "gauge" as const,
        value: target.breaker === state ? 1 : 0,
        labels: { ...own, state },
      }));
      return [...samples(targetRows, target, own), ...breaker];
    }),
  ];
}

function samples<Of>(
  rows: readonly Row<Of>[],
  of: Of,
  labels: Readonly<Record<string, string>>,
): MetricSample[] {
  return rows.map(([name, type, help, value]) => ({
    name: `millrace_${name}`,
    type,
    help,
    value: value(of),
    labels,
  }));
}
