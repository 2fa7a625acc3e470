/**
 * `npm run bench`: measures Millrace against raw sockets and lines by hand on each runtime, prints the table, writes JSON.
 *
 * Started by scripts/bench.mjs on Bun. Exits 0 when everything was measured, met or not; 1 when a
 * measurement failed; 2 for a wrong argument. `--strict` makes a missed target exit 1.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundle } from "./bundle.ts";
import { makeCertificate } from "./certificate.ts";
import { endAll } from "./child.ts";
import { measureEcho, type Plan } from "./echo_rows.ts";
import { measureFraming } from "./framing_row.ts";
import { findBroker } from "./broker.ts";
import { measureGateway } from "./gateway_row.ts";
import { measureIdle } from "./idle_row.ts";
import { buildNative } from "./native.ts";
import { findHaproxy } from "./proxy.ts";
import { readmeTable, type Results } from "./readme_table.ts";
import { type Row, rows } from "./rows.ts";
import { canPin, type RuntimeName, runtimeNames, type Runtimes } from "./runtimes.ts";
import { measureBorrow } from "./borrow_row.ts";
import { measureSlow } from "./slow_row.ts";
import { builtEntry, measureStart } from "./start_row.ts";
import { type Figure, formatDetails, formatTable, judge } from "./table.ts";

const usage =
  `Usage: npm run bench -- [--quick] [--only WORDS] [--rounds N] [--seconds N] [--json FILE] [--strict] [--markdown] [--from FILE]…

  --only      what to measure, with commas between: runtimes (bun, deno, node) and rows, by any part of the id
              (${rows.map((row) => row.id).join(", ")});
              for example bun,on-frame (default: everything)
  --rounds    how often each pair is run in turn (default 2)
  --seconds   how long each run measures (default 0.8)
  --quick     one round of half a second
  --json      where to write the figures (default bench/results/TIME.json)
  --markdown  print the table of README.md: ratios to lines by hand and to raw sockets side by side
  --from      print that table from figures of earlier runs, and measure nothing; may be given several times
  --strict    exit 1 when a target is missed

  All of it takes about ten minutes. The rows beside Go and Rust need their compilers (Debian: golang-go; cargo with
  librust-tokio-dev, librust-tokio-util-dev and librust-futures-dev), those of the proxy need HAProxy (haproxy), those of the gateway nats-server, and they are
  skipped without. "by hand" is the smallest line splitter on the runtime's own sockets; processor time
  a message is steadier than messages per second on a machine that is at other work.`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const results = join(root, "bench/results");
const say = (text: string): void => void process.stderr.write(`${text}\n`);

interface Arguments {
  readonly runtimes: Runtimes;
  readonly names: readonly RuntimeName[];
  readonly rows: readonly Row[];
  readonly rounds: number;
  readonly seconds: number;
  readonly json: string;
  readonly strict: boolean;
  readonly markdown: boolean;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 600) return value;
  throw new Error(`--${name}: found ${JSON.stringify(text)}, expected a number above 0 and up to 600`);
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      programs: { type: "string" },
      only: { type: "string", default: "" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      strict: { type: "boolean", default: false },
      markdown: { type: "boolean", default: false },
      from: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  if (values.from.length > 0) {
    console.log(
      readmeTable(rows, values.from.map((file) => JSON.parse(readFileSync(file, "utf8")) as Results)),
    );
    process.exit(0);
  }
  if (values.programs === undefined) throw new Error("--programs: missing; start this through npm run bench");
  const words = values.only.split(",").map((word) => word.trim().replaceAll("_", "-")).filter((word) =>
    word !== ""
  );
  const names = runtimeNames.filter((name) => words.includes(name));
  const parts = words.filter((word) => !runtimeNames.some((name) => name === word));
  const wrong = parts.find((part) => !rows.some((row) => row.id.includes(part)));
  if (wrong !== undefined) {
    const known = [...runtimeNames, ...rows.map((row) => row.id)].join(", ");
    throw new Error(`--only: found ${JSON.stringify(wrong)}, expected parts of ${known}`);
  }
  const time = new Date().toISOString().replaceAll(":", "-").slice(0, 19);
  return {
    runtimes: JSON.parse(values.programs) as Runtimes,
    names: names.length === 0 ? runtimeNames : names,
    rows: rows.filter((row) => parts.length === 0 || parts.some((part) => row.id.includes(part))),
    rounds: Math.ceil(positive("rounds", values.rounds ?? (values.quick ? "1" : "2"))),
    seconds: positive("seconds", values.seconds ?? (values.quick ? "0.5" : "0.8")),
    json: values.json ?? join(results, `${time}.json`),
    strict: values.strict,
    markdown: values.markdown,
  };
}

async function run(given: Arguments): Promise<number> {
  // Inside of the package, so that what is measured finds the package's own dependencies on every runtime.
  mkdirSync(results, { recursive: true });
  const folder = mkdtempSync(join(results, "run-"));
  const figures: Figure[] = [];
  const missing = new Map<string, string>();
  const native = new Map<string, string>();
  const absent = new Map<string, string>();
  for (const name of ["go", "rust", "haproxy"] as const) {
    if (!given.rows.some((row) => row.kind === "echo" && row.baseline === name)) continue;
    const built = name === "haproxy" ? findHaproxy() : buildNative(root, name);
    if ("program" in built) native.set(name, built.program);
    else absent.set(name, built.absent);
  }
  const broker = given.rows.some((row) => row.kind === "gateway") ? findBroker() : { program: "" };
  const chosen = given.rows.filter((row) =>
    row.kind === "echo" ? !absent.has(row.baseline) : row.kind !== "gateway" || "program" in broker
  );
  for (const row of given.rows) {
    const reason = row.kind === "echo"
      ? absent.get(row.baseline)
      : row.kind === "gateway" && "absent" in broker
      ? broker.absent
      : undefined;
    if (reason === undefined) continue;
    for (const name of given.names) missing.set(`${row.id} ${name}`, `skipped: ${reason}`);
  }
  let entry: string | undefined;
  if (!canPin) say("taskset is not there or there is one processor only: nothing is pinned, expect noise");
  try {
    const servers = await bundle(join(root, "bench/servers"), join(folder, "servers"));
    const clients = await bundle(join(root, "bench/clients"), join(folder, "clients"));
    const loads = await bundle(join(root, "bench/load"), join(folder, "load"));
    const framings = await bundle(join(root, "bench/framings"), join(folder, "framings"));
    const plan: Plan = {
      runtimes: given.runtimes,
      program: (name) =>
        name.endsWith("_load")
          ? loads(name)
          : name === "cut"
          ? framings(name)
          : /(?:^|_)requests/.test(name)
          ? clients(name)
          : servers(name),
      native,
      rounds: given.rounds,
      warmupMs: given.seconds < 0.8 ? 400 : 500,
      durationMs: given.seconds * 1000,
      certificate: await makeCertificate(folder),
      say,
    };
    for (const name of given.names) {
      const attempt = async (
        ids: readonly string[],
        measure: () => readonly Figure[] | Promise<readonly Figure[]>,
      ): Promise<void> => {
        try {
          figures.push(...await measure());
        } catch (error) {
          say(`${name} ${ids.join(", ")}: ${(error as Error).message}`);
          for (const id of ids) missing.set(`${id} ${name}`, "failed, see above");
        }
      };
      for (const load of new Set(chosen.map((row) => row.kind === "echo" ? row.load : undefined))) {
        const group = chosen.filter((row) => row.kind === "echo" && row.load === load).filter((row) =>
          row.kind === "echo"
        );
        if (group.length > 0) await attempt(group.map((row) => row.id), () => measureEcho(plan, group, name));
      }
      for (const row of chosen) {
        if (row.kind === "borrow") await attempt([row.id], () => [measureBorrow(plan, row, name)]);
        if (row.kind === "framing") await attempt([row.id], () => [measureFraming(plan, row, name)]);
        if (row.kind === "gateway" && "program" in broker) {
          await attempt([row.id], async () => [await measureGateway(plan, row, name, broker.program)]);
        }
        if (row.kind === "idle") await attempt([row.id], async () => [await measureIdle(plan, row, name)]);
        if (row.kind === "slow") await attempt([row.id], async () => [await measureSlow(plan, row, name)]);
        if (row.kind !== "start") continue;
        const runs = given.rounds === 1 ? 5 : 11;
        await attempt(
          [row.id],
          () => {
            entry ??= builtEntry(root, given.runtimes);
            return [measureStart(given.runtimes, row, name, entry, folder, runs)];
          },
        );
      }
    }
  } finally {
    endAll();
    rmSync(folder, { recursive: true, force: true });
  }
  const verdicts = figures.map((figure) => {
    const row = chosen.find((each) => each.id === figure.row)!;
    return { ...figure, verdict: judge(row, figure) };
  });
  mkdirSync(dirname(given.json), { recursive: true });
  const versions = Object.fromEntries(given.names.map((name) => [name, given.runtimes[name].version]));
  const machine = {
    processor: cpus()[0]?.model,
    processors: cpus().length,
    platform: process.platform,
    pinned: canPin,
  };
  const found = { at: new Date().toISOString(), machine, versions, figures: verdicts };
  writeFileSync(given.json, JSON.stringify(found, undefined, 2) + "\n");
  const title = given.names.map((name) => `${name} ${given.runtimes[name].version}`).join(", ");
  console.log(
    `\n${title}; ${machine.processors} × ${machine.processor}; ${given.rounds} ${
      given.rounds === 1 ? "round" : "rounds"
    } of ${given.seconds} s\n`,
  );
  console.log(formatTable(given.rows, given.names, figures, missing));
  const details = formatDetails(chosen, figures);
  if (details !== "") console.log(`\n${details}`);
  const judged = verdicts.filter((each) => each.verdict.met !== undefined);
  const missed = judged.filter((each) => !each.verdict.met).length;
  console.log(`\n${judged.length - missed} of ${judged.length} targets met; figures in ${given.json}`);
  if (given.markdown) console.log(`\n${readmeTable(rows, [found])}`);
  const failed = [...missing.values()].some((why) => !why.startsWith("skipped"));
  return failed || (given.strict && missed > 0) ? 1 : 0;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    endAll();
    process.exit(130);
  });
}
let given: Arguments;
try {
  given = readArguments();
} catch (error) {
  say(`${(error as Error).message}\n\n${usage}`);
  process.exit(2);
}
try {
  process.exitCode = await run(given);
} catch (error) {
  say((error as Error).message);
  process.exitCode = 1;
}
