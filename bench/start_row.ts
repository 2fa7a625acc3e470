/** Measures what the built package costs a program that starts: its whole run over that of an empty script, medians. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { median } from "./echo_rows.ts";
import type { StartRow } from "./rows.ts";
import { commandLine, type RuntimeName, type Runtimes, serverCore } from "./runtimes.ts";

/** The row on one runtime; milliseconds. */
export interface StartFigure {
  readonly kind: "start";
  readonly row: string;
  readonly runtime: RuntimeName;
  /** The difference of the medians. */
  readonly ms: number;
  readonly withPackageMs: number;
  readonly emptyMs: number;
}

/** What the program does before it ends. */
const scripts = {
  imported: (entry: string) => `import ${entry};`,
  listening: (entry: string) =>
    `import { lines, serve } from ${entry};\nawait serve({ port: 0, framing: lines(), onFrame() {} });`,
} as const;

/** Builds the package, so that what is measured is what stands in the sources, and gives the path of its main entry point. */
export function builtEntry(root: string, { node }: Runtimes): string {
  const { status, stderr } = spawnSync(node.program, [join(root, "scripts/build.mjs")], { encoding: "utf8" });
  if (status !== 0) throw new Error(`build the package: exit code ${status}\n${stderr}`);
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports?: unknown };
  const path = targetOf((exports as Record<string, unknown> | undefined)?.["."] ?? exports);
  if (path !== undefined && existsSync(join(root, path))) return join(root, path);
  throw new Error(
    `measure the start: ${path ?? "no file"} is the main entry point of package.json, and is not there`,
  );
}

/** The file that a condition of package.json's `exports` leads to. */
function targetOf(entry: unknown): string | undefined {
  if (typeof entry === "string") return entry;
  if (typeof entry !== "object" || entry === null) return undefined;
  const conditions = entry as Record<string, unknown>;
  return targetOf(conditions["import"] ?? conditions["default"]);
}

/** Measures the row on one runtime; the scripts are written into `folder`. */
export function measureStart(
  runtimes: Runtimes,
  row: StartRow,
  runtime: RuntimeName,
  entry: string,
  folder: string,
  runs: number,
): StartFigure {
  const [empty, full] = [join(folder, "empty.mjs"), join(folder, `${row.until}.mjs`)];
  // Both end in the same way, which takes its time too.
  const ends = 'import process from "node:process";\n';
  writeFileSync(empty, `${ends}process.exit(0);\n`);
  writeFileSync(
    full,
    `${ends}${scripts[row.until](JSON.stringify(pathToFileURL(entry).href))}\nprocess.exit(0);\n`,
  );
  const times: Record<string, number[]> = { [empty]: [], [full]: [] };
  // The first run of each fills caches and is not counted.
  for (let run = 0; run <= runs; run++) {
    for (const file of [empty, full]) {
      const ms = timeOf(commandLine(runtimes, runtime, serverCore, [file]));
      if (run > 0) times[file]!.push(ms);
    }
  }
  const [withPackageMs, emptyMs] = [median(times[full]!), median(times[empty]!)];
  return { kind: "start", row: row.id, runtime, ms: withPackageMs - emptyMs, withPackageMs, emptyMs };
}

function timeOf([program, args]: readonly [string, string[]]): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 30_000 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: exit code ${status}\n${stderr}`);
  return performance.now() - started;
}
