/**
 * `npm run bench`: installs what is missing, then runs bench/run.ts on Bun with the programs of all runtimes.
 *
 * What follows `--` goes to bench/run.ts; `npm run bench -- --help` lists it.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { install, root } from "./install.mjs";
import { findBun, findDeno, findNode } from "./runtimes.mjs";

install();
const programs = { bun: findBun(), deno: findDeno(), node: findNode() };
const run = spawn(
  programs.bun.program,
  [join(root, "bench/run.ts"), "--programs", JSON.stringify(programs), ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit" },
);
// The terminal's Ctrl-C reaches the child too: it ends its servers and says so, and then we go.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => run.kill("SIGTERM"));
run.on("error", (error) => {
  console.error(`start the benchmark: ${error.message}; run npm ci and try again`);
  process.exitCode = 1;
});
run.on("exit", (code) => process.exitCode = code ?? 1);
