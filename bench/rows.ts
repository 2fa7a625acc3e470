/**
 * What is measured: the rows of the table with their targets, and the programs that each row compares.
 *
 * Read by `run.ts`. A target is a ratio to the baseline, or a number in the row's unit.
 */
import type { Task } from "./framings/contestants.ts";
import { frameSizes, sizeText } from "./framings/input.ts";
import type { Beside, EchoLoad, EchoRow, FramingRow, Row } from "./row_types.ts";

export type {
  Beside,
  BorrowRow,
  EchoLoad,
  EchoRow,
  FramingRow,
  GatewayRow,
  IdleRow,
  Row,
  SlowRow,
  StartRow,
} from "./row_types.ts";

const single: EchoLoad = { connections: 100, depth: 1, message: "lines" };
const deep: EchoLoad = { connections: 100, depth: 32, message: "lines" };
const large: EchoLoad = { connections: 10, depth: 4, message: "length" };
const lines8k: EchoLoad = { connections: 10, depth: 4, message: "lines", bytes: 8 * 1024 };
const lines64k: EchoLoad = { connections: 10, depth: 4, message: "lines", bytes: 64 * 1024 };

/** Millrace lays `node:tls` over the sockets of each runtime, so what that takes on Bun and Deno is told as well. */
const nodeTls: Beside = {
  program: "raw_tls_node",
  runtimes: ["bun", "deno"],
  first: "the runtime's own sockets",
  told: "node:tls on this runtime, as in Millrace",
};

/** With one message in flight a raw echo does the same work but for the newline, so that it is what to compare with. */
const besideHand = {
  beside: {
    program: "by_hand",
    runtimes: ["bun", "deno", "node"],
    first: "raw, without lines",
    told: "lines by hand",
    shownAs: "by hand",
  },
} as const;

/**
 * With many messages in flight a raw echo touches no single one, so what a layer of frames costs is measured beside
 * the smallest one that can be written by hand.
 */
const byHand = {
  kind: "echo",
  baseline: "by_hand",
  load: deep,
  perProcessor: true,
  beside: {
    program: "raw",
    runtimes: ["bun", "deno", "node"],
    first: "lines by hand",
    told: "raw, without lines",
    shownAs: "raw",
  },
} as const;

/** What others make of the same lines, where their compilers are installed. */
const nativeRows: readonly EchoRow[] = (["go", "rust"] as const).flatMap((baseline) =>
  [single, deep].map((load) => ({
    id: `${baseline}-${load.depth}`,
    title: `\`onFrame\` to ${
      baseline === "go" ? "Go's bufio" : "tokio's LinesCodec"
    }, ${load.depth} in flight`,
    kind: "echo" as const,
    program: "on_frame",
    baseline,
    load,
    perProcessor: true,
  }))
);

/** What the way to a worker and back costs, on one processor. */
const workerRows: readonly EchoRow[] = [
  {
    id: "workers-1",
    program: "workers_lines",
    baseline: "on_frame",
    what: "lines, 1 in flight",
    load: single,
  },
  {
    id: "workers-32",
    program: "workers_lines",
    baseline: "on_frame",
    what: "lines, 32 in flight",
    load: deep,
  },
  {
    id: "workers-64k",
    program: "workers_length",
    baseline: "length_field",
    what: "64 KiB frames, 4 in flight",
    load: large,
  },
].map(({ what, ...row }) => (
  {
    ...row,
    kind: "echo",
    title: `\`onFrame\` echo in a worker, to the same without: ${what}`,
    perProcessor: true,
  }
));

/** The same handlers on Effect's `SocketServer`, ours and its own. */
const effectRows: readonly EchoRow[] = ([
  ["effect-1", single, "", "an echo, 1 in flight"],
  ["effect-32", deep, "", "an echo, 32 in flight"],
  ["effect-answers-32", deep, "_answers", "a write for each message as in RPC, 32 in flight"],
] as const).map(([id, load, handler, what]) => ({
  id,
  title: `\`layerSocketServer\` to Effect's own \`SocketServer\`, ${what}`,
  kind: "echo" as const,
  program: `effect_socket${handler}`,
  baseline: `effect_own${handler}`,
  load,
  perProcessor: true,
  target: { bun: 1.3, deno: 1.3, node: 1 },
}));

/** The proxy of the examples, where HAProxy is installed. */
const proxyRows: readonly EchoRow[] = [
  {
    id: "proxy-connections",
    title: "`examples/tcp_proxy.ts` to HAProxy, new connections with one echo each, 32 at a time",
    kind: "echo",
    program: "tcp_proxy",
    baseline: "haproxy",
    load: { connections: 32, depth: 1, message: "lines", renewed: true, proxied: true },
    perProcessor: true,
    target: { bun: 0.6, deno: 0.6, node: 0.6 },
  },
  {
    id: "proxy-1m",
    title: "`examples/tcp_proxy.ts` to HAProxy, 1 MB sent and sent back, 10 connections",
    kind: "echo",
    program: "tcp_proxy",
    baseline: "haproxy",
    load: { connections: 10, depth: 1, message: "lines", bytes: 1e6 - 1, proxied: true },
    perProcessor: true,
    target: { bun: 0.9, deno: 0.9, node: 0.9 },
  },
];

const cut: Readonly<Record<string, Omit<Task, "form">>> = {
  "lines-text": { wire: "lines", text: true },
  "lines-bytes": { wire: "lines", text: false },
  "delimited": { wire: "delimited", text: false },
  "fixed": { wire: "fixed", text: false },
  "length": { wire: "length", text: false },
  "several delimiters": { wire: "several", text: false },
  "checksum": { wire: "checksum", text: false },
  "varint": { wire: "varint", text: false },
  "BER": { wire: "ber", text: false },
  "SLIP": { wire: "slip", text: false },
  "COBS": { wire: "cobs", text: false },
  "RESP": { wire: "resp", text: false },
  "MQTT": { wire: "mqtt", text: false },
  "PostgreSQL": { wire: "postgres", text: false },
};

/** Parsers of protocols are called, and are no streams. */
const called: readonly string[] = ["resp", "mqtt", "postgres"];

const framingRows: readonly FramingRow[] = Object.entries(cut).flatMap(([name, task]) =>
  (["push", "pull"] as const).filter((form) => form === "push" || !called.includes(task.wire)).map((
    form,
  ) => ({
    id: `framing-${name.toLowerCase().replace(" ", "-")}-${form}`,
    title: `${task.text ? "lines as text" : name === "lines-bytes" ? "lines as bytes" : name}, ${
      form === "push" ? "decoder" : "`FramerStream`"
    }, to the fastest package: ${frameSizes.map(sizeText).join(", ")}`,
    kind: "framing" as const,
    task: { ...task, form },
    target: { bun: 1, deno: 1, node: 1 },
  }))
);

/** The table. */
export const rows: readonly Row[] = [
  {
    id: "on-frame-1",
    title: "`onFrame` echo, 100 connections, 1 in flight",
    kind: "echo",
    program: "on_frame",
    baseline: "raw",
    ...besideHand,
    load: single,
    perProcessor: true,
    target: { bun: 0.95, deno: 0.95, node: 0.95 },
  },
  {
    id: "for-await-1",
    title: "`for await` echo, 100 connections, 1 in flight",
    kind: "echo",
    program: "for_await",
    baseline: "raw",
    ...besideHand,
    load: single,
    perProcessor: true,
    target: { bun: 0.90, deno: 0.90, node: 0.90 },
  },
  {
    ...byHand,
    id: "by-hand-frame-32",
    title: "`onFrame` echo, 100 connections, 32 in flight",
    program: "on_frame",
    target: { bun: 0.95, deno: 0.95, node: 0.95 },
  },
  {
    ...byHand,
    id: "by-hand-batches-32",
    title: "`connection.batches()` echo, 32 in flight",
    program: "batches",
    target: { bun: 0.90, deno: 0.90, node: 0.90 },
  },
  {
    ...byHand,
    id: "by-hand-await-32",
    title: "`for await` echo, 32 in flight",
    program: "for_await",
    target: { bun: 0.75, deno: 0.75, node: 0.75 },
  },
  {
    id: "lines-8k",
    title: "lines of 8 KiB with `onFrame`, 10 connections, 4 in flight",
    kind: "echo",
    program: "on_frame",
    baseline: "raw",
    ...besideHand,
    load: lines8k,
    perProcessor: true,
    target: { bun: 0.85, deno: 0.85, node: 0.85 },
  },
  {
    id: "lines-64k",
    title: "lines of 64 KiB with `onFrame`, 10 connections, 4 in flight",
    kind: "echo",
    program: "on_frame",
    baseline: "raw",
    ...besideHand,
    load: lines64k,
    perProcessor: true,
    target: { bun: 0.85, deno: 0.85, node: 0.85 },
  },
  {
    id: "length-64k",
    title: "64 KiB length-field frames with `onFrame`, 10 connections, 4 in flight",
    kind: "echo",
    program: "length_field",
    baseline: "raw",
    load: large,
    perProcessor: true,
    target: { bun: 0.90, deno: 0.80, node: 1 },
  },
  {
    id: "requests-64",
    title: "`requests` on one connection, 64 callers with a promise each, to the same by hand",
    kind: "echo",
    program: "requests",
    baseline: "hand_requests",
    load: { connections: 1, depth: 64, message: "lines", asking: true },
    perProcessor: true,
    target: { bun: 0.8, deno: 0.8, node: 0.8 },
  },
  {
    id: "setup",
    title: "new connections with one echo each, 32 at a time, per second of the server's processor",
    kind: "echo",
    program: "on_frame",
    baseline: "raw",
    load: { connections: 32, depth: 1, message: "lines", renewed: true },
    perProcessor: true,
    // Half of what a connection took over raw when this was first measured: 48 µs, none, and 55.
    target: { bun: 0.64, deno: 1, node: 0.79 },
  },
  {
    id: "processes-2",
    title:
      "two processes to one, 100 connections, lines that cost 100 hashes each; the load shares a processor with the second",
    kind: "echo",
    program: "two_processes",
    baseline: "one_process",
    load: single,
    target: { bun: 1.6, deno: 1.6, node: 1.6 },
  },
  {
    id: "streams-32",
    title: "`for await`, 32 in flight, to four chained TransformStreams",
    kind: "echo",
    program: "for_await",
    baseline: "transform_streams",
    load: deep,
    perProcessor: true,
    target: { bun: 15, deno: 8, node: 8 },
  },
  {
    id: "tls-frame-1",
    title: "TLS: `onFrame` echo, 100 connections, 1 in flight",
    kind: "echo",
    program: "on_frame_tls",
    baseline: "raw_tls",
    beside: nodeTls,
    load: { ...single, tls: "kept" },
    perProcessor: true,
    target: { bun: 0.90, deno: 0.80, node: 1 },
  },
  {
    id: "tls-64k",
    title: "TLS: 64 KiB length-field frames with `onFrame`, 10 connections, 4 in flight",
    kind: "echo",
    program: "length_field_tls",
    baseline: "raw_tls",
    beside: nodeTls,
    load: { ...large, tls: "kept" },
    perProcessor: true,
    target: { bun: 0.85, deno: 0.85, node: 0.85 },
  },
  {
    id: "tls-handshakes",
    title: "TLS: new connections, full handshakes, 32 at a time",
    kind: "echo",
    program: "on_frame_tls",
    baseline: "raw_tls",
    beside: nodeTls,
    load: { connections: 32, depth: 1, message: "lines", tls: "new" },
    perProcessor: true,
    target: { bun: 0.90, deno: 0.90, node: 0.90 },
  },
  {
    id: "idle-memory",
    title: "memory of one idle connection among 10,000",
    kind: "idle",
    program: "idle",
    baseline: "raw",
    connections: 10_000,
    overRaw: ["deno"],
    target: { bun: 3, deno: 1, node: 5 },
  },
  {
    id: "slow-loris",
    title: "p50 and p99 of an echo beside 1,000 peers that hold half a line, and without them",
    kind: "slow",
    program: "slow_loris",
    honest: 10,
    slow: 1_000,
  },
  {
    id: "pool-borrow",
    title: "a connection borrowed from a pool and given back",
    kind: "borrow",
    target: { bun: 2, deno: 2, node: 2 },
  },
  {
    id: "import",
    title: "`import` of the package, over an empty script",
    kind: "start",
    until: "imported",
    target: { bun: 20, deno: 20, node: 20 },
  },
  {
    id: "startup",
    title: "start until `serve` listens, over an empty script",
    kind: "start",
    until: "listening",
    target: { bun: 35, deno: 50, node: 45 },
  },
  {
    id: "gateway-jetstream",
    title: "gateway: lines of 256 bytes of 100 connections into JetStream, to a plain client without sockets",
    kind: "gateway",
    measure: "stored",
    bus: "jetstream",
    connections: 100,
    target: { bun: 0.8, deno: 0.8, node: 0.8 },
  },
  {
    id: "gateway-spool",
    title: "gateway: the same lines with a spool that syncs the disk, to none, on the bus in memory",
    kind: "gateway",
    measure: "spooled",
    bus: "memory",
    connections: 100,
  },
  {
    id: "gateway-outage",
    title: "gateway: memory that it grows by while the NATS server is away for a minute under full load",
    kind: "gateway",
    measure: "outage",
    bus: "jetstream",
    connections: 100,
    target: { bun: 5, deno: 5, node: 5 },
  },
  {
    id: "gateway-latency-nats",
    title: "gateway: p50 and p99 of a line to a service on NATS and back, 10 connections",
    kind: "gateway",
    measure: "latency",
    bus: "nats",
    connections: 10,
  },
  {
    id: "gateway-latency-jetstream",
    title: "gateway: the same with JetStream",
    kind: "gateway",
    measure: "latency",
    bus: "jetstream",
    connections: 10,
  },
  ...workerRows,
  ...proxyRows,
  ...effectRows,
  ...nativeRows,
  ...framingRows,
];
