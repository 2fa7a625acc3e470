/**
 * The load of the row with slow peers, as a program for Bun: honest connections that send a line, wait for its echo and
 * rest a moment, beside peers that hold half a line each, send a byte of it once a second, and come back when they are
 * closed. Prints how long the honest ones waited.
 */
import process from "node:process";
import { bunAdapter } from "../../src/adapters/bun/adapter.ts";
import type { Transport } from "../../src/core/transport.ts";
import { Histogram } from "../../src/gateway/load/histogram.ts";

/** What this program is told. */
export interface SlowOrder {
  readonly port: number;
  readonly honest: number;
  readonly slow: number;
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** What it prints. */
export interface SlowResult {
  readonly p50: number;
  readonly p99: number;
  readonly answers: number;
  /** Slow peers that the server closed while it was measured. */
  readonly closed: number;
}

const { port, honest, slow, warmupMs, durationMs } = JSON.parse(process.argv[2]!) as SlowOrder;
const line = new TextEncoder().encode("x".repeat(63) + "\n");
const half = line.subarray(0, 32);
const restMs = 1;
/** Each slow peer sends a byte once a second: in each of so many parts of it, as many of them. */
const partsOfASecond = 50;

let latency = new Histogram();
let answers = 0;
let closed = 0;
let over = false;

function dial(): Promise<Transport> {
  return bunAdapter.connect({
    address: { transport: "tcp", host: "127.0.0.1", port },
    signal: undefined,
    tls: undefined,
    noDelay: true,
    keepAlive: "system",
  });
}

async function talk(): Promise<void> {
  const transport = await dial();
  let missing = 0;
  let since = 0;
  const ask = () => {
    missing = line.length;
    since = performance.now();
    transport.write(line);
  };
  transport.start({
    data(chunk) {
      missing -= chunk.length;
      if (missing > 0) return true;
      latency.record(performance.now() - since);
      answers++;
      setTimeout(ask, restMs);
      return true;
    },
    drain() {},
    end() {},
    close: () => over || fail("the server closed an honest connection"),
  });
  ask();
}

const held = new Set<Transport>();

/** Comes back for as long as the load runs. */
async function hold(): Promise<void> {
  const transport = await dial();
  held.add(transport);
  transport.start({
    data: () => true,
    drain() {},
    end: () => transport.end(),
    close() {
      held.delete(transport);
      closed++;
      if (!over) void hold();
    },
  });
  transport.write(half);
}

function fail(what: string): never {
  console.error(what);
  process.exit(1);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

for (let each = 0; each < slow; each++) await hold();
for (let each = 0; each < honest; each++) await talk();
const one = line.subarray(0, 1);
let turn = 0;
setInterval(() => {
  const mine = turn++ % partsOfASecond;
  let each = 0;
  for (const transport of held) if (each++ % partsOfASecond === mine) transport.write(one);
}, 1_000 / partsOfASecond);
await sleep(warmupMs);
latency = new Histogram();
answers = closed = 0;
await sleep(durationMs);
over = true;
const result: SlowResult = {
  p50: latency.percentile(50),
  p99: latency.percentile(99),
  answers,
  closed,
};
console.log(JSON.stringify(result));
process.exit(0);
