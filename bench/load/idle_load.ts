/**
 * The load of the memory row, as a program for Bun: opens connections, has one line echoed on each, keeps
 * them silent, and closes them when a line comes in on standard input.
 *
 * Each address of 127.0.0.0/8 has its own ports, so several source addresses are not needed below 20,000.
 */
import process from "node:process";
import { bunAdapter } from "../../src/adapters/bun/adapter.ts";
import type { Transport } from "../../src/core/transport.ts";

/** What this program is told. */
export interface IdleOrder {
  readonly port: number;
  readonly connections: number;
}

const { port, connections } = JSON.parse(process.argv[2]!) as IdleOrder;
const line = new TextEncoder().encode("x".repeat(63) + "\n");
const open: Transport[] = [];

async function openOne(): Promise<void> {
  const transport = await bunAdapter.connect({
    address: { transport: "tcp", host: "127.0.0.1", port },
    signal: undefined,
    tls: undefined,
    noDelay: true,
    keepAlive: "system",
  });
  open.push(transport);
  let missing = line.length;
  await new Promise<void>((resolve, reject) => {
    transport.start({
      data(chunk) {
        missing -= chunk.length;
        if (missing <= 0) resolve();
        return true;
      },
      drain() {},
      end() {},
      close: () => reject(new Error(`open ${connections} connections: number ${open.length} was closed`)),
    });
    transport.write(line);
  });
}

async function lane(): Promise<void> {
  while (started < connections) {
    started++;
    await openOne();
  }
}

let started = 0;
await Promise.all(Array.from({ length: 50 }, lane));
console.log(JSON.stringify({ open: open.length }));
process.stdin.on("data", () => {
  for (const transport of open) transport.abort();
  process.exit(0);
});
process.stdin.on("end", () => process.exit(0));
