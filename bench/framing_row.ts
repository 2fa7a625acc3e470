/**
 * Measures each framing alone beside packages that cut the same: bytes and frames per second of processor time, for frames
 * of several sizes, each contestant as a process of its own.
 */
import { spawnSync } from "node:child_process";
import type { Plan } from "./echo_rows.ts";
import { contestants } from "./framings/contestants.ts";
import { frameSizes } from "./framings/input.ts";
import type { CutOrder, CutResult } from "./framings/cut.ts";
import type { FramingRow } from "./rows.ts";
import { commandLine, type RuntimeName, serverCore } from "./runtimes.ts";

/** One size on one runtime. */
export interface FramingSize {
  readonly size: number;
  readonly ours: CutResult;
  readonly others: readonly { readonly name: string; readonly result: CutResult }[];
  /** Ours to the fastest of the others. */
  readonly ratio: number;
}

/** One row on one runtime. */
export interface FramingFigure {
  readonly kind: "framing";
  readonly row: string;
  readonly runtime: RuntimeName;
  readonly sizes: readonly FramingSize[];
}

/** Measures a row on one runtime. */
export function measureFraming(plan: Plan, row: FramingRow, runtime: RuntimeName): FramingFigure {
  const [first, ...rest] = Object.keys(contestants(row.task)).map((name) => ({
    name,
    results: cutOnce(plan, { ...order(plan, row), who: name }, runtime),
  }));
  const sizes = frameSizes.map((size, at) => {
    const ours = first!.results[at]!;
    const others = rest.map(({ name, results }) => ({ name, result: results[at]! }));
    const fastest = Math.max(...others.map(({ result }) => result.framesPerSecond));
    return { size, ours, others, ratio: ours.framesPerSecond / fastest };
  });
  plan.say(`${runtime} ${row.id}: ${sizes.map(({ ratio }) => ratio.toFixed(2)).join(", ")}`);
  return { kind: "framing", row: row.id, runtime, sizes };
}

/** So long suffices: what is compiled is a loop, and nothing but the processor takes part. */
function order(plan: Plan, { task }: FramingRow): Omit<CutOrder, "who"> {
  return { task, sizes: frameSizes, warmupMs: plan.durationMs / 6, durationMs: plan.durationMs / 10 };
}

function cutOnce(plan: Plan, order: CutOrder, runtime: RuntimeName): CutResult[] {
  const file = plan.program("cut");
  const [program, args] = commandLine(plan.runtimes, runtime, serverCore, [file, JSON.stringify(order)]);
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 60_000 });
  if (status !== 0) throw new Error(`${order.who} on ${runtime}: exit code ${status}\n${stderr}`);
  return JSON.parse(stdout) as CutResult[];
}
