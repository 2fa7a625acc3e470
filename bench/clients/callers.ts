/**
 * The callers of the request rows: so many at once on one connection, each of which sends its next request when it has the
 * reply to its last. Says when it runs, measures when told to, and prints the result, as the load of the echo rows does.
 */
import process from "node:process";
import { Histogram } from "../../src/gateway/load/histogram.ts";
import type { EchoResult } from "../load/echo_load.ts";

/** What a program of this folder is told. */
export interface CallersOrder {
  readonly port: number;
  readonly depth: number;
  readonly durationMs: number;
}

/** The orders, one JSON argument. */
export const order = JSON.parse(process.argv[2]!) as CallersOrder;

/** One request, and its reply as bytes without the newline. */
export type Ask = (line: Uint8Array) => Promise<Uint8Array>;

/** Runs the callers over `ask` until the result is printed. */
export async function runCallers(ask: Ask): Promise<never> {
  const line = new Uint8Array(63).fill(120);
  let latency = new Histogram();
  let count = 0;
  const call = async (sampled: boolean): Promise<void> => {
    for (;;) {
      const since = sampled ? performance.now() : 0;
      const reply = await ask(line);
      if (reply.length !== line.length || reply[62] !== 120) throw new Error("a reply is not what was sent");
      if (sampled) latency.record(performance.now() - since);
      count++;
    }
  };
  for (let caller = 0; caller < order.depth; caller++) void call(caller === 0);
  console.log(JSON.stringify({ running: true }));
  await new Promise((resolve) => process.stdin.once("data", resolve));
  process.stdin.on("end", () => process.exit(0));
  latency = new Histogram();
  const [before, cpuBefore, since] = [count, process.cpuUsage(), performance.now()];
  console.log(JSON.stringify({ measuring: true }));
  await new Promise((resolve) => setTimeout(resolve, order.durationMs));
  const [calls, cpu, ms] = [count - before, process.cpuUsage(cpuBefore), performance.now() - since];
  const result: EchoResult = {
    messagesPerSecond: calls / ms * 1000,
    bytesPerSecond: calls * (line.length + 1) / ms * 1000,
    p50: latency.percentile(50),
    p99: latency.percentile(99),
    lost: 0,
    busy: (cpu.user + cpu.system) / 1000 / ms,
  };
  console.log(JSON.stringify(result));
  process.exit(0);
}
