/**
 * Measures the echo rows of one runtime: all programs that meet the same load are run in turn, several
 * rounds, each time as a fresh process, so that a slow spell of the machine hits all of them alike.
 */
import { readFileSync } from "node:fs";
import type { CertificateFiles } from "./certificate.ts";
import { Child } from "./child.ts";
import type { CallersOrder } from "./clients/callers.ts";
import type { EchoOrder, EchoResult } from "./load/echo_load.ts";
import { startProxy } from "./proxy.ts";
import type { EchoLoad, EchoRow } from "./rows.ts";
import {
  commandLine,
  loadCore,
  nativeLine,
  type RuntimeName,
  type Runtimes,
  serverCore,
} from "./runtimes.ts";

/** Where the programs are, and how long to take. */
export interface Plan {
  readonly runtimes: Runtimes;
  readonly program: (name: string) => string;
  /** The servers that are no JavaScript, by name. */
  readonly native: ReadonlyMap<string, string>;
  readonly rounds: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  /** Of the servers with TLS. */
  readonly certificate: CertificateFiles;
  /** Says what is going on. */
  readonly say: (text: string) => void;
}

/** One run of one server program. */
export interface EchoSample {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Part of its processor that the server used; 0 where it cannot be known. */
  readonly serverBusy: number;
  readonly loadBusy: number;
}

/** What a row compares with; medians of all rounds. */
export interface EchoBaseline {
  /** The program, as in `bench/servers`. */
  readonly program: string;
  readonly baseline: EchoSample;
  /** Messages per second, ours over the baseline's. */
  readonly ratio: number;
  /** Messages per second of server processor time, ours over the baseline's. */
  readonly ratioPerCpu: number;
  readonly samples: readonly EchoSample[];
}

/** One row on one runtime. */
export interface EchoFigure {
  readonly kind: "echo";
  readonly row: string;
  readonly runtime: RuntimeName;
  /** Medians of all rounds. */
  readonly ours: EchoSample;
  readonly samples: readonly EchoSample[];
  /** What the target is for. */
  readonly against: EchoBaseline;
  /** The second one, where the row has it. */
  readonly beside?: EchoBaseline;
}

/** Measures these rows on one runtime. */
export async function measureEcho(
  plan: Plan,
  rows: readonly EchoRow[],
  runtime: RuntimeName,
): Promise<EchoFigure[]> {
  const figures: EchoFigure[] = [];
  for (const load of new Set(rows.map((row) => row.load))) {
    const group = rows.filter((row) => row.load === load);
    const names = [
      ...new Set(group.flatMap((row) => [row.baseline, row.program, ...besideOf(row, runtime)])),
    ];
    const samples = new Map<string, EchoSample[]>(names.map((name) => [name, []]));
    // What a proxy needs until it is warm would otherwise be a minute of the whole.
    const rounds = load.proxied ? Math.ceil(plan.rounds / 2) : plan.rounds;
    for (let round = 0; round < rounds; round++) {
      // Every other round backwards: what comes first must not always be the same.
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        const sample = await runOnce(plan, name, runtime, load);
        samples.get(name)!.push(sample);
        plan.say(
          `${runtime} ${name} ${load.connections}x${load.depth} round ${round + 1}/${rounds}: ` +
            `${Math.round(sample.messagesPerSecond)} messages/s, p99 ${sample.p99.toFixed(2)} ms, ` +
            `server ${percent(sample.serverBusy)} load ${percent(sample.loadBusy)} busy`,
        );
      }
    }
    for (const row of group) figures.push(figure(row, runtime, samples));
  }
  return figures;
}

const percent = (part: number): string => `${Math.round(part * 100)} %`;

/** The second baseline, where there is one. */
function besideOf({ beside }: EchoRow, runtime: RuntimeName): string[] {
  return beside?.runtimes.includes(runtime) ? [beside.program] : [];
}

function figure(row: EchoRow, runtime: RuntimeName, all: ReadonlyMap<string, EchoSample[]>): EchoFigure {
  const samples = all.get(row.program)!;
  const ours = medians(samples);
  const against = (name: string): EchoBaseline => {
    const baseline = medians(all.get(name)!);
    return {
      program: programName(name, runtime),
      baseline,
      ratio: ours.messagesPerSecond / baseline.messagesPerSecond,
      ratioPerCpu: (ours.messagesPerSecond / ours.serverBusy) /
        (baseline.messagesPerSecond / baseline.serverBusy),
      samples: all.get(name)!,
    };
  };
  const [beside] = besideOf(row, runtime).map(against);
  const common = { kind: "echo", row: row.id, runtime, ours, samples } as const;
  return { ...common, against: against(row.baseline), ...(beside && { beside }) };
}

/** These are those of the runtime at hand. */
const ofRuntime = new Set(["raw", "raw_tls", "by_hand", "hand_requests"]);

function programName(name: string, runtime: RuntimeName): string {
  return ofRuntime.has(name) ? `${name}_${runtime}` : name;
}

/** The middle of each column. */
function medians(samples: readonly EchoSample[]): EchoSample {
  const middle = (of: (sample: EchoSample) => number): number => median(samples.map(of));
  return {
    messagesPerSecond: middle((s) => s.messagesPerSecond),
    bytesPerSecond: middle((s) => s.bytesPerSecond),
    p50: middle((s) => s.p50),
    p99: middle((s) => s.p99),
    serverBusy: middle((s) => s.serverBusy),
    loadBusy: middle((s) => s.loadBusy),
  };
}

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Starts a server program. */
export async function startServer(
  plan: Plan,
  name: string,
  runtime: RuntimeName,
  args: readonly string[] = [],
): Promise<{ server: Child; port: number }> {
  const native = plan.native.get(name);
  const command = native === undefined
    ? commandLine(plan.runtimes, runtime, serverCore, [plan.program(programName(name, runtime)), ...args])
    : nativeLine(native, serverCore);
  const server = new Child(command);
  const { port } = await server.next<{ port: number }>(15_000);
  return { server, port };
}

/** An engine compiles what runs often. A new connection runs its code once, and there are far fewer of them than messages. */
const longerForNew = 5;

/**
 * How many times the plan's time a server is warmed. A proxy serves fewer connections in that time and runs more code for
 * each, so that it is not compiled by then.
 */
function warmups(load: EchoLoad, native: boolean): number {
  if (native || !isNew(load)) return 1;
  return load.proxied ? 2 * longerForNew : longerForNew;
}

/**
 * Waits until a server has worked for so long: what its engine has compiled by then depends on that, and not on the time that
 * has passed on a machine that is at other work.
 */
async function warm(server: Child, ms: number): Promise<void> {
  const [cpu, since] = [server.cpuMs(), performance.now()];
  const worked = (): number => cpu === 0 ? performance.now() - since : server.cpuMs() - cpu;
  while (worked() < ms && performance.now() - since < longestWarmup * ms) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A connection for each message. */
const isNew = ({ tls, renewed }: EchoLoad): boolean => tls === "new" || renewed === true;

/** So many times the time that it takes on a processor of its own. */
const longestWarmup = 6;

/** One server and one load, as fresh processes. */
export async function runOnce(
  plan: Plan,
  name: string,
  runtime: RuntimeName,
  load: EchoLoad,
): Promise<EchoSample> {
  if (load.asking) return askOnce(plan, name, runtime, load);
  const { certFile, keyFile } = plan.certificate;
  const secure = load.tls !== undefined;
  const { server, port, behind }: { server: Child; port: number; behind?: Child } = load.proxied
    ? await startProxy(plan.runtimes, runtime, plan.program, plan.native.get(name))
    : await startServer(plan, name, runtime, secure ? [certFile, keyFile] : []);
  const { durationMs } = plan;
  const warmupMs = plan.warmupMs * warmups(load, plan.native.has(name));
  const trusted = secure ? readFileSync(certFile, "utf8") : undefined;
  const order: EchoOrder = { port, load, trusted, warmupMs, durationMs };
  const args = [plan.program(isNew(load) ? "connection_load" : "echo_load"), JSON.stringify(order)];
  const client = new Child(commandLine(plan.runtimes, "bun", loadCore, args));
  try {
    if (!isNew(load)) {
      await client.next<{ running: true }>(20_000);
      await warm(server, warmupMs);
      client.tell("measure");
    }
    await client.next<{ measuring: true }>(warmupMs + 20_000);
    const [cpu, since] = [server.cpuMs(), performance.now()];
    const result = await client.next<EchoResult>(plan.durationMs + 20_000);
    const serverBusy = (server.cpuMs() - cpu) / (performance.now() - since);
    if (result.lost > 0) throw new Error(`${runtime} ${name}: the server closed ${result.lost} connections`);
    return { ...result, serverBusy, loadBusy: result.busy };
  } finally {
    await Promise.all([client.end(), server.end(), behind?.end()]);
  }
}

/** A client that asks an echo server on the core of the load, as fresh processes. */
async function askOnce(
  plan: Plan,
  name: string,
  runtime: RuntimeName,
  { depth }: EchoLoad,
): Promise<EchoSample> {
  const { runtimes, durationMs } = plan;
  const server = new Child(commandLine(runtimes, "bun", loadCore, [plan.program("raw_bun")]));
  try {
    const { port } = await server.next<{ port: number }>(15_000);
    const order: CallersOrder = { port, depth, durationMs };
    const program = plan.program(programName(name, runtime));
    const client = new Child(commandLine(runtimes, runtime, serverCore, [program, JSON.stringify(order)]));
    try {
      await client.next<{ running: true }>(20_000);
      await warm(client, 2 * plan.warmupMs);
      client.tell("measure");
      await client.next<{ measuring: true }>(20_000);
      const [cpu, since] = [server.cpuMs(), performance.now()];
      const result = await client.next<EchoResult>(durationMs + 20_000);
      const loadBusy = (server.cpuMs() - cpu) / (performance.now() - since);
      return { ...result, serverBusy: result.busy, loadBusy };
    } finally {
      await client.end();
    }
  } finally {
    await server.end();
  }
}
