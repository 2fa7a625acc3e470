/** Measures what honest peers notice of peers that hold frames half sent: their latency with and without them. */
import { Child } from "./child.ts";
import { median, type Plan, startServer } from "./echo_rows.ts";
import type { SlowOrder, SlowResult } from "./load/slow_load.ts";
import type { SlowRow } from "./rows.ts";
import { commandLine, loadCore, type RuntimeName } from "./runtimes.ts";

/** The row on one runtime; medians of all rounds, in milliseconds. */
export interface SlowFigure {
  readonly kind: "slow";
  readonly row: string;
  readonly runtime: RuntimeName;
  readonly slow: number;
  readonly alone: { readonly p50: number; readonly p99: number };
  readonly beside: { readonly p50: number; readonly p99: number };
  /** Slow peers that were closed each second. */
  readonly closedPerSecond: number;
  readonly samples: { readonly alone: readonly SlowResult[]; readonly beside: readonly SlowResult[] };
}

/** So that each slow peer is closed once or more while it is measured. */
const leastMs = 4_000;

/** Measures the row on one runtime. */
export async function measureSlow(plan: Plan, row: SlowRow, runtime: RuntimeName): Promise<SlowFigure> {
  const alone: SlowResult[] = [];
  const beside: SlowResult[] = [];
  const durationMs = Math.max(leastMs, plan.durationMs);
  for (let round = 0; round < plan.rounds; round++) {
    alone.push(await runOnce(plan, row, runtime, durationMs, 0));
    beside.push(await runOnce(plan, row, runtime, durationMs, row.slow));
    const [a, b] = [alone.at(-1)!, beside.at(-1)!];
    plan.say(
      `${runtime} ${row.id} round ${round + 1}: p50 ${a.p50.toFixed(2)} ms alone, ${
        b.p50.toFixed(2)
      } beside ` +
        `${row.slow} slow peers, of which ${b.closed} were closed`,
    );
  }
  const of = (results: readonly SlowResult[]) => ({
    p50: median(results.map(({ p50 }) => p50)),
    p99: median(results.map(({ p99 }) => p99)),
  });
  return {
    kind: "slow",
    row: row.id,
    runtime,
    slow: row.slow,
    alone: of(alone),
    beside: of(beside),
    closedPerSecond: median(beside.map(({ closed }) => closed / durationMs * 1000)),
    samples: { alone, beside },
  };
}

async function runOnce(
  plan: Plan,
  { program, honest }: SlowRow,
  runtime: RuntimeName,
  durationMs: number,
  slow: number,
): Promise<SlowResult> {
  const { server, port } = await startServer(plan, program, runtime);
  try {
    const order: SlowOrder = { port, honest, slow, warmupMs: 1_500, durationMs };
    const args = [plan.program("slow_load"), JSON.stringify(order)];
    const load = new Child(commandLine(plan.runtimes, "bun", loadCore, args));
    const result = await load.next<SlowResult>(durationMs + 60_000);
    await load.end();
    if (slow > 0 && result.closed === 0) {
      throw new Error("measure slow peers: the server closed none of them");
    }
    return result;
  } finally {
    await server.end();
  }
}
