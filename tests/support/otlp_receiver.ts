/**
 * A collector for tests: takes requests of OTLP over HTTP, and reads each with the official schema, where whatever the schema
 * does not know is a failure.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import root from "@opentelemetry/otlp-proto-exporter-base/build/src/generated/root.js";

/** The official messages as protobufjs has made them. */
interface MessageType {
  decode(bytes: Uint8Array): object;
  encode(message: object): { finish(): Uint8Array };
  fromObject(value: object): object;
  toObject(message: object, options: object): object;
}

interface OtlpSchema {
  readonly opentelemetry: {
    readonly proto: {
      readonly collector: Readonly<Record<string, { readonly v1: Readonly<Record<string, MessageType>> }>>;
    };
  };
}

/** One request. */
export interface OtlpRequest {
  readonly signal: "traces" | "metrics" | "logs";
  readonly headers: Readonly<Record<string, unknown>>;
  /** In the words of OTLP's JSON. */
  readonly value: Value;
}

/** What JSON may be: tests know where to look. */
// deno-lint-ignore no-explicit-any
type Value = any;

/** What a request is answered with. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of a success: what it did not take. */
  readonly rejected?: number;
  readonly message?: string;
  /** The connection ends without an answer. */
  readonly reset?: boolean;
  /** Nothing is answered. */
  readonly silent?: boolean;
}

const types = {
  traces: ["trace", "ExportTraceService", "rejectedSpans"],
  metrics: ["metrics", "ExportMetricsService", "rejectedDataPoints"],
  logs: ["logs", "ExportLogsService", "rejectedLogRecords"],
} as const;

function typeOf(signal: OtlpRequest["signal"], kind: "Request" | "Response"): MessageType {
  const [area, name] = types[signal];
  return (root as unknown as OtlpSchema).opentelemetry.proto.collector[area]!.v1[`${name}${kind}`]!;
}

const plain = { longs: String, enums: Number, bytes: Array, json: true };

/** Identifiers are hexadecimal in JSON, and bytes in the schema; an empty list is none. */
function converted(value: Value, id: (value: Value) => Value): Value {
  if (Array.isArray(value)) return value.map((item: Value) => converted(item, id));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => !Array.isArray(item) || item.length > 0).map(([key, item]) =>
      /^(?:trace|span|parentSpan)Id$/.test(key) ? [key, id(item)] : [key, converted(item, id)]
    ),
  );
}

/** Reads a body; throws for what the schema does not know. */
export function strictly(signal: OtlpRequest["signal"], type: string, body: Buffer): Value {
  const message = typeOf(signal, "Request");
  if (type === "application/x-protobuf") {
    const decoded = message.decode(body);
    // What was not understood is not written again.
    assert.equal(
      message.encode(decoded).finish().length,
      body.length,
      "fields that the schema does not know",
    );
    return converted(message.toObject(decoded, plain), (id: number[]) => Buffer.from(id).toString("hex"));
  }
  assert.equal(type, "application/json");
  const value: Value = JSON.parse(body.toString());
  const bytes = converted(value, (id: string) => [...Buffer.from(id, "hex")]);
  assert.deepEqual(message.toObject(message.fromObject(bytes), plain), bytes);
  return converted(value, (id) => id);
}

/** A collector on this machine. */
export class OtlpReceiver {
  readonly requests: OtlpRequest[] = [];
  /** What went wrong while it read. */
  readonly faults: unknown[] = [];
  /** Answers the requests to come. */
  answer: (request: OtlpRequest) => Answer = () => ({});
  readonly #server = createServer((request, response) => void this.#take(request, response));
  #waiting: (() => void)[] = [];

  static async start(t: { after(hook: () => unknown): void }, port = 0): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.#server.listen(port, "127.0.0.1");
    await once(receiver.#server, "listening");
    t.after(() => receiver.stop());
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }

  of(signal: OtlpRequest["signal"]): Value[] {
    return this.requests.filter((request) => request.signal === signal).map(({ value }) => value);
  }

  get spans(): Value[] {
    return this.of("traces").flatMap(({ resourceSpans: [{ scopeSpans: [{ spans }] }] }) => spans);
  }

  get logRecords(): Value[] {
    return this.of("logs").flatMap(({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }) => logRecords);
  }

  /** The metrics of the newest request, by name. */
  get metrics(): Map<string, Value> {
    const { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] } = this.of("metrics").at(-1);
    const byName = new Map<string, Value>(metrics.map((metric: Value) => [metric.name, metric]));
    assert.equal(byName.size, metrics.length, "each name once");
    return byName;
  }

  /** Resolves when this is so, which is asked after each request; fails after ten seconds. */
  async until(so: () => boolean, what: string): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what}: not within 10 s`)), 10_000);
    });
    try {
      while (!so()) await Promise.race([new Promise<void>((resolve) => this.#waiting.push(resolve)), late]);
    } finally {
      clearTimeout(timer);
    }
    assert.deepEqual(this.faults, []);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const type = String(request.headers["content-type"]);
      const signal = request.url!.split("/v1/")[1] as OtlpRequest["signal"];
      const value = strictly(signal, type, Buffer.concat(chunks));
      const taken = { signal, headers: request.headers, value };
      const { status = 200, headers = {}, rejected, message, silent, reset } = this.answer(taken);
      this.requests.push(taken);
      if (reset) request.socket.destroy();
      else if (!silent) {
        response.writeHead(status, { ...headers, "content-type": type });
        response.end(status === 200 ? answerOf(signal, type, rejected, message) : "");
      }
    } catch (error) {
      this.faults.push(error);
      response.writeHead(400).end();
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function answerOf(signal: OtlpRequest["signal"], type: string, rejected?: number, errorMessage?: string) {
  const partialSuccess = { [types[signal][2]]: rejected, errorMessage };
  const value = rejected === undefined ? {} : { partialSuccess };
  if (type === "application/json") return JSON.stringify(value);
  const message = typeOf(signal, "Response");
  return message.encode(message.fromObject(value)).finish();
}

/** Attributes as an object; numbers stay the text that they are in JSON. */
export function attributesOf(item: Value): Record<string, unknown> {
  return Object.fromEntries(
    (item.attributes ?? []).map(({ key, value }: Value) => [key, Object.values(value)[0]]),
  );
}
