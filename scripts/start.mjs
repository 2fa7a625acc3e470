/**
 * `npm start [-- CONFIG …]`: installs what is missing, then runs the gateway on Bun.
 *
 * package.json starts this with `exec`, so that npm's signals reach it and not a shell in between. One
 * SIGTERM or SIGINT drains the gateway, the next one ends it at once; its exit code becomes ours. The gateway is in
 * our group of processes, as it must be to read the terminal: it hears a Ctrl-C itself, and counts what we and npm
 * pass on of that one as the same.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join, relative, resolve } from "node:path";
import { install, root } from "./install.mjs";
import { findBun } from "./runtimes.mjs";

const program = "src/gateway/main.ts";
const exampleConfig = "examples/gateway.yaml";

/** The arguments of `millrace gateway`: a config named from the caller's own folder, or the example. */
function gatewayArguments(given) {
  const [first, ...rest] = given;
  if (first === undefined || first.startsWith("-")) return [exampleConfig, ...given];
  const fromCaller = resolve(process.env.INIT_CWD ?? root, first);
  return [existsSync(fromCaller) ? relative(root, fromCaller) : first, ...rest];
}

function start() {
  install();
  if (!existsSync(join(root, program))) {
    throw new Error(`${program} is not there: this copy of the sources is not complete`);
  }
  const bun = findBun();
  const gateway = spawn(bun.program, [program, "gateway", ...gatewayArguments(process.argv.slice(2))], {
    cwd: root,
    stdio: "inherit",
  });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => gateway.kill(signal));
  gateway.on("error", (error) => {
    console.error(`npm start: Bun could not be started: ${error.message}`);
    process.exitCode = 1;
  });
  gateway.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

try {
  start();
} catch (error) {
  console.error(`npm start: ${error.message}`);
  process.exitCode = 1;
}
