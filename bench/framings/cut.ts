/** One who cuts frames, at several sizes one after the other: what `framing_row.ts` starts, a process each. */
import process from "node:process";
import { contestants, type Task } from "./contestants.ts";
import { inputOf } from "./input.ts";

/** What is to be measured. */
export interface CutOrder {
  readonly task: Task;
  readonly who: string;
  readonly sizes: readonly number[];
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** One size; of processor time. */
export interface CutResult {
  readonly size: number;
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
}

const order = JSON.parse(process.argv[2]!) as CutOrder;
const cut = contestants(order.task)[order.who]!;
const results: CutResult[] = [];
for (const size of order.sizes) {
  const { chunks, frames } = inputOf(order.task.wire, size);
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  /** Cuts all again and again; how often in a second. */
  const run = async (ms: number): Promise<number> => {
    const { user, system } = process.cpuUsage();
    // Of processor time: what is compiled by then depends on it, and not on what else the machine does.
    const worked = (): number => {
      const used = process.cpuUsage();
      return (used.user - user + used.system - system) / 1000;
    };
    let times = 0;
    for (; times < 2 || worked() < ms; times++) {
      const found = await cut(chunks, size);
      // Some give what is left at the end, also where that is nothing.
      if (found !== frames && found !== frames + 1) {
        throw new Error(`${order.who} found ${found} frames of ${size} bytes, not ${frames}`);
      }
    }
    return times / (worked() / 1000);
  };
  await run(order.warmupMs);
  const perSecond = await run(order.durationMs);
  results.push({ size, framesPerSecond: frames * perSecond, bytesPerSecond: bytes * perSecond });
}
console.log(JSON.stringify(results));
process.exit(0);
