/**
 * `npm test`: installs what is missing, then runs every tests/**\/*_test.ts on Bun, Deno and two versions of Node.
 *
 * Each file runs in a process of its own, so a crash, a hang or a leak is that file's failure and nobody
 * else's. A file that reports no case, exits with an error without a failed case, or does not exit, fails.
 * A file whose head says `@once: REASON` runs on Node only.
 *
 * The last line is always `N passed, N failed`, and `, N skipped` where some were.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, relative, resolve, sep } from "node:path";
import { parseArgs } from "node:util";
import { install, root } from "./install.mjs";
import { readReport } from "./junit.mjs";
import { findBun, findDeno, findNode, findNode24 } from "./runtimes.mjs";

const usage =
  `Usage: npm test -- [--only RUNTIME]… [--verbose] [--jobs N] [--file-limit SECONDS] [--folder FOLDER] [PATH…]

  PATH          run only test files whose path starts with, or contains, PATH
  --only        bun, deno, node (the one that runs npm) or node24; may be given several times
  --verbose     name every skipped test with its reason, and every file as it ends
  --jobs        test files at a time (default: the number of cores, 4 at most)
  --file-limit  seconds after which a file that has not exited fails (default 180)
  --folder      look for test files here (default tests)`;

/** The report for us, and the readable one that is shown where the process ends without a report. */
const nodeReporters = (report) => [
  ...["--test-reporter=junit", `--test-reporter-destination=${report}`],
  ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
];

const runtimes = {
  bun: {
    find: findBun,
    label: "Bun",
    runner: "bun",
    args: (file, report, limitMs) => [
      ...["test", "--reporter=junit", `--reporter-outfile=${report}`],
      // Bun alone gives a test five seconds unless it says otherwise.
      ...[`--timeout=${limitMs}`, `./${file}`],
    ],
  },
  deno: {
    find: findDeno,
    label: "Deno",
    runner: "deno",
    args: (file, report) => [
      ...["test", "-A", "--no-check", "--quiet", "--preload=scripts/deno_strays.mjs"],
      ...[`--junit-path=${report}`, file],
    ],
  },
  node: {
    find: findNode,
    label: "Node",
    runner: "node",
    args: (file, report) => ["--import", "tsx", ...nodeReporters(report), file],
  },
  node24: {
    find: findNode24,
    label: "Node",
    runner: "node",
    // This one strips types by itself.
    args: (file, report) => ["--import", "./scripts/own_name.mjs", ...nodeReporters(report), file],
  },
};

/** The runtimes that run the files marked `@once`, the first of them that is asked for: one is certain to be there. */
const onceOn = ["node", "node24"];
/** All files of one runtime together may take this long. */
const runtimeLimitMs = 20 * 60_000;

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        "only": { type: "string", multiple: true, default: [] },
        "verbose": { type: "boolean", short: "v", default: false },
        "jobs": { type: "string" },
        "file-limit": { type: "string", default: "180" },
        "folder": { type: "string", default: "tests" },
        "help": { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new Error(`${error.message}\n\n${usage}`);
  }
}

function positiveNumber(text, name) {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} must be a number above 0, not "${text}"`);
  return value;
}

function testFiles(folder, filters) {
  const all = readdirSync(resolve(root, folder), { recursive: true })
    .map((name) => relative(root, resolve(root, folder, String(name))).split(sep).join("/"))
    .filter((name) => name.endsWith("_test.ts"))
    .sort();
  if (filters.length === 0) return all;
  const wanted = filters.map((filter) => {
    const path = relative(root, resolve(process.env.INIT_CWD ?? root, filter)).split(sep).join("/");
    return existsSync(join(root, path)) ? path : filter;
  });
  return all.filter((name) => wanted.some((filter) => name.startsWith(filter) || name.includes(filter)));
}

const onceReason = (file) =>
  /^\s*(?:\/\/|\/?\*+)\s*@once:\s*(.+?)\s*(?:\*\/)?$/m
    .exec(readFileSync(join(root, file), "utf8").slice(0, 2_000))?.[1];

const running = new Set();
function killAll() {
  for (const child of running) {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has just exited by itself.
    }
  }
}

/** Runs one file; resolves with its exit and the end of its output. Its whole process group dies with the limit. */
function run(program, args, limitMs, strays) {
  return new Promise((done) => {
    // A group of its own: programs that a test starts and leaves behind can be ended with it.
    const child = spawn(program, args, {
      cwd: root,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        NO_COLOR: "1",
        DENO_NO_UPDATE_CHECK: "1",
        MILLRACE_TEST_STRAYS: strays,
        // Node 24 strips and compiles each source once for all files, and not once for each.
        NODE_COMPILE_CACHE: join(dirname(strays), "compiled"),
      },
    });
    running.add(child);
    let output = "";
    let timedOut = false;
    const keep = (chunk) => {
      output = (output + chunk).slice(-20_000);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    const kill = () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        child.kill("SIGKILL");
      }
    };
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, limitMs);
    const finish = (exit) => {
      clearTimeout(timer);
      running.delete(child);
      done({ ...exit, timedOut, output });
    };
    child.on("error", (error) => finish({ error }));
    child.on("exit", () => {
      // What it left behind would hold the pipes open, and a core.
      if (child.pid !== undefined) kill();
    });
    child.on("close", (code, signal) => finish({ code, signal }));
  });
}

const textOf = (path) => existsSync(path) ? readFileSync(path, "utf8") : undefined;
const head = (text) => text.trim().split("\n").slice(0, 25).join("\n");
const tail = (text) => text.trim().split("\n").slice(-25).join("\n");

/** Cases of one file on one runtime, with a failed case added for whatever the report itself cannot say. */
function judge(exit, xml, strays, runner) {
  const cases = xml === undefined ? [] : readReport(xml, runner);
  const fault = (what) => cases.push({ name: what, outcome: "failed", message: tail(exit.output) });
  if (exit.error !== undefined) fault(`could not be started: ${exit.error.message}`);
  else if (exit.timedOut) {
    fault("did not exit in time: a test hangs, or something was left open (server, socket, timer)");
  } else if (exit.signal) fault(`was ended by ${exit.signal}`);
  else if (exit.code !== 0 && !cases.some((entry) => entry.outcome === "failed")) {
    fault(`exited with code ${exit.code} outside of a test`);
  } else if (cases.length === 0) fault("reported no test at all");
  if (strays !== undefined && !cases.some((entry) => entry.outcome === "failed")) {
    cases.push({ name: "something failed outside of a test", outcome: "failed", message: strays });
  }
  return cases;
}

const interactive = process.stdout.isTTY === true;
let statusShown = false;
function say(line) {
  if (statusShown) process.stdout.write("\r\x1b[K");
  statusShown = false;
  console.log(line);
}
function status(line) {
  if (!interactive) return;
  process.stdout.write(`\r\x1b[K${line.slice(0, (process.stdout.columns ?? 80) - 1)}`);
  statusShown = true;
}

const indent = (text, by) => text.split("\n").map((line) => (by + line).trimEnd()).join("\n");

function countOf(cases) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const entry of cases) count[entry.outcome]++;
  return count;
}
const inWords = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;

/** Runs the files on one runtime, `jobs` at a time, and returns every case. */
async function runAll(name, title, program, files, { jobs, fileLimitMs, reports, verbose }) {
  const { runner, args } = runtimes[name];
  const started = Date.now();
  const queue = [...files];
  const results = [];
  let done = 0;
  let lastNews = started;
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const left = runtimeLimitMs - (Date.now() - started);
      const report = join(reports, `${name}-${file.replaceAll("/", "-")}.xml`);
      const strays = `${report}.strays`;
      const begun = Date.now();
      const limitMs = Math.ceil(Math.min(left, fileLimitMs));
      const exit = left > 0
        ? await run(program, args(file, report, limitMs), limitMs, strays)
        : { timedOut: true, output: `${title} used up its ${runtimeLimitMs / 60_000} minutes` };
      const cases = judge(exit, textOf(report), textOf(strays), runner);
      for (const entry of cases) results.push({ ...entry, file });
      for (const entry of cases) {
        if (entry.outcome === "failed") {
          say(`  FAILED ${title}  ${file}: ${entry.name}\n${indent(head(entry.message), "    ")}`);
        }
      }
      done++;
      const line = `${title}  ${done}/${files.length} files, ${inWords(countOf(results))}`;
      const seconds = ((Date.now() - begun) / 1000).toFixed(1);
      if (verbose) say(`  ${title}  ${seconds.padStart(5)} s  ${file}: ${inWords(countOf(cases))}`);
      else if (!interactive && Date.now() - lastNews > 10_000) {
        lastNews = Date.now();
        say(`  ${line} …`);
      }
      status(line);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  say(
    `${title}: ${inWords(countOf(results))}, ${files.length} files in ${
      ((Date.now() - started) / 1000).toFixed(1)
    } s`,
  );
  return results;
}

/** The reason of a skipped test: from this report, else from another runtime's, else the place to look it up. */
function skipReason(entry, everything) {
  if (entry.message !== "" && entry.message !== "TODO") return entry.message;
  const same = everything.find((other) =>
    other.file === entry.file && other.name === entry.name && other.message !== ""
  );
  if (same !== undefined) return same.message;
  return `reason in ${entry.file}${entry.line !== undefined ? `:${entry.line}` : ""}`;
}

async function main() {
  const { values, positionals } = readArguments();
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const names = values.only.length > 0 ? [...new Set(values.only)] : Object.keys(runtimes);
  for (const name of names) {
    if (!(name in runtimes)) {
      throw new Error(`--only ${name}: there is ${Object.keys(runtimes).join(", ")}\n\n${usage}`);
    }
  }
  const jobs = values.jobs === undefined
    ? Math.min(4, availableParallelism())
    : Math.ceil(positiveNumber(values.jobs, "--jobs"));
  const fileLimitMs = positiveNumber(values["file-limit"], "--file-limit") * 1000;
  const files = testFiles(values.folder, positionals);
  if (files.length === 0) {
    throw new Error(`no test file matches ${positionals.join(" ") || `${values.folder}/**/*_test.ts`}`);
  }
  install();

  const reports = mkdtempSync(join(tmpdir(), "millrace-test-"));
  process.on("exit", () => rmSync(reports, { recursive: true, force: true }));
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]]) {
    process.on(signal, () => {
      killAll();
      process.exit(code);
    });
  }

  const everything = [];
  const onceHere = onceOn.find((name) => names.includes(name));
  for (const name of names) {
    const found = runtimes[name].find();
    if (found.absent !== undefined) {
      say(`${runtimes[name].label} (${name}): left out: ${found.absent}`);
      continue;
    }
    const title = `${runtimes[name].label} ${found.version}`;
    const once = files.filter((file) => onceReason(file) !== undefined);
    const others = files.filter((file) => !once.includes(file));
    // Those that run once start other programs and take longest: first, so that no core waits for them at the end.
    const mine = name === onceHere ? [...once, ...others] : others;
    for (const file of files) {
      if (mine.includes(file)) continue;
      const message = `on Node only: ${onceReason(file)}`;
      everything.push({ name: "the whole file", outcome: "skipped", message, file, title });
    }
    if (mine.length === 0) continue;
    status(`${title}  0/${mine.length} files`);
    const options = { jobs, fileLimitMs, reports, verbose: values.verbose };
    const results = await runAll(name, title, found.program, mine, options);
    for (const entry of results) everything.push({ ...entry, title });
  }

  const total = countOf(everything);
  if (values.verbose && total.skipped > 0) {
    say("\nSkipped:");
    for (const entry of everything) {
      if (entry.outcome === "skipped") {
        say(`  ${entry.title}  ${entry.file}: ${entry.name}: ${skipReason(entry, everything)}`);
      }
    }
  }
  if (total.failed > 0) {
    say("\nFailed:");
    for (const entry of everything) {
      if (entry.outcome === "failed") say(`  ${entry.title}  ${entry.file}: ${entry.name}`);
    }
  }
  say(`\n${inWords(total)}`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

main().then((code) => {
  process.exitCode = code;
}, (error) => {
  console.error(`npm test: ${error.message}`);
  console.log("\n0 passed, 1 failed");
  process.exitCode = 1;
});
