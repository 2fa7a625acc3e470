/** Measures what `import` of the built package costs a program: its whole run over that of an empty script, medians. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { median } from "./echo_rows.ts";
import type { ImportRow } from "./rows.ts";
import { commandLine, type RuntimeName, type Runtimes, serverCore } from "./runtimes.ts";

/** The row on one runtime; milliseconds. */
export interface ImportFigure {
  readonly kind: "import";
  readonly row: string;
  readonly runtime: RuntimeName;
  /** The difference of the medians. */
  readonly ms: number;
  readonly withImportMs: number;
  readonly emptyMs: number;
}

/** Path of the built main entry point, as package.json names it. */
export function builtDoor(root: string): string {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports?: unknown };
  const path = targetOf((exports as Record<string, unknown> | undefined)?.["."] ?? exports);
  const file = path === undefined ? undefined : join(root, path);
  if (file !== undefined && existsSync(file)) return file;
  throw new Error(
    `measure the import: ${file ?? "the entry point of package.json"} is not there; run npm run build first`,
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
export function measureImport(
  runtimes: Runtimes,
  row: ImportRow,
  runtime: RuntimeName,
  entry: string,
  folder: string,
  runs: number,
): ImportFigure {
  const [empty, full] = [join(folder, "empty.mjs"), join(folder, "import.mjs")];
  writeFileSync(empty, "export {};\n");
  writeFileSync(full, `import ${JSON.stringify(pathToFileURL(entry).href)};\n`);
  const times: Record<string, number[]> = { [empty]: [], [full]: [] };
  // The first run of each fills caches and is not counted.
  for (let run = 0; run <= runs; run++) {
    for (const file of [empty, full]) {
      const ms = timeOf(commandLine(runtimes, runtime, serverCore, [file]));
      if (run > 0) times[file]!.push(ms);
    }
  }
  const [withImportMs, emptyMs] = [median(times[full]!), median(times[empty]!)];
  return { kind: "import", row: row.id, runtime, ms: withImportMs - emptyMs, withImportMs, emptyMs };
}

function timeOf([program, args]: readonly [string, string[]]): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 30_000 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: exit code ${status}\n${stderr}`);
  return performance.now() - started;
}
