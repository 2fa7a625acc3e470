/**
 * `npm run mutate`: breaks the code in one place at a time, as scripts/mutants/ says, and runs the tests that should
 * notice it.
 *
 * Works on a copy of the tree. First each of those test files has to pass there unchanged, since otherwise it would
 * notice everything. A mutant is killed when a test fails or does not end in time, and lives when all pass. One whose
 * text is not found exactly once is an error: the table is behind the code, which a test says too. Not part of `npm run check`.
 *
 * The last line is always `N killed, N lived`; the exit code is 1 if any lives or any is in error.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { install, root } from "./install.mjs";
import { allMutants, placeOf } from "./mutant_tables.mjs";
import { findBun, findDeno, findNode } from "./runtimes.mjs";

const usage = `Usage: npm run mutate -- [--runtime bun|node|deno] [--limit SECONDS] [--list] [PATTERN…]

  PATTERN    only mutants whose table, file or reason contains it
  --runtime  which runs the tests (default bun, which starts fastest)
  --limit    seconds that a test file may take (default 60); one that takes longer has noticed
  --list     print the mutants and whether their text is found, and run nothing`;

const runtimes = {
  bun: { find: findBun, args: (file, limitMs) => ["test", "--bail", `--timeout=${limitMs}`, `./${file}`] },
  node: { find: findNode, args: (file) => ["--import", "tsx", "--test-force-exit", "--test", file] },
  deno: { find: findDeno, args: (file) => ["test", "-A", "--no-check", "--quiet", "--fail-fast", file] },
};

/** What of the tree the tests need; packages are linked. */
const copied = ["src", "tests", "scripts", "docs", "examples", "bench", "mod.ts", "effect.ts", "workers.ts"];
const linked = ["node_modules", "tools", "dist"];

/** Those of which the table, the file or the reason contains a pattern. */
async function chosen(patterns) {
  const all = await allMutants();
  if (patterns.length === 0) return all;
  return all.filter(({ table, file, why }) =>
    patterns.some((pattern) => [table, file, why].some((text) => text.includes(pattern)))
  );
}

function copyTree() {
  const folder = mkdtempSync(join(tmpdir(), "millrace-mutants-"));
  const there = readdirSync(root);
  const files = there.filter((name) => /\.(?:json|md|ts)$/.test(name));
  for (const name of new Set([...copied, ...files])) {
    if (there.includes(name)) cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  for (const name of linked) if (there.includes(name)) symlinkSync(join(root, name), join(folder, name));
  return folder;
}

/** Runs one test file: "passed", "failed" or "no end", and what was printed last. Its whole group dies with the limit. */
function run({ program, args }, cwd, file, limitMs) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args(file, limitMs), {
      cwd,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    });
    let output = "";
    const keep = (chunk) => output = (output + chunk).slice(-4_000);
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    let late = false;
    const end = () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has just exited by itself.
      }
    };
    const timer = setTimeout(() => {
      late = true;
      end();
    }, limitMs);
    child.on("error", reject);
    child.on("exit", (code) => {
      clearTimeout(timer);
      end();
      resolve({ how: late ? "no end" : code === 0 ? "passed" : "failed", output });
    });
  });
}

/** Whether any of its tests notices the mutant. */
async function judge(mutant, runner, folder, limitMs) {
  const { wrong, source, changed } = placeOf(mutant);
  if (wrong !== undefined) return { verdict: "error", by: wrong };
  const path = join(folder, mutant.file);
  writeFileSync(path, changed);
  try {
    for (const test of mutant.tests) {
      const { how } = await run(runner(mutant), folder, test, limitMs);
      if (how !== "passed") return { verdict: "killed", by: how === "failed" ? test : `${test} (no end)` };
    }
    return { verdict: "lived", by: mutant.tests.join(", ") };
  } finally {
    writeFileSync(path, source);
  }
}

async function main({ values, positionals }) {
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (!Object.hasOwn(runtimes, values.runtime)) {
    throw new Error(`--runtime must be one of ${Object.keys(runtimes).join(", ")}`);
  }
  const limitMs = Number(values.limit) * 1_000;
  if (!(limitMs > 0)) throw new Error(`--limit must be a number above 0, not "${values.limit}"`);
  install();
  const mutants = await chosen(positionals);
  if (values.list) {
    for (const mutant of mutants) {
      const { wrong } = placeOf(mutant);
      console.log(
        `${wrong === undefined ? "found" : "ERROR"}  ${mutant.table}  ${mutant.file}: ${mutant.why}`,
      );
      if (wrong !== undefined) console.log(`       ${wrong}`);
    }
    return mutants.some((mutant) => placeOf(mutant).wrong !== undefined) ? 1 : 0;
  }
  const started = new Map();
  const runner = ({ runtime = values.runtime }) => {
    const { find, args } = runtimes[runtime];
    if (!started.has(runtime)) started.set(runtime, { program: find().program, args });
    return started.get(runtime);
  };
  const folder = copyTree();
  const tidyUp = () => rmSync(folder, { recursive: true, force: true });
  process.once("SIGINT", () => {
    tidyUp();
    process.exit(130);
  });
  try {
    const seen = new Set();
    for (const mutant of mutants.filter((one) => placeOf(one).wrong === undefined)) {
      for (const test of mutant.tests) {
        const key = `${mutant.runtime ?? values.runtime} ${test}`;
        if (seen.has(key)) continue;
        seen.add(key);
        let { how, output } = await run(runner(mutant), folder, test, limitMs);
        // The first time in a new folder a runtime compiles everything, which a test with a deadline may feel.
        if (how !== "passed") ({ how, output } = await run(runner(mutant), folder, test, limitMs));
        if (how !== "passed") throw new Error(`${key}: ${how} on the code as it is\n${output}`);
      }
    }
    const counts = { killed: 0, lived: 0, error: 0 };
    const rest = [];
    for (const [at, mutant] of mutants.entries()) {
      const { verdict, by } = await judge(mutant, runner, folder, limitMs);
      counts[verdict]++;
      const line = `${verdict.padEnd(6)}  ${mutant.table.padEnd(8)}  ${mutant.file}: ${mutant.why}`;
      console.log(`${String(at + 1).padStart(3)}/${mutants.length}  ${line}`);
      if (verdict !== "killed") rest.push(`${line}\n        ${by}`);
    }
    if (rest.length > 0) console.log(`\nNot killed:\n${rest.join("\n")}`);
    if (counts.error > 0) console.log(`\n${counts.error} in error: the table is behind the code`);
    console.log(`\n${counts.killed} killed, ${counts.lived} lived`);
    return counts.lived + counts.error > 0 ? 1 : 0;
  } finally {
    tidyUp();
  }
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        "runtime": { type: "string", default: "bun" },
        "limit": { type: "string", default: "60" },
        "list": { type: "boolean", default: false },
        "help": { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new Error(`${error.message}\n\n${usage}`);
  }
}

Promise.resolve().then(readArguments).then(main).then((code) => {
  process.exitCode = code;
}, (error) => {
  console.error(`npm run mutate: ${error.message}`);
  process.exitCode = 1;
});
