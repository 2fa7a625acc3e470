/** Borrows a connection from a pool and gives it back, again and again, and says how long that takes. Run by `borrow_row.ts`. */
import process from "node:process";
import { lines, serve } from "../../mod.ts";
import { pool } from "../../client.ts";

/** What to do. */
export interface BorrowOrder {
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** What it took. */
export interface BorrowResult {
  /** Processor time of one borrow and release, in microseconds. */
  readonly microseconds: number;
}

const { warmupMs, durationMs } = JSON.parse(process.argv[2]!) as BorrowOrder;
const framing = lines();
const server = await serve({ port: 0, framing, onFrame: () => {} });
const servers = await pool({ targets: [server.address], framing });
const run = async (ms: number): Promise<number> => {
  const { user, system } = process.cpuUsage();
  // Of processor time: it does not depend on what else the machine does.
  const worked = (): number => {
    const used = process.cpuUsage();
    return (used.user - user + used.system - system) / 1000;
  };
  let times = 0;
  for (; worked() < ms; times += 1_000) {
    for (let count = 0; count < 1_000; count++) (await servers.borrow()).release();
  }
  return worked() * 1000 / times;
};
await run(warmupMs);
const result: BorrowResult = { microseconds: await run(durationMs) };
console.log(JSON.stringify(result));
process.exit(0);
