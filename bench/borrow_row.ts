/** Measures what a pool takes to lend an idle connection and to take it back, without a byte sent. */
import { spawnSync } from "node:child_process";
import { median, type Plan } from "./echo_rows.ts";
import type { BorrowOrder, BorrowResult } from "./load/borrow_load.ts";
import type { BorrowRow } from "./rows.ts";
import { commandLine, type RuntimeName, serverCore } from "./runtimes.ts";

/** The row on one runtime; the median of all rounds. */
export interface BorrowFigure {
  readonly kind: "borrow";
  readonly row: string;
  readonly runtime: RuntimeName;
  readonly microseconds: number;
}

/** Measures the row on one runtime. */
export function measureBorrow(plan: Plan, row: BorrowRow, runtime: RuntimeName): BorrowFigure {
  const order: BorrowOrder = { warmupMs: plan.warmupMs, durationMs: plan.durationMs };
  const all = Array.from({ length: plan.rounds }, () => {
    const args = [plan.program("borrow_load"), JSON.stringify(order)];
    const [program, rest] = commandLine(plan.runtimes, runtime, serverCore, args);
    const { status, stdout, stderr } = spawnSync(program, rest, { encoding: "utf8", timeout: 60_000 });
    if (status !== 0) throw new Error(`borrow on ${runtime}: exit code ${status}\n${stderr}`);
    return (JSON.parse(stdout) as BorrowResult).microseconds;
  });
  const microseconds = median(all);
  plan.say(`${runtime} ${row.id}: ${microseconds.toFixed(2)} µs`);
  return { kind: "borrow", row: row.id, runtime, microseconds };
}
