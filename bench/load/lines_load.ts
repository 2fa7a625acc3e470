/**
 * The load of the rows of the gateway, as a program for Bun: connections that write lines of 256 bytes as fast as they are
 * taken, or that send one and wait for its answer, which a service on NATS gives.
 */
import { createConnection, type Socket } from "node:net";
import process from "node:process";
import { connect } from "@nats-io/transport-node";
import { Histogram } from "../../src/gateway/load/histogram.ts";

/** What this program is told. */
export interface LinesOrder {
  readonly port: number;
  readonly connections: number;
  /** Where the service is that answers; undefined: nothing is waited for, and it runs until it is ended. */
  readonly answeredBy?: string;
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** What it prints where lines are answered. */
export interface LinesResult {
  readonly p50: number;
  readonly p99: number;
  readonly answers: number;
}

const { port, connections, answeredBy, warmupMs, durationMs } = JSON.parse(process.argv[2]!) as LinesOrder;
const line = new TextEncoder().encode("x".repeat(255) + "\n");
const block = new Uint8Array(64 * line.length);
for (let at = 0; at < block.length; at += line.length) block.set(line, at);

function dial(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

async function flood(): Promise<void> {
  for (let index = 0; index < connections; index++) {
    const socket = await dial();
    const write = (): void => {
      while (socket.write(block));
    };
    socket.on("drain", write);
    socket.resume();
    write();
  }
  console.log(JSON.stringify({ connections }));
}

async function ask(servers: string): Promise<void> {
  const nats = await connect({ servers });
  const answer = (subject: string, data: Uint8Array): void => nats.publish(subject, data);
  nats.subscribe("millrace.bench.in.>", {
    callback: (_, { data, headers, reply }) => answer(headers?.get("reply") || reply!, data),
  });
  nats.subscribe("millrace.bench.in", { callback: (_, { data, reply }) => answer(reply!, data) });
  await nats.flush();
  let latency = new Histogram();
  let answers = 0;
  for (let index = 0; index < connections; index++) {
    const socket = await dial();
    let [missing, since] = [0, 0];
    const send = (): void => {
      missing = line.length;
      since = performance.now();
      socket.write(line);
    };
    socket.on("data", (chunk) => {
      if ((missing -= chunk.length) > 0) return;
      latency.record(performance.now() - since);
      answers++;
      send();
    });
    send();
  }
  await new Promise((resolve) => setTimeout(resolve, warmupMs));
  latency = new Histogram();
  answers = 0;
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  const result: LinesResult = { p50: latency.percentile(50), p99: latency.percentile(99), answers };
  console.log(JSON.stringify(result));
  process.exit(0);
}

process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
await (answeredBy === undefined ? flood() : ask(answeredBy));
