/**
 * The load of the echo rows, as a program for Bun on Bun's own sockets: takes its orders as one JSON argument,
 * runs until a line on standard input says that the server is warm, measures, and prints the result as one line of JSON.
 *
 * A closed loop without any layer, so that one processor of load is worth at least one of server: for every
 * message that came back whole, one goes out, joined to one write for each read.
 */
import process from "node:process";
import { Histogram } from "../../src/gateway/load/histogram.ts";
import type { EchoLoad } from "../rows.ts";
import { checkSecured, clientTls, type SecuredSocket, type TlsClientSettings } from "./tls.ts";

/** What this program is told. */
export interface EchoOrder {
  readonly port: number;
  readonly load: EchoLoad;
  /** The certificate to trust, in PEM, where the load is to go over TLS. */
  readonly trusted?: string | undefined;
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** What it prints last. */
export interface EchoResult {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Connections that the server ended. */
  readonly lost: number;
  /** Part of its own processor that the load used while it measured. */
  readonly busy: number;
}

interface Echoer {
  /** Bytes received, in all. */
  bytes: number;
  /** Bytes received of a message that is not whole yet. */
  partial: number;
  /** What the kernel has not taken yet. */
  unsent: Uint8Array | undefined;
  /** The stream position whose arrival ends the sample in progress, and when that message was sent. */
  sampleEnd: number;
  sampleStart: number;
}
interface BunSocket extends SecuredSocket {
  data: Echoer;
  write(bytes: Uint8Array): number;
  terminate(): void;
}
declare const Bun: {
  connect(options: {
    hostname: string;
    port: number;
    data: Echoer;
    tls?: TlsClientSettings;
    socket: {
      open(socket: BunSocket): void;
      handshake(socket: BunSocket, trusted: boolean, fault: Error | null): void;
      data(socket: BunSocket, bytes: Uint8Array): void;
      drain(socket: BunSocket): void;
      close(socket: BunSocket): void;
      error(socket: BunSocket, error: Error): void;
    };
  }): Promise<BunSocket>;
};

/** Bytes and a newline, or 64 KiB behind a four-byte length. */
function makeMessage({ message: kind, bytes = 63 }: EchoLoad): Uint8Array {
  if (kind === "lines") return new TextEncoder().encode("x".repeat(bytes) + "\n");
  const message = new Uint8Array(4 + 64 * 1024).fill(120);
  new DataView(message.buffer).setUint32(0, 64 * 1024);
  return message;
}

/** The most that the first replies may take. */
const firstReplyMs = 15_000;

const order = JSON.parse(process.argv[2]!) as EchoOrder;
const { connections, depth } = order.load;
const message = makeMessage(order.load);
const size = message.length;
const all = new Uint8Array(size * depth);
for (let i = 0; i < depth; i++) all.set(message, i * size);
/** Any number of messages up to `depth` is a view of one buffer. */
const pieces = Array.from({ length: depth + 1 }, (_, n) => all.subarray(0, n * size));

let latency = new Histogram();
let lost = 0;
let stopping = false;

function send(socket: BunSocket, bytes: Uint8Array): void {
  const { data } = socket;
  if (data.unsent !== undefined) {
    const joined = new Uint8Array(data.unsent.length + bytes.length);
    joined.set(data.unsent);
    joined.set(bytes, data.unsent.length);
    data.unsent = joined;
    return;
  }
  const taken = socket.write(bytes);
  if (taken < bytes.length) data.unsent = bytes.subarray(Math.max(0, taken));
}

function fail(what: string): never {
  console.error(what);
  process.exit(1);
}

const handlers = {
  open() {},
  handshake(socket: BunSocket, trusted: boolean, fault: Error | null) {
    const problem = checkSecured(socket, trusted, fault);
    if (problem !== undefined) fail(problem);
    secured!();
  },
  data(socket: BunSocket, bytes: Uint8Array) {
    const { data } = socket;
    data.bytes += bytes.length;
    const have = data.partial + bytes.length;
    const whole = have < size ? 0 : Math.floor(have / size);
    data.partial = have - whole * size;
    if (whole === 0) return;
    const piece = pieces[whole];
    if (piece === undefined) fail(`the server sent back more than the ${depth} messages in flight`);
    if (data.bytes >= data.sampleEnd) {
      const now = performance.now();
      latency.record(now - data.sampleStart);
      data.sampleStart = now;
      data.sampleEnd = data.bytes - data.partial + size * depth;
      // Once a round trip: is what came back what was sent?
      const last = bytes.length - 1 - data.partial;
      if (last >= 0 && bytes[last] !== message[size - 1]) fail("the server sent back something else");
    }
    send(socket, piece);
  },
  drain(socket: BunSocket) {
    const { unsent } = socket.data;
    if (unsent === undefined) return;
    socket.data.unsent = undefined;
    send(socket, unsent);
  },
  close() {
    if (!stopping) lost++;
  },
  error(_: BunSocket, error: Error) {
    if (!stopping) fail(error.message);
  },
};

let secured: (() => void) | undefined;
const tls = order.trusted === undefined ? undefined : clientTls(order.trusted);
const sockets: BunSocket[] = [];
while (sockets.length < connections) {
  const data: Echoer = { bytes: 0, partial: 0, unsent: undefined, sampleEnd: size * depth, sampleStart: 0 };
  const handshake = tls && new Promise<void>((resolve) => secured = resolve);
  const where = { hostname: "127.0.0.1", port: order.port, ...(tls && { tls }) };
  sockets.push(await Bun.connect({ ...where, data, socket: handlers }));
  await handshake;
}
for (const socket of sockets) {
  socket.data.sampleStart = performance.now();
  send(socket, pieces[depth]!);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const received = (): number => sockets.reduce((sum, socket) => sum + socket.data.bytes, 0);

const silent = (): number => sockets.filter((socket) => socket.data.bytes < size).length;
for (let waited = 0; silent() > 0; waited += 10) {
  if (waited >= firstReplyMs) {
    fail(`${silent()} of ${connections} connections had no reply within ${waited} ms`);
  }
  await sleep(10);
}
console.log(JSON.stringify({ running: true }));
await new Promise((resolve) => process.stdin.once("data", resolve));
latency = new Histogram();
console.log(JSON.stringify({ measuring: true }));
const [bytesBefore, cpuBefore, since] = [received(), process.cpuUsage(), performance.now()];
await sleep(order.durationMs);
const [bytes, cpu, ms] = [received() - bytesBefore, process.cpuUsage(cpuBefore), performance.now() - since];
stopping = true;
const result: EchoResult = {
  messagesPerSecond: bytes / size / ms * 1000,
  bytesPerSecond: bytes / ms * 1000,
  p50: latency.percentile(50),
  p99: latency.percentile(99),
  lost,
  busy: (cpu.user + cpu.system) / 1000 / ms,
};
console.log(JSON.stringify(result));
process.exit(0);
