/** Telemetry over OTLP: what is sent, when it is sent again, and what is dropped. */
const exporter = "src/gateway/telemetry/exporter.ts";
const posting = "src/gateway/telemetry/posting.ts";
const metrics = "src/gateway/telemetry/metrics.ts";
const telemetry = "src/gateway/telemetry/telemetry.ts";
const tracer = "src/gateway/telemetry/tracer.ts";
const frames = "src/gateway/telemetry/traced_frames.ts";
const context = "src/gateway/telemetry/trace_context.ts";
const protobuf = "src/gateway/telemetry/protobuf.ts";
const ofExporter = ["tests/gateway/telemetry/exporter_test.ts"];
const ofTelemetry = ["tests/gateway/telemetry/telemetry_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: exporter,
    find: "this.#queue.length >= this.#settings.maxQueue",
    put: "false",
    tests: ofExporter,
    why: "the queue has no bound",
  },
  {
    file: exporter,
    find: "this.#clock.now() < until",
    put: "true",
    tests: ofExporter,
    why: "a batch is sent again for ever",
  },
  {
    file: exporter,
    find: "if (posted.retry && last) this.#dropQueue();",
    put: "",
    tests: ofExporter,
    why: "at the end every batch waits for a collector that is away",
  },
  {
    file: exporter,
    find: "Math.max(posted.after, ",
    put: "Math.max(0, ",
    tests: ofExporter,
    why: "Retry-After is ignored",
  },
  {
    file: exporter,
    find: "Math.min(wait * 2, longestWait)",
    put: "wait",
    tests: ofExporter,
    why: "waits do not grow",
  },
  {
    file: exporter,
    find: "    this.#sent += items - lost;\n",
    put: "    this.#sent += items;\n",
    tests: ofExporter,
    why: "what the collector has rejected counts as sent",
  },
  {
    file: exporter,
    find:
      "    if (this.#failing) return;\n    this.#failing = true;\n    const { signal, url } = this.#settings;\n",
    put: "    this.#failing = true;\n    const { signal, url } = this.#settings;\n",
    tests: ofExporter,
    why: "an outage is logged again with each attempt",
  },
  {
    file: posting,
    find: "[429, 502, 503, 504]",
    put: "[429, 500, 502, 503, 504]",
    tests: ofExporter,
    why: "what the collector refuses for good is sent again",
  },
  {
    file: posting,
    find: 'redirect: "manual",',
    put: "",
    tests: ofExporter,
    why: "a redirection is followed",
  },
  {
    file: posting,
    find: "stop.abort(new Error(`no answer within ${timeout} ms`))",
    put: "{}",
    tests: ofExporter,
    why: "a request may take for ever",
  },
  {
    file: metrics,
    find: "value < before.value ? this.#last : before.since",
    put: "before.since",
    tests: ofTelemetry,
    why: "a counter that begins anew looks as if it had run backwards",
  },
  {
    file: metrics,
    find: "names.has(short) ? longName(family) : short",
    put: "short",
    tests: ofTelemetry,
    why: "two metrics have one name",
  },
  {
    file: telemetry,
    find: "severities[level] >= severities[logLevel()]",
    put: "true",
    tests: ofTelemetry,
    why: "records below the level are sent",
  },
  {
    file: telemetry,
    find: 'signal === "metrics" ? this.#read() : []',
    put: "[]",
    tests: ofTelemetry,
    why: "the last metrics are not sent at the end",
  },
  {
    file: telemetry,
    find: 'log({ level: "error", message: "metrics cannot be read", fields: { error: text } });',
    put: "throw error;",
    tests: ofTelemetry,
    why: "a counter that cannot be read ends the gateway",
  },
  {
    file: tracer,
    find: "    if (parent === undefined) return take(message);\n    const span",
    put: "    const span",
    tests: ofTelemetry,
    why: "every message has a span",
  },
  {
    file: tracer,
    find: "this.end(span, facts, this.#refused.get(message));",
    put: "this.end(span, facts);",
    tests: ofTelemetry,
    why: "the span of a message that reaches nobody says that all is well",
  },
  {
    file: tracer,
    find: "    open.delete(record.connectionId);\n",
    put: "",
    tests: ["tests/gateway/telemetry/traced_frames_test.ts"],
    why: "the span of each connection is remembered for ever",
  },
  {
    file: frames,
    find: "this.#left = untilNext(this.#traces.ratio);\n    return true;",
    put: "return true;",
    tests: ofTelemetry,
    why: "after the first one every frame is traced",
  },
  {
    file: frames,
    find: "        observer.stored?.(message);\n",
    put: "",
    tests: ["tests/gateway/telemetry/traced_frames_test.ts"],
    why: "a traced frame is never known to be stored",
  },
  {
    file: context,
    find: "return (Number.parseInt(flags, 16) & 1) === 1 ? { traceId, spanId } : undefined;",
    put: "return { traceId, spanId };",
    tests: ofTelemetry,
    why: "what nobody records has spans",
  },
  {
    file: protobuf,
    find: "this.#buffer.length * 2 + bytes",
    put: "this.#buffer.length * 2",
    tests: ["tests/gateway/telemetry/protobuf_test.ts"],
    why: "a text longer than the buffer does not fit",
  },
];
