/** The table of README.md, from the figures of a run: ratios to lines by hand and to raw sockets side by side. */
import type { EchoFigure } from "./echo_rows.ts";
import type { EchoRow, Row } from "./rows.ts";
import { markdown, titles } from "./markdown.ts";
import type { RuntimeName } from "./runtimes.ts";
import { type Figure, judge } from "./table.ts";

/** What a run wrote into its file. */
export interface Results {
  readonly at: string;
  readonly machine: { readonly processor: string | undefined; readonly processors: number };
  readonly versions: Readonly<Partial<Record<RuntimeName, string>>>;
  readonly figures: readonly Figure[];
}

/** All rows that were measured in any of these runs; of a row that was measured twice, the later figure. */
export function readmeTable(rows: readonly Row[], runs: readonly Results[]): string {
  const runtimes = (["bun", "deno", "node"] as const).filter((name) =>
    runs.some(({ versions }) => versions[name] !== undefined)
  );
  const figures = runs.flatMap((run) => run.figures);
  const lines = rows.flatMap((row) => {
    const cells = runtimes.map((runtime) =>
      figures.findLast((figure) => figure.row === row.id && figure.runtime === runtime)
    );
    if (cells.every((figure) => figure === undefined)) return [];
    return [[row.title, ...cells.map((figure) => figure === undefined ? "–" : cell(row, figure))]];
  });
  const { at, machine, versions } = runs.at(-1)!;
  const on = runtimes.map((name) => `${titles[name]} ${versions[name] ?? ""}`.trim()).join(", ");
  const head = ["ratio to lines by hand / to raw sockets", ...runtimes.map((name) => titles[name])];
  return `${markdown([head, ...lines])}\n\n${
    at.slice(0, 10)
  }, ${machine.processors} × ${machine.processor}, ${on}`;
}

function cell(row: Row, figure: Figure): string {
  if (row.kind !== "echo" || figure.kind !== "echo") return judge(row, figure).shown;
  const ratios = ratiosOf(row, figure);
  const [hand, raw] = [/^by_hand/, /^raw/].map((name) => ratios.find(([program]) => name.test(program))?.[1]);
  if (hand === undefined && raw === undefined) return judge(row, figure).shown;
  return `${hand ?? "–"} / ${raw ?? "–"}`;
}

function ratiosOf(row: EchoRow, { against, beside }: EchoFigure): readonly (readonly [string, string])[] {
  // The second one of a row that does not show it explains the first.
  const all = beside !== undefined && row.beside?.shownAs !== undefined ? [against, beside] : [against];
  return all.map(({ program, ratio, ratioPerCpu }) => [
    program,
    (row.perProcessor ? ratioPerCpu : ratio).toFixed(2),
  ]);
}
