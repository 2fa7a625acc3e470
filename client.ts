/**
 * `millrace/client`: clients that keep connections for a program: `reconnect` makes one again when it has ended,
 * `requests` matches what is sent over one with the replies, `pool` lends several, and `balancer` spreads them over several
 * targets.
 *
 * @example
 * ```ts
 * import { lines } from "@millrace/millrace";
 * import { reconnect } from "@millrace/millrace/client";
 *
 * const client = reconnect({
 *   address: "127.0.0.1:3034",
 *   framing: lines({ encoding: "utf-8" }),
 *   logOn: (connection) => connection.send("SUBSCRIBE temperatures"),
 *   onFrame: (line) => console.log(line),
 *   onDisconnected: ({ failures }, wait) => console.log(`failure ${failures}, next attempt in ${wait} ms`),
 * });
 * await client.close();
 * ```
 *
 * @module
 */
export { reconnect } from "./src/client/reconnecting/reconnect.ts";
export type {
  ReconnectFailure,
  ReconnectOptions,
  ReconnectSettings,
  SendQueueOptions,
} from "./src/client/reconnecting/reconnect_options.ts";
export type {
  ReconnectingClient,
  ReconnectReport,
  ReconnectStats,
} from "./src/client/reconnecting/reconnecting_client.ts";
export { requests } from "./src/client/requests/requests.ts";
export type { RequestClient, RequestStats } from "./src/client/requests/request_client.ts";
export { requestMetrics } from "./src/client/requests/request_metrics.ts";
export { RequestError } from "./src/client/requests/request_error.ts";
export type {
  HeartbeatOptions,
  KeyOptions,
  RequestKey,
  RequestOptions,
  RequestsOptions,
} from "./src/client/requests/request_options.ts";
export { pool } from "./src/client/pool/pool.ts";
export type { Pool } from "./src/client/pool/users_pool.ts";
export type { BorrowOptions, PoolOptions } from "./src/client/pool/pool_options.ts";
export type { Borrowed } from "./src/client/pool/lease.ts";
export { type Balancer, balancer } from "./src/client/pool/balancer.ts";
export type { BalancedConnectOptions, BalancerOptions } from "./src/client/pool/balancer_options.ts";
export type {
  Balance,
  BreakerOptions,
  HealthCheckOptions,
  SecureTargets,
  Target,
  TargetsOptions,
} from "./src/client/pool/targets_options.ts";
export type { PoolEvent } from "./src/client/pool/pool_event.ts";
export type {
  BalancerInspection,
  PoolInspection,
  TargetInspection,
} from "./src/client/pool/pool_inspection.ts";
export type { BreakerState } from "./src/client/pool/breaker.ts";
export type { ClosingOptions, ClosingReport } from "./src/client/pool/closing.ts";
export { poolMetrics } from "./src/client/pool/pool_metrics.ts";
