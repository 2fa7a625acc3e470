/**
 * The load of the echo rows, as a program for Bun: takes its orders as one JSON argument, says when
 * measuring begins, and prints the result as one line of JSON.
 */
import process from "node:process";
import { bunAdapter } from "../../src/adapters/bun.ts";
import { runLoad } from "../../src/gateway/load.ts";
import type { EchoLoad } from "../rows.ts";

/** What this program is told. */
export interface EchoOrder {
  readonly port: number;
  readonly load: EchoLoad;
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** What it prints last. */
export interface EchoResult {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly lost: number;
  /** Part of its own processor that the load used while it measured. */
  readonly busy: number;
}

/** 63 bytes and a newline, or 64 KiB behind a four-byte length. */
function makeMessage(kind: EchoLoad["message"]): Uint8Array {
  if (kind === "lines") return new TextEncoder().encode("x".repeat(63) + "\n");
  const message = new Uint8Array(4 + 64 * 1024).fill(120);
  new DataView(message.buffer).setUint32(0, 64 * 1024);
  return message;
}

const order = JSON.parse(process.argv[2]!) as EchoOrder;
let cpu: NodeJS.CpuUsage | undefined;
let since = 0;
const report = await runLoad({
  adapter: bunAdapter,
  address: { transport: "tcp", host: "127.0.0.1", port: order.port },
  connections: order.load.connections,
  depth: order.load.depth,
  message: makeMessage(order.load.message),
  durationMs: order.durationMs,
  warmupMs: order.warmupMs,
  timeoutMs: 5000,
  onProgress({ phase }) {
    if (phase !== "measuring" || cpu !== undefined) return;
    cpu = process.cpuUsage();
    since = performance.now();
    console.log(JSON.stringify({ measuring: true }));
  },
});
const used = process.cpuUsage(cpu);
const result: EchoResult = {
  messagesPerSecond: report.messagesPerSecond,
  bytesPerSecond: report.bytesPerSecond,
  p50: report.latency.percentile(50),
  p99: report.latency.percentile(99),
  lost: report.lost,
  busy: (used.user + used.system) / 1000 / (performance.now() - since),
};
console.log(JSON.stringify(result));
process.exit(0);
