/**
 * `npm run check`: installs what is missing, then everything but the suite: format, lint, types, the layers, the
 * package. All steps run, whatever fails, and the output of those that fail is shown.
 *
 * The last line is always `N passed, N failed`, counted in steps. `npm run check -- NAME …` runs only
 * the steps whose name contains NAME.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { install, root } from "./install.mjs";
import { findDeno } from "./runtimes.mjs";

/** No step takes a minute; one that takes ten hangs. */
const stepLimitMs = 10 * 60_000;
/** Of a failed step, so many lines from the beginning and as many from the end. */
const shownLines = 50;

const running = new Set();

/** Runs a program to its end; gives its exit code and all it printed. */
function run(program, args, { cwd = root } = {}) {
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      timeout: stepLimitMs,
      killSignal: "SIGKILL",
      shell: process.platform === "win32" && program === "npm",
    });
    running.add(child);
    let output = "";
    const keep = (chunk) => {
      output += chunk;
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.on("error", (error) => {
      running.delete(child);
      done({ code: 1, output: `${program} could not be started: ${error.message}` });
    });
    child.on("close", (code, signal) => {
      running.delete(child);
      done({ code: code ?? 1, output: signal ? `${output}\nended by ${signal}` : output });
    });
  });
}

/** Those that import nothing else: what does is loaded from JSR, which need not be reachable here. */
function examplesOfOurs() {
  return readdirSync(join(root, "examples")).filter((name) => name.endsWith(".ts"))
    .map((name) => `examples/${name}`)
    .filter((path) => !readFileSync(join(root, path), "utf8").includes('from "@std/'));
}

/** The steps, in the order in which they are shown. `after` names a step that must have passed. */
function stepsWith(deno, temporary) {
  const node = (...args) => () => run(process.execPath, args);
  const modules = (path) => join(root, "node_modules", path);
  const sources = [
    "mod.ts",
    "streams.ts",
    "protocols.ts",
    "client.ts",
    "adapter.ts",
    "effect.ts",
    "workers.ts",
    "src",
    "tests",
    "bench",
    ...examplesOfOurs(),
    "scripts/features",
  ].filter((
    path,
  ) => existsSync(join(root, path)));
  const tarball = () => join(temporary, readdirSync(temporary).find((name) => name.endsWith(".tgz")) ?? "");
  return [
    { name: "format (deno fmt --check)", run: () => run(deno, ["fmt", "--check"]) },
    { name: "lint (deno lint)", run: () => run(deno, ["lint"]) },
    { name: "types (tsc)", run: node(modules("typescript/lib/tsc.js"), "-p", ".", "--noEmit") },
    { name: "types (deno check)", run: () => run(deno, ["check", ...sources]) },
    {
      name: "slow types and JSR package (deno publish --dry-run)",
      // Types were checked one step before; this one is about what is public, and what would be sent.
      run: () => run(deno, ["publish", "--dry-run", "--allow-dirty"]),
    },
    { name: "documentation of what is public (deno doc --lint)", run: node("scripts/docs.mjs") },
    {
      name: "layers test",
      run: node("--import", "tsx", "--test", "--test-reporter=spec", "tests/layers_test.ts"),
    },
    { name: "docs/features.md is up to date", run: node("scripts/features.mjs", "--check") },
    { name: "package.json = jsr.json = deno.json", run: node("scripts/parity.mjs") },
    { name: "build", run: node("scripts/build.mjs") },
    {
      name: "pack",
      after: "build",
      // It was built one step before.
      run: () => run("npm", ["pack", "--ignore-scripts", "--pack-destination", temporary]),
    },
    {
      name: "package (publint)",
      after: "pack",
      run: () => run(process.execPath, [modules("publint/src/cli.js"), "run", "--strict", tarball()]),
    },
    {
      name: "declarations (attw)",
      after: "pack",
      run: () =>
        run(process.execPath, [
          modules("@arethetypeswrong/cli/dist/index.js"),
          ...["--profile", "esm-only", "--format", "ascii", tarball()],
        ]),
    },
  ];
}

/** What a failed step printed, without its progress; of very much, the beginning and the end. */
function shown(output) {
  const lines = output.trim().split("\n").filter((line) =>
    !/^Check \S+$|^\s+file:\/\/\S+ \([\d.]+\s?K?M?B\)$/.test(line)
  );
  if (lines.length > 2 * shownLines) {
    const left = lines.length - 2 * shownLines;
    lines.splice(shownLines, left, "", `… ${left} lines left out`, "");
  }
  return lines.map((line) => `    ${line}`.trimEnd()).join("\n");
}

async function runStep(step, outcomes) {
  const needed = outcomes.find((other) => other.step.name === step.after);
  const started = performance.now();
  const { code, output } = step.after !== undefined && !needed?.passed
    ? { code: 1, output: `not run: the step "${step.after}" did not pass` }
    : await step.run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? "ok     " : "FAILED "} ${step.name.padEnd(52)} ${seconds.padStart(5)} s`);
  if (code !== 0) console.log(shown(output));
  return { step, passed: code === 0 };
}

async function main(wanted) {
  install();
  const temporary = mkdtempSync(join(tmpdir(), "millrace-check-"));
  process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]]) {
    process.on(signal, () => {
      for (const child of running) child.kill("SIGKILL");
      process.exit(code);
    });
  }

  const all = stepsWith(findDeno().program, temporary);
  const chosen = all.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
  if (chosen.length === 0) {
    throw new Error(
      `no step is called ${wanted.join(" ")}; there is\n  ${all.map((s) => s.name).join("\n  ")}`,
    );
  }
  // A step that was asked for brings along those it needs.
  for (let at = 0; at < chosen.length; at++) {
    const needed = all.find(({ name }) => name === chosen[at].after);
    if (needed !== undefined && !chosen.includes(needed)) chosen.push(needed);
  }
  const steps = all.filter((step) => chosen.includes(step));
  const outcomes = [];
  const queue = steps.filter((step) => step.after === undefined && step.name !== "build");
  // The package's steps wait for each other; the others share what cores are left.
  const line = steps.filter((step) => !queue.includes(step));
  const inOrder = async (list) => {
    for (let step = list.shift(); step !== undefined; step = list.shift()) {
      outcomes.push(await runStep(step, outcomes));
    }
  };
  const lanes = Math.max(1, Math.min(2, availableParallelism()));
  if (lanes === 1) await inOrder([...queue, ...line]);
  else await Promise.all([inOrder(line).then(() => inOrder(queue)), inOrder(queue)]);

  const failed = outcomes.filter(({ passed }) => !passed);
  if (failed.length > 0) console.log(`\nFailed: ${failed.map(({ step }) => step.name).join("; ")}`);
  console.log(`\n${outcomes.length - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
}, (error) => {
  console.error(`npm run check: ${error.message}`);
  console.log("\n0 passed, 1 failed");
  process.exitCode = 1;
});
