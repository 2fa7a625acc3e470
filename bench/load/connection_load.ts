/**
 * The load of the rows with new connections, as a program for Bun on Bun's own sockets: connects, shakes hands where TLS is asked for, has one line
 * echoed, which tells that both sides are through, closes, and begins anew, on a number of connections at a time.
 *
 * Orders and result are those of `echo_load.ts`; a connection is counted when its line is back.
 */
import process from "node:process";
import { Histogram } from "../../src/gateway/load/histogram.ts";
import type { EchoOrder, EchoResult } from "./echo_load.ts";
import { checkSecured, clientTls, type SecuredSocket, type TlsClientSettings } from "./tls.ts";

interface Attempt {
  readonly started: number;
  /** Bytes of the line that are not back yet. */
  missing: number;
  readonly over: () => void;
}
interface BunSocket extends SecuredSocket {
  data: Attempt;
  write(bytes: Uint8Array): number;
  end(): void;
}
declare const Bun: {
  connect(options: {
    hostname: string;
    port: number;
    data: Attempt;
    tls?: TlsClientSettings;
    socket: {
      open(socket: BunSocket): void;
      handshake(socket: BunSocket, trusted: boolean, fault: Error | null): void;
      data(socket: BunSocket, bytes: Uint8Array): void;
      close(socket: BunSocket): void;
      error(socket: BunSocket, error: Error): void;
    };
  }): Promise<BunSocket>;
};

const order = JSON.parse(process.argv[2]!) as EchoOrder;
const line = new TextEncoder().encode("x".repeat(63) + "\n");
const tls = order.trusted === undefined ? undefined : clientTls(order.trusted);

let latency = new Histogram();
let done = 0;
let lost = 0;
let stopping = false;

function fail(what: string): never {
  console.error(what);
  process.exit(1);
}

function begin(socket: BunSocket): void {
  if (socket.write(line) !== line.length) fail("a line did not fit into a new connection");
}

const handlers = {
  open(socket: BunSocket) {
    if (tls === undefined) begin(socket);
  },
  handshake(socket: BunSocket, trusted: boolean, fault: Error | null) {
    const problem = checkSecured(socket, trusted, fault);
    if (problem !== undefined) fail(problem);
    begin(socket);
  },
  data(socket: BunSocket, bytes: Uint8Array) {
    const { data } = socket;
    data.missing -= bytes.length;
    if (data.missing > 0) return;
    done++;
    latency.record(performance.now() - data.started);
    socket.end();
  },
  close({ data }: BunSocket) {
    if (data.missing > 0 && !stopping) lost++;
    data.over();
  },
  error(_: BunSocket, error: Error) {
    if (!stopping) fail(error.message);
  },
};

/** One connection after the other. */
async function lane(): Promise<void> {
  while (!stopping) {
    await new Promise<void>((over) => {
      const data: Attempt = { started: performance.now(), missing: line.length, over };
      const where = { hostname: "127.0.0.1", port: order.port, ...(tls && { tls }) };
      Bun.connect({ ...where, data, socket: handlers }).catch(
        (error: Error) => stopping || fail(error.message),
      );
    });
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

for (let i = 0; i < order.load.connections; i++) void lane();
await sleep(order.warmupMs);
if (done === 0) fail(`no connection was served within ${order.warmupMs} ms`);
latency = new Histogram();
console.log(JSON.stringify({ measuring: true }));
const [doneBefore, cpuBefore, since] = [done, process.cpuUsage(), performance.now()];
await sleep(order.durationMs);
const [count, cpu, ms] = [done - doneBefore, process.cpuUsage(cpuBefore), performance.now() - since];
stopping = true;
const result: EchoResult = {
  messagesPerSecond: count / ms * 1000,
  bytesPerSecond: count * line.length / ms * 1000,
  p50: latency.percentile(50),
  p99: latency.percentile(99),
  lost,
  busy: (cpu.user + cpu.system) / 1000 / ms,
};
console.log(JSON.stringify(result));
process.exit(0);
