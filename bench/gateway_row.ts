/**
 * Measures the gateway on NATS: messages a second into a stream beside a plain client, memory while the server is away, and
 * how long a line takes to a service and back.
 *
 * The server shares the load's processor; what is compared has the other one for itself.
 */
import { Broker } from "./broker.ts";
import { Child } from "./child.ts";
import { median, type Plan } from "./echo_rows.ts";
import type { LinesOrder, LinesResult } from "./load/lines_load.ts";
import type { GatewayRow } from "./rows.ts";
import { commandLine, loadCore, type RuntimeName, serverCore } from "./runtimes.ts";

/** Messages a second, and of processor time. */
interface StoredRate {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

/** The row on one runtime; medians of all rounds. */
export type GatewayFigure =
  & { readonly kind: "gateway"; readonly row: string; readonly runtime: RuntimeName }
  & (
    | { readonly measure: "stored"; readonly ours: StoredRate; readonly plain: StoredRate }
    /** Resident memory when the server had gone, and when it came back. */
    | {
      readonly measure: "outage";
      readonly beforeMb: number;
      readonly afterMb: number;
      readonly seconds: number;
    }
    | { readonly measure: "latency"; readonly p50: number; readonly p99: number }
  );

const startMs = 30_000;
const connections = 100;
/** Of an outage: a minute where each run may take its time, less in a short one. */
const outageMs = { long: 60_000, short: 5_000 };
/** After the server has gone, until all queues are full. */
const fillMs = 3_000;

/** What is compared: the program, and what it is told. */
const programs = {
  stored: [["gateway_nats", "jetstream"], ["plain_jetstream"]],
  spooled: [["gateway_memory", "spool"], ["gateway_memory", "none"]],
} as const;

/** Measures the row on one runtime. */
export async function measureGateway(
  plan: Plan,
  row: GatewayRow,
  runtime: RuntimeName,
  broker: string,
): Promise<GatewayFigure> {
  const common = { kind: "gateway", row: row.id, runtime } as const;
  if (row.measure === "latency") {
    const all = await rounds(plan, () => latency(plan, row, runtime, broker));
    const of = (key: "p50" | "p99"): number => median(all.map((result) => result[key]));
    plan.say(`${runtime} ${row.id}: p50 ${of("p50").toFixed(2)} ms, p99 ${of("p99").toFixed(2)} ms`);
    return { ...common, measure: "latency", p50: of("p50"), p99: of("p99") };
  }
  if (row.measure === "outage") {
    return { ...common, measure: "outage", ...await outage(plan, runtime, broker) };
  }
  const [first, second] = programs[row.measure];
  const ours: StoredRate[] = [];
  const plain: StoredRate[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    ours.push(await stored(plan, runtime, broker, first));
    plain.push(await stored(plan, runtime, broker, second));
    const [a, b] = [ours.at(-1)!, plain.at(-1)!];
    plan.say(
      `${runtime} ${row.id} round ${round + 1}: ${a.perSecond.toFixed(0)} stored a second, plain ${
        b.perSecond.toFixed(0)
      }`,
    );
  }
  const of = (rates: readonly StoredRate[]): StoredRate => ({
    perSecond: median(rates.map(({ perSecond }) => perSecond)),
    perCpuSecond: median(rates.map(({ perCpuSecond }) => perCpuSecond)),
  });
  return { ...common, measure: "stored", ours: of(ours), plain: of(plain) };
}

async function rounds<Result>(plan: Plan, run: () => Promise<Result>): Promise<readonly Result[]> {
  const all: Result[] = [];
  for (let round = 0; round < plan.rounds; round++) all.push(await run());
  return all;
}

/** A server, the program beside it, and what is ended behind them. */
async function beside<Result>(
  plan: Plan,
  runtime: RuntimeName,
  broker: string,
  program: readonly string[],
  use: (server: Child, port: number, nats: Broker, load: (order: LinesOrder) => Child) => Promise<Result>,
): Promise<Result> {
  const nats = new Broker(broker);
  const children: Child[] = [];
  try {
    await nats.start();
    const args = [plan.program(program[0]!), ...program.slice(1), nats.url];
    const server = new Child(commandLine(plan.runtimes, runtime, serverCore, args));
    children.push(server);
    const { port } = await server.next<{ port: number }>(startMs);
    const load = (order: LinesOrder): Child => {
      const line = [plan.program("lines_load"), JSON.stringify(order)];
      const child = new Child(commandLine(plan.runtimes, "bun", loadCore, line));
      children.push(child);
      return child;
    };
    return await use(server, port, nats, load);
  } finally {
    await Promise.all(children.map((child) => child.end()));
    await nats.end();
  }
}

function stored(
  plan: Plan,
  runtime: RuntimeName,
  broker: string,
  program: readonly string[],
): Promise<StoredRate> {
  return beside(plan, runtime, broker, program, async (server, port, _, load) => {
    if (port > 0) await flood(load, port);
    await pause(plan.warmupMs);
    const count = async (): Promise<number> => {
      server.tell("how much");
      return (await server.next<{ stored: number }>(startMs)).stored;
    };
    const [cpu, before, began] = [server.cpuMs(), await count(), performance.now()];
    await pause(plan.durationMs);
    const messages = await count() - before;
    if (messages === 0) throw new Error("measure what is stored: nothing was");
    return {
      perSecond: messages * 1000 / (performance.now() - began),
      perCpuSecond: messages * 1000 / Math.max(1, server.cpuMs() - cpu),
    };
  });
}

function outage(plan: Plan, runtime: RuntimeName, broker: string) {
  const ms = plan.durationMs >= 800 ? outageMs.long : outageMs.short;
  return beside(plan, runtime, broker, ["gateway_nats", "jetstream"], async (server, port, nats, load) => {
    await flood(load, port);
    await pause(plan.durationMs);
    await nats.stop();
    await pause(fillMs);
    const beforeMb = server.rssBytes() / 1e6;
    await pause(ms);
    const afterMb = server.rssBytes() / 1e6;
    plan.say(`${runtime} outage: ${beforeMb.toFixed(0)} MB, ${afterMb.toFixed(0)} MB after ${ms / 1000} s`);
    return { beforeMb, afterMb, seconds: ms / 1000 };
  });
}

function latency(plan: Plan, row: GatewayRow, runtime: RuntimeName, broker: string): Promise<LinesResult> {
  const { warmupMs, durationMs } = plan;
  return beside(plan, runtime, broker, ["gateway_nats", row.bus], async (_, port, nats, load) => {
    const order = { port, connections: row.connections, answeredBy: nats.url, warmupMs, durationMs };
    const result = await load(order).next<LinesResult>(durationMs + startMs);
    if (result.answers === 0) throw new Error("measure answers: there were none");
    return result;
  });
}

async function flood(load: (order: LinesOrder) => Child, port: number): Promise<void> {
  await load({ port, connections, warmupMs: 0, durationMs: 0 }).next(startMs);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
