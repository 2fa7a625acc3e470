// Servers of programs written with Effect: records go to the program's loggers, statistics are among its metrics.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Logger from "effect/Logger";
import * as Metric from "effect/Metric";
import { formatUnsafe } from "effect/observability/PrometheusMetrics";
import * as References from "effect/References";
import * as Scope from "effect/Scope";
import { connect, type EffectServeOptions, serve } from "../../effect.ts";
import { showMetrics } from "../../src/server/effect_metrics.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { serverRows } from "../../src/server/metrics.ts";
import type { Server } from "../../src/server/server.ts";
import { Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8", maxFrameBytes: 10 });

interface Heard {
  readonly level: string;
  readonly message: unknown;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Runs a server in a scope of its own, with these services; gives it, and what closes the scope. */
async function running(
  place: Virtual,
  options: Partial<EffectServeOptions<string>>,
  provide: (program: Effect.Effect<Server<string>, unknown, Scope.Scope>) => typeof program,
): Promise<{ server: Server<string>; stop: () => Promise<void> }> {
  const scope = Scope.makeUnsafe();
  const given = { port: 0, framing: utf8, onFrame: () => {}, adapter: place.adapter, clock: place.clock };
  const program = provide(serve<string>({ ...given, ...options } as EffectServeOptions<string>));
  const server = await place.drive(Effect.runPromise(Scope.provide(program, scope)));
  const stop = () => place.drive(Effect.runPromise(Scope.close(scope, Exit.void)));
  place.atEnd(stop);
  return { server, stop };
}

/** A logger, and what it has heard. */
function listening(fails?: () => never) {
  const heard: Heard[] = [];
  const logger = Logger.make(({ logLevel, message, fiber }) => {
    heard.push({ level: logLevel, message, facts: fiber.getRef(References.CurrentLogAnnotations) });
    fails?.();
  });
  const provide =
    (level: "All" | "Info" | "Error") =>
    <Value, Failure>(program: Effect.Effect<Value, Failure, Scope.Scope>) =>
      program.pipe(
        Effect.annotateLogs("service", "echo"),
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(References.MinimumLogLevel, level),
      );
  return { heard, provide };
}

test("records are messages at their level, and their facts are annotations beside the program's (F-53)", async (t) => {
  const place = new Virtual(t);
  const { heard, provide } = listening();
  const { server } = await running(place, {}, provide("All"));
  assert.deepEqual(heard.splice(0).map(({ level, message }) => `${level} ${String(message)}`), [
    "Info server running",
  ]);
  const peer = await place.dial(server);
  const [id] = server.connections.keys();
  peer.write("far too long for us\n");
  await place.settle();
  peer.end();
  await place.settle();
  const facts = {
    service: "echo",
    "conn.id": id,
    "peer.ip": "127.0.0.1",
    "peer.port": heard[0]!.facts["peer.port"],
  };
  assert.equal(typeof facts["peer.port"], "number");
  assert.deepEqual(heard[0], { level: "Debug", message: ["connection opened"], facts });
  assert.deepEqual(heard.map(({ level, message }) => `${level} ${String(message)}`), [
    "Debug connection opened",
    "Warn frame error",
    "Info connection closed",
  ]);
  const { facts: closed } = heard[2]!;
  assert.equal(closed.reason, "frame_error");
  assert.equal(closed.framesReceived, 0);
  assert.ok(!Object.values(closed).includes(undefined), "facts that are not there");
});

test("the program's minimum level holds, and a logger among the options is used instead (F-53)", async (t) => {
  const place = new Virtual(t);
  const { heard, provide } = listening();
  const own: string[] = [];
  const handler = () => Effect.fail("broken");
  const quiet = await running(place, { handler, onFrame: undefined } as object, provide("Error"));
  const other = await running(place, { logger: ({ message }) => void own.push(message) }, provide("All"));
  for (const { server } of [quiet, other]) (await place.dial(server)).end();
  await place.settle();
  assert.deepEqual(heard.map(({ level, message }) => `${level} ${String(message)}`), [
    "Error handler failed",
  ]);
  assert.match(String(heard[0]!.facts.error), /broken/);
  assert.deepEqual(own, ["server running", "connection opened", "connection closed"]);
});

test("a logger that throws harms nothing", async (t) => {
  const place = new Virtual(t);
  const { provide } = listening(() => {
    throw new Error("no more paper");
  });
  const { server } = await running(place, {}, provide("All"));
  const peer = await place.dial(server);
  peer.write("one\n");
  await place.settle();
  assert.equal(server.stats().framesReceived, 1);
});

/** A registry of its own, with attributes if there are any, and what it says. */
function registry(attributes?: Record<string, string>, entries: Metric.MetricRegistry = new Map()) {
  const provide = <Value, Failure>(program: Effect.Effect<Value, Failure, Scope.Scope>) => {
    const own = Effect.provideService(program, Metric.MetricRegistry, entries);
    return attributes === undefined
      ? own
      : Effect.provideService(own, Metric.CurrentMetricAttributes, attributes);
  };
  const services = Context.make(Metric.MetricRegistry, entries);
  const state = (id: string, wanted: Record<string, string> = {}) =>
    Metric.snapshotUnsafe(services).find((metric) =>
      metric.id === id && JSON.stringify(metric.attributes ?? {}) === JSON.stringify(wanted)
    )?.state;
  return { entries, provide, services, state };
}

test("statistics are metrics under the names of Prometheus, read when somebody asks (F-50)", async (t) => {
  const place = new Virtual(t);
  const { provide, services, state } = registry();
  const { server, stop } = await running(place, { logger: () => {} }, provide);
  const peer = await place.dial(server);
  peer.write("one\ntwo\n");
  await place.settle();
  assert.deepEqual(state("millrace_connections_active"), { value: 1 });
  assert.deepEqual(state("millrace_frames_received_total"), { count: 2, incremental: true });
  await place.settle();
  peer.write("three\n");
  await place.settle();
  peer.end();
  await place.settle();
  const text = formatUnsafe(services);
  for (const [name, type] of serverRows) {
    // Effect has no summaries of two numbers.
    const shown = type === "summary" ? "counter" : type;
    assert.match(text, new RegExp(`^# TYPE millrace_${name} ${shown}$`, "m"));
  }
  assert.match(text, /^millrace_connections_active 0$/m);
  assert.match(text, /^millrace_connections_closed_total\{key="peer_closed"\} 1$/m);
  await stop();
  // What has been counted stays when the server has gone.
  assert.deepEqual(state("millrace_frames_received_total"), { count: 3, incremental: true });
});

test("servers with the same attributes are added up, stopped ones too; others have metrics of their own (F-50)", async (t) => {
  const place = new Virtual(t);
  const plain = registry();
  const echo = registry({ endpoint: "echo" }, plain.entries);
  const options = { logger: () => {} };
  const one = await running(place, options, plain.provide);
  const two = await running(place, options, plain.provide);
  const other = await running(place, options, echo.provide);
  for (const { server } of [one, two, two, other]) (await place.dial(server)).write("x\n");
  await place.settle();
  assert.deepEqual(plain.state("millrace_connections_active"), { value: 3 });
  assert.deepEqual(plain.state("millrace_connections_active", { endpoint: "echo" }), { value: 1 });
  await place.drive(two.server.destroy());
  await place.settle();
  assert.deepEqual(plain.state("millrace_connections_active"), { value: 1 });
  assert.deepEqual(plain.state("millrace_frames_received_total"), { count: 3, incremental: true });
  assert.deepEqual(plain.state("millrace_connections_closed_total"), {
    occurrences: new Map([["shutdown", 2]]),
  });
});

test("a snapshot sums the statistics of a server once, for all metrics", async () => {
  const { services } = registry();
  let sums = 0;
  const stats = {
    closedByReason: {},
    connectionsRejectedByReason: {},
    handshakesFailedByReason: {},
    listenerErrorsByReason: {},
  } as ReturnType<Server<string>["stats"]>;
  const stop = showMetrics({ stats: () => (sums++, stats) }, services);
  assert.equal(sums, 0);
  Metric.snapshotUnsafe(services);
  assert.equal(sums, 1);
  await Promise.resolve();
  Metric.snapshotUnsafe(services);
  assert.equal(sums, 2);
  stop();
});

test("what is the process's own, or the last drain's, is not added up", () => {
  const { services, state } = registry();
  const stats = {
    closedByReason: {},
    handshakesFailedByReason: {},
    listenerErrorsByReason: {},
    connectionsRejectedByReason: {},
    stalls: 3,
    // Of a budget that both share.
    memoryExceeded: true,
    memoryEpisodes: 2,
    drainMs: 2_000,
    outboxBytes: 7,
  };
  const counting = { stats: () => stats as unknown as ReturnType<Server<string>["stats"]> };
  const stop = showMetrics(counting, services);
  showMetrics({ ...counting }, services);
  stop();
  assert.deepEqual(state("millrace_event_loop_stalls_total"), { count: 3, incremental: true });
  assert.deepEqual(state("millrace_drain_seconds"), { value: 2 });
  assert.deepEqual(state("millrace_memory_budget_exceeded"), { value: 1 });
  assert.deepEqual(state("millrace_memory_budget_exceeded_total"), { count: 2, incremental: true });
  assert.deepEqual(state("millrace_outbox_bytes"), { value: 7 });
});

test("a client adds no metrics to those of servers", async (t) => {
  const place = new Virtual(t);
  const { entries, provide } = registry();
  const server = await place.serve({ framing: utf8, handler: () => {} });
  const { port } = server.address as { port: number };
  const program = provide(connect({ port, framing: utf8, adapter: place.adapter, clock: place.clock }));
  await place.drive(Effect.runPromise(Effect.scoped(Effect.asVoid(program))));
  assert.equal(entries.size, 0);
});
