/**
 * How a program is started on each runtime for a measurement: its flags, and its processor.
 *
 * Used by everything of this folder that starts a process. The programs come from scripts/bench.mjs.
 */
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** A runtime under test. */
export type RuntimeName = "bun" | "deno" | "node";

/** One runtime's program. */
export interface Runtime {
  readonly program: string;
  readonly version: string;
}

/** The programs of all three. */
export type Runtimes = Readonly<Record<RuntimeName, Runtime>>;

/** The names, in the order of the table's columns. */
export const runtimeNames: readonly RuntimeName[] = ["bun", "deno", "node"];

/** Processors: servers have one to themselves, the load another. */
export const serverCore = 0;
export const loadCore = 1;

/** True where processes can be held on a processor each. */
export const canPin: boolean = availableParallelism() > 1 &&
  spawnSync("taskset", ["-c", String(loadCore), "true"]).status === 0;

/** Flags that let a server collect garbage when told; they change nothing else. */
const flags: Readonly<Record<RuntimeName, readonly string[]>> = {
  bun: [],
  deno: ["run", "-A", "--no-check", "--quiet", "--v8-flags=--expose-gc"],
  node: ["--expose-gc"],
};

/** The command line that runs a file on a runtime, on a processor where that is possible. */
export function commandLine(
  runtimes: Runtimes,
  name: RuntimeName,
  core: number,
  args: readonly string[],
): [program: string, args: string[]] {
  return pinned(runtimes[name].program, core, [...flags[name], ...args]);
}

/** The same for a program that needs no runtime. */
export function nativeLine(
  program: string,
  core: number,
  args: readonly string[] = [],
): [program: string, args: string[]] {
  return pinned(program, core, [...args]);
}

function pinned(program: string, core: number, args: string[]): [program: string, args: string[]] {
  return canPin ? ["taskset", ["-c", String(core), program, ...args]] : [program, args];
}
