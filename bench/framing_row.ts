/**
 * Measures each framing alone beside packages that cut the same: bytes and frames per second of processor time, for frames
 * of several sizes, each contestant as a process of its own.
 */
import { spawnSync } from "node:child_process";
import { median, type Plan } from "./echo_rows.ts";
import { contestants } from "./framings/contestants.ts";
import type { CutOrder, CutResult } from "./framings/cut.ts";
import type { FramingRow } from "./rows.ts";
import { commandLine, type RuntimeName, serverCore } from "./runtimes.ts";

/** Bytes of content of a frame. */
export const frameSizes: readonly number[] = [16, 256, 4096, 65_536];

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

const mostRounds = 2;

/** Measures a row on one runtime. */
export function measureFraming(plan: Plan, row: FramingRow, runtime: RuntimeName): FramingFigure {
  const names = Object.keys(contestants(row.task));
  const rounds = new Map<string, CutResult[][]>(names.map((name) => [name, []]));
  for (let round = 0; round < Math.min(mostRounds, plan.rounds); round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      rounds.get(name)!.push(cutOnce(plan, { ...order(plan, row), who: name }, runtime));
    }
    plan.say(`${runtime} ${row.id} round ${round + 1}: ${names.join(", ")}`);
  }
  const sizes = frameSizes.map((size, at) => {
    const [ours, ...others] = names.map((name) => ({
      name,
      result: medianOf(rounds.get(name)!.map((results) => results[at]!)),
    }));
    const fastest = Math.max(...others.map(({ result }) => result.framesPerSecond));
    return { size, ours: ours!.result, others, ratio: ours!.result.framesPerSecond / fastest };
  });
  return { kind: "framing", row: row.id, runtime, sizes };
}

/** So long suffices: what is compiled is a loop, and nothing but the processor takes part. */
function order(plan: Plan, { task }: FramingRow): Omit<CutOrder, "who"> {
  return { task, sizes: frameSizes, warmupMs: plan.durationMs / 6, durationMs: plan.durationMs / 12 };
}

function cutOnce(plan: Plan, order: CutOrder, runtime: RuntimeName): CutResult[] {
  const file = plan.program("cut");
  const [program, args] = commandLine(plan.runtimes, runtime, serverCore, [file, JSON.stringify(order)]);
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 60_000 });
  if (status !== 0) throw new Error(`${order.who} on ${runtime}: exit code ${status}\n${stderr}`);
  return JSON.parse(stdout) as CutResult[];
}

function medianOf(results: readonly CutResult[]): CutResult {
  return {
    size: results[0]!.size,
    framesPerSecond: median(results.map((result) => result.framesPerSecond)),
    bytesPerSecond: median(results.map((result) => result.bytesPerSecond)),
  };
}
