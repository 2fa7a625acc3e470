/**
 * Measures what one idle connection costs a server process in resident memory: after garbage collection,
 * with N connections open minus with none, divided by N.
 */
import { Child } from "./child.ts";
import { median, type Plan, startServer } from "./echo_rows.ts";
import type { IdleOrder } from "./load/idle_load.ts";
import type { IdleRow } from "./rows.ts";
import { commandLine, loadCore, type RuntimeName } from "./runtimes.ts";

/** The row on one runtime; bytes of one connection. */
export interface IdleFigure {
  readonly kind: "idle";
  readonly row: string;
  readonly runtime: RuntimeName;
  readonly connections: number;
  readonly oursBytes: number;
  readonly baselineBytes: number;
  readonly samples: { readonly ours: readonly number[]; readonly baseline: readonly number[] };
}

/**
 * Bytes of the buffer that a raw server holds for each connection where the runtime asks for one. Deno's does, and with
 * the 64 KiB that make it fastest, and that the other rows give it, it would hold 61 KB a connection.
 */
const idleArguments = ["4096"];
/** Files that a server needs beside its connections. */
const spareFiles = 100;
const settleMs = 1000;
const warmConnections = 500;

/** Measures the row on one runtime. */
export async function measureIdle(plan: Plan, row: IdleRow, runtime: RuntimeName): Promise<IdleFigure> {
  const ours: number[] = [];
  const baseline: number[] = [];
  for (let round = 0; round < Math.ceil(plan.rounds / 2); round++) {
    baseline.push(await runOnce(plan, row.baseline, runtime, row.connections));
    ours.push(await runOnce(plan, row.program, runtime, row.connections));
    const [a, b] = [ours.at(-1)!, baseline.at(-1)!];
    plan.say(
      `${runtime} idle memory round ${round + 1}: ours ${Math.round(a)}, raw ${
        Math.round(b)
      } bytes a connection`,
    );
  }
  return {
    kind: "idle",
    row: row.id,
    runtime,
    connections: row.connections,
    oursBytes: median(ours),
    baselineBytes: median(baseline),
    samples: { ours, baseline },
  };
}

async function runOnce(plan: Plan, name: string, runtime: RuntimeName, connections: number): Promise<number> {
  const { server, port } = await startServer(plan, name, runtime, idleArguments);
  try {
    // What the first connections load and allocate for good is not the cost of a connection.
    await (await openConnections(plan, port, warmConnections)).end();
    const files = server.mostFiles();
    if (files < connections + spareFiles) {
      throw new Error(
        `measure memory: a process may have ${files} files open, ${connections + spareFiles} are needed; ` +
          `raise the hard limit (ulimit -Hn)`,
      );
    }
    const before = await settledRss(server);
    const client = await openConnections(plan, port, connections);
    const after = await settledRss(server);
    await client.end();
    if (before === 0) throw new Error("measure memory: this system has no /proc; run this row on Linux");
    return (after - before) / connections;
  } finally {
    await server.end();
  }
}

async function openConnections(plan: Plan, port: number, connections: number): Promise<Child> {
  const order: IdleOrder = { port, connections };
  const args = [plan.program("idle_load"), JSON.stringify(order)];
  const client = new Child(commandLine(plan.runtimes, "bun", loadCore, args));
  await client.next<{ open: number }>(60_000);
  return client;
}

/** Lets timers and finalizers run, collects, and reads the resident set; twice, because some work is put off. */
async function settledRss(server: Child): Promise<number> {
  for (let i = 0; i < 2; i++) {
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    server.tell("collect");
    const { collected } = await server.next<{ collected: boolean }>(30_000);
    if (!collected) throw new Error("measure memory: the server process cannot collect garbage when told");
  }
  return server.rssBytes();
}
