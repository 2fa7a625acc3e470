/**
 * Says what is public and not documented, or names a type that is not public. A step of `npm run check`.
 *
 * `deno doc --lint` takes types of npm packages for private ones of ours, since it finds them in node_modules; those
 * are left out here.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./install.mjs";
import { findDeno } from "./runtimes.mjs";

const { exports } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
/** The program is no library: nobody imports a name from it. */
const entryPoints = Object.entries(exports).filter(([entryPoint]) => entryPoint !== "./cli").map(([, file]) =>
  file
);

/** Types of Effect that our signatures name. */
const foreign = new Set([
  "Channel",
  "Effect",
  "Key",
  "Layer",
  "NonEmptyReadonlyArray",
  "Schedule",
  "Scope",
  "Service",
  "Sink",
  "Socket",
  "SocketServer",
  "SocketServerError",
  "Stream",
]);

const { stdout, stderr, error } = spawnSync(findDeno().program, ["doc", "--lint", ...entryPoints], {
  cwd: root,
  encoding: "utf8",
  env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
});
if (error) throw error;
// deno-lint-ignore no-control-regex
const output = `${stdout}${stderr}`.replaceAll(/\x1b\[[0-9;]*m/g, "");
const found = output.split(/^(?=error\[)/m).filter((part) => part.startsWith("error["));
const faults = found.filter((part) => !foreign.has(/references private type '([^']+)'/.exec(part)?.[1]));
const checked = /^Checked \d+ file|Found \d+ documentation lint error/m.test(output);
for (const fault of faults) console.error(fault.split("\n").slice(0, 2).join("\n"));
if (!checked) console.error(output);
console.log(`${entryPoints.join(", ")}: ${faults.length} faults of documentation`);
process.exitCode = faults.length > 0 || !checked ? 1 : 0;
