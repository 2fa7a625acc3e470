/** What a gateway tells a collector over OTLP: metrics, log records and spans (F-50, F-53). */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { memoryBus } from "../../../src/gateway/buses/memory_bus.ts";
import type { BusMessage } from "../../../src/gateway/buses/bus.ts";
import type { LogRecord } from "../../../src/core/logger.ts";
import type { MetricSample } from "../../../src/core/text/exposition.ts";
import { OtlpMetrics } from "../../../src/gateway/telemetry/metrics.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { eventually } from "../../support/eventually.ts";
import { it } from "../../support/it.ts";
import { attributesOf, OtlpReceiver } from "../../support/otlp_receiver.ts";
import { lineClient, read, startEcho } from "../support.ts";

const frames = { connections: 1, frames: 1 };

// deno-lint-ignore no-explicit-any
const named = (receiver: OtlpReceiver, name: string): any[] =>
  receiver.spans.filter((span: { readonly name: string }) => span.name === name);

describe("a gateway with telemetry", () => {
  for (const protocol of ["http/json", "http/protobuf"]) {
    it(`sends by ${protocol} every number that /metrics shows, under its name (F-50)`, async (t) => {
      const receiver = await OtlpReceiver.start(t);
      const telemetry = {
        endpoint: receiver.url,
        protocol,
        headers: { authorization: "Bearer x" },
        resource: { "service.name": "meters", "deployment.environment.name": "test" },
      };
      const { gateway, port } = await startEcho({ echo: true }, { telemetry });
      const client = await lineClient(port);
      await client.send("one");
      assert.deepEqual(await read(client, 1), ["one"]);
      await client.close();
      await gateway.close();
      assert.deepEqual(receiver.faults, []);

      const request = receiver.requests.find(({ signal }) => signal === "metrics")!;
      assert.equal(request.headers["authorization"], "Bearer x");
      const resource = attributesOf(request.value.resourceMetrics[0].resource);
      assert.equal(resource["service.name"], "meters");
      assert.equal(resource["deployment.environment.name"], "test");
      assert.match(String(resource["service.instance.id"]), /^[\da-f-]{36}$/);

      const { metrics } = receiver;
      // What telemetry counts of itself goes on while it is sent.
      const samples = gateway.samples().filter(({ name }) => !name.startsWith("millrace_telemetry_"));
      let checked = 0;
      for (const { name, help, type, value, labels } of samples) {
        const family = type === "summary" ? name.replace(/_(?:sum|count)$/, "") : name;
        const long = family.replace("millrace_", "millrace.");
        const short = long.replace(/_total$/, "").replace(/_(?:bytes|seconds)$/, "");
        // Two are not told apart by their endings alone.
        const metric = metrics.get(family === "millrace_memory_budget_exceeded_total" ? long : short);
        assert.equal(metric?.description, help, name);
        assert.equal(metric.unit, /bytes/.test(name) ? "By" : /seconds/.test(name) ? "s" : "1", name);
        const shape = metric.gauge ?? metric.sum ?? metric.histogram;
        assert.equal(metric.gauge !== undefined, type === "gauge", name);
        assert.equal(metric.sum !== undefined, type === "counter", name);
        assert.equal(metric.histogram !== undefined, type === "summary", name);
        if (type !== "gauge") assert.equal(shape.aggregationTemporality, 2);
        if (type === "counter") assert.equal(shape.isMonotonic, true);
        const points = shape.dataPoints.filter((point: never) => {
          const own = attributesOf(point);
          return Object.keys(own).length === Object.keys(labels).length &&
            Object.entries(labels).every(([key, label]) => own[key] === label);
        });
        assert.equal(points.length, 1, `${name} ${JSON.stringify(labels)}`);
        const [point] = points;
        if (type !== "gauge") assert.ok(BigInt(point.startTimeUnixNano) <= BigInt(point.timeUnixNano));
        if (name.endsWith("_count")) {
          assert.deepEqual([point.count, point.bucketCounts], [`${value}`, [`${value}`]]);
        } else assert.equal(Number(point.asInt ?? point.asDouble ?? point.sum), value, name);
        checked++;
      }
      assert.ok(checked > 40);
      const sent = metrics.get("millrace.telemetry_sent")!.sum.dataPoints.map(attributesOf);
      assert.deepEqual(sent, [{ signal: "metrics" }, { signal: "logs" }, { signal: "traces" }]);
    });
  }

  it("sends its log records from the configured level up, beside its own log (F-50)", async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const rest = { telemetry: { endpoint: receiver.url, traces: false }, log: { level: "warn" } };
    const { gateway, port, log } = await startEcho({ framing: { type: "lines", maxFrameBytes: 8 } }, rest);
    const client = await lineClient(port);
    await client.send("far too long for this endpoint");
    await client.closed;
    await gateway.close();
    assert.deepEqual(receiver.faults, []);
    const warnings = log.filter(({ level }) => level === "warn" || level === "error");
    assert.ok(warnings.length > 0 && warnings.length < log.length);
    assert.deepEqual(
      receiver.logRecords.map(({ body, severityText }) => [severityText.toLowerCase(), body.stringValue]),
      warnings.map(({ level, message }) => [level, message]),
    );
    const [record] = receiver.logRecords;
    assert.equal(record.severityNumber, 13);
    const facts = attributesOf(record);
    assert.equal(facts["endpoint"], "echo");
    assert.equal(facts["conn.id"], warnings[0]!.fields["conn.id"]);
    assert.equal(receiver.of("traces").length, 0);
  });

  it("sends a span for each connection, with how it ended (F-50, F-53)", async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const rest = { telemetry: { endpoint: receiver.url, traces: { frames: 0 } } };
    const { gateway, port } = await startEcho(
      { framing: { type: "lines", maxFrameBytes: 8 }, echo: true },
      rest,
    );
    const good = await lineClient(port);
    await good.send("one");
    await read(good, 1);
    const localPort = good.peer.local.transport === "tcp" ? good.peer.local.port : 0;
    await good.close();
    const bad = await lineClient(port);
    await bad.send("far too long for this endpoint");
    await bad.closed;
    await gateway.close();
    assert.deepEqual(receiver.faults, []);
    const spans = named(receiver, "millrace.connection");
    assert.equal(spans.length, receiver.spans.length);
    assert.equal(spans.length, 2);
    const [first, second] = spans;
    const facts = attributesOf(first);
    assert.deepEqual(
      [first.kind, first.status, facts["millrace.reason"], facts["network.peer.address"]],
      [2, {}, "peer_closed", "127.0.0.1"],
    );
    assert.deepEqual(
      [facts["network.peer.port"], facts["millrace.framesReceived"], facts["millrace.framesSent"]],
      [`${localPort}`, "1", "1"],
    );
    assert.ok(BigInt(first.endTimeUnixNano) >= BigInt(first.startTimeUnixNano));
    assert.match(first.traceId, /^[\da-f]{32}$/);
    assert.equal(second.status.code, 2);
    assert.equal(attributesOf(second)["error.type"], "frame_error");
    assert.equal(attributesOf(second)["exception.type"], "FrameError");
    assert.notEqual(second.traceId, first.traceId);
    for (const { traceId, spanId } of [first, second]) {
      const own = receiver.logRecords.filter((record) =>
        record.traceId === traceId && record.spanId === spanId
      );
      assert.ok(own.some(({ body }) => body.stringValue === "connection closed"), JSON.stringify(own));
    }
  });

  it("traces a frame from its arrival to its answer, across the services between (F-50)", async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const bus = memoryBus();
    const seen: BusMessage[] = [];
    bus.subscribe("millrace.echo.in", (message) => {
      seen.push(message);
      const { traceparent = "" } = message.metadata;
      // A service has a span of its own, whose parent is the frame's.
      const own = traceparent.replace(/-[\da-f]{16}-/, "-00f067aa0ba902b7-");
      return bus.publish({
        subject: message.reply!,
        payload: message.payload,
        metadata: { traceparent: own },
      });
    });
    const rest = { telemetry: { endpoint: receiver.url, traces: frames } };
    const { gateway, port } = await startEcho({}, rest, { bus });
    const client = await lineClient(port);
    for (const text of ["one", "two"]) await client.send(text);
    assert.deepEqual(await read(client, 2), ["one", "two"]);
    await client.close();
    await gateway.close();
    await bus.close();
    assert.deepEqual(receiver.faults, []);
    const [taken, sent] = [named(receiver, "millrace.frame"), named(receiver, "millrace.message")];
    const [connection] = named(receiver, "millrace.connection");
    assert.deepEqual([taken.length, sent.length], [2, 2]);
    for (const [index, frame] of taken.entries()) {
      assert.equal(seen[index]!.metadata["traceparent"], `00-${frame.traceId}-${frame.spanId}-01`);
      assert.deepEqual(frame.links, [{ traceId: connection.traceId, spanId: connection.spanId }]);
      assert.deepEqual([frame.kind, frame.parentSpanId], [4, undefined]);
      const facts = attributesOf(frame);
      assert.equal(facts["messaging.destination.name"], "millrace.echo.in");
      assert.deepEqual([facts["messaging.message.body.size"], facts["millrace.seq"]], ["3", `${index + 1}`]);
      const answer = sent.find(({ traceId }) => traceId === frame.traceId);
      assert.deepEqual([answer.kind, answer.parentSpanId, answer.status], [5, "00f067aa0ba902b7", {}]);
      assert.ok(BigInt(answer.startTimeUnixNano) >= BigInt(frame.startTimeUnixNano));
    }
    assert.notEqual(taken[0].traceId, taken[1].traceId);
  });

  it("answers an echo in the trace of its frame, and tells of messages that reach nobody (F-50)", async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const bus = memoryBus();
    const rest = { telemetry: { endpoint: receiver.url, traces: frames } };
    const { gateway, port } = await startEcho({ echo: true }, rest, { bus });
    const client = await lineClient(port);
    await client.send("one");
    await read(client, 1);
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const headers = [
      `00-${traceId}-00f067aa0ba902b7-01`,
      // Not recorded, or not as the standard says.
      `00-${traceId}-00f067aa0ba902b7-00`,
      `00-${traceId}-0000000000000000-01`,
      `00-${traceId.toUpperCase()}-00f067aa0ba902b7-01`,
      `ff-${traceId}-00f067aa0ba902b7-01`,
      `00-${traceId}-00f067aa0ba902b7-01-more`,
      "",
    ];
    for (const traceparent of headers) {
      const metadata = { "conn.id": "nobody", traceparent };
      await bus.publish({ subject: "millrace.echo.out", payload: new Uint8Array(4), metadata });
    }
    await bus.flush();
    await client.close();
    await gateway.close();
    await bus.close();
    assert.deepEqual(receiver.faults, []);
    const [frame] = named(receiver, "millrace.frame");
    const [answer, lost, ...others] = named(receiver, "millrace.message");
    assert.deepEqual([answer.traceId, answer.parentSpanId], [frame.traceId, frame.spanId]);
    assert.deepEqual([lost.traceId, lost.parentSpanId, lost.status.code], [traceId, "00f067aa0ba902b7", 2]);
    assert.equal(attributesOf(lost)["error.type"], "unknown_connection");
    assert.match(lost.status.message, /no such connection is open/);
    assert.deepEqual(others, []);
  });

  it("traces no frame and marks no message where it is not asked to (F-50)", async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const bus = memoryBus();
    const seen: BusMessage[] = [];
    bus.subscribe("millrace.echo.in", (message) => void seen.push(message));
    const telemetry = { endpoint: receiver.url, traces: { connections: 0, frames: 0 } };
    const { gateway, port } = await startEcho({ echo: true }, { telemetry }, { bus });
    const client = await lineClient(port);
    for (let count = 0; count < 100; count++) await client.send("x");
    await read(client, 100);
    await client.close();
    await gateway.close();
    await bus.close();
    assert.deepEqual(receiver.spans, []);
    assert.ok(seen.length === 100 && seen.every(({ metadata }) => !("traceparent" in metadata)));
  });

  it("traces the part of the frames that it is asked for (F-50)", async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const bus = memoryBus();
    let marked = 0;
    bus.subscribe("millrace.echo.in", ({ metadata }) => void (metadata["traceparent"] && marked++));
    const telemetry = { endpoint: receiver.url, traces: { connections: 0, frames: 0.5 } };
    const { gateway, port } = await startEcho({ echo: true }, { telemetry }, { bus });
    const client = await lineClient(port);
    for (let count = 0; count < 400; count++) await client.send("x");
    await read(client, 400);
    await client.close();
    await gateway.close();
    await bus.close();
    // Five standard deviations: once in a million times this is by chance.
    assert.ok(Math.abs(marked - 200) < 50, `${marked}`);
    assert.equal(named(receiver, "millrace.frame").length, marked);
    assert.equal(named(receiver, "millrace.frame")[0].links, undefined);
  });

  it("serves and stops as ever where no collector is there, and says so once (F-50)", async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const { url } = receiver;
    await receiver.stop();
    const { gateway, port, log } = await startEcho(
      { echo: true },
      { telemetry: { endpoint: url, traces: frames, maxQueue: 8 } },
    );
    const client = await lineClient(port);
    for (let count = 0; count < 600; count++) await client.send("x");
    await read(client, 600);
    await client.close();
    const { failure, destroyed } = await gateway.close({ deadline: "5s" });
    assert.deepEqual([failure, destroyed], [undefined, 0]);
    const count = (what: string, signal: string): number =>
      gateway.samples().find(({ name, labels }) =>
        name === `millrace_telemetry_${what}` && labels["signal"] === signal
      )!.value;
    assert.ok(count("dropped_total", "traces") >= 1_200);
    assert.equal(count("sent_total", "traces"), 0);
    assert.ok(count("failures_total", "metrics") >= 1);
    assert.equal(count("pending", "traces"), 0);
    const told = log.filter(({ message }) => message === "telemetry cannot be sent");
    assert.deepEqual(told.map(({ fields }) => fields["signal"]).toSorted(), ["logs", "metrics", "traces"]);
  });

  it("sends metrics at the interval, and survives counters that cannot be read (F-50)", async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const clock = new FakeClock();
    const { Telemetry } = await import("../../../src/gateway/telemetry/telemetry.ts");
    let value = 0;
    const config = {
      endpoint: receiver.url,
      headers: {},
      protocol: "http/json" as const,
      timeout: 10_000,
      interval: 15_000,
      metrics: true,
      logs: false,
      traces: undefined,
      maxQueue: 10,
      resource: {},
    };
    let broken = false;
    const samples = (): MetricSample[] => {
      if (broken) throw new Error("no counters");
      return [{ name: "a_total", help: "", type: "counter", value: ++value, labels: {} }];
    };
    const told: LogRecord[] = [];
    const log = (record: LogRecord) => void told.push(record);
    const telemetry = new Telemetry(config, { samples, log, logLevel: () => "info", clock });
    const sent = () =>
      telemetry.samples().find(({ name }) => name === "millrace_telemetry_sent_total")!.value;
    for (let times = 1; times <= 3; times++) {
      clock.advance(14_999);
      assert.equal(value, times - 1);
      clock.advance(1);
      await eventually(() => sent() === times, "metrics");
      assert.equal(receiver.metrics.get("a").sum.dataPoints[0].asInt, `${times}`);
      assert.equal(receiver.metrics.get("a").sum.dataPoints[0].startTimeUnixNano, "1704067200000000000");
    }
    broken = true;
    clock.advance(15_000);
    assert.deepEqual(told.map(({ fields }) => fields), [{ error: "no counters" }]);
    broken = false;
    await telemetry.close(2_000);
    assert.equal(receiver.metrics.get("a").sum.dataPoints[0].asInt, "4");
    assert.equal(clock.pendingTimers, 0);
  });
});

describe("numbers as metrics of OTLP", () => {
  it("begins a counter anew that is less than before, and knows when (F-50)", () => {
    const metrics = new OtlpMetrics(1_000);
    const at = (now: number, values: Readonly<Record<string, number>>) => {
      const samples = Object.entries(values).map(([endpoint, value]): MetricSample => (
        { name: "millrace_frames_total", help: "", type: "counter", value, labels: { endpoint } }
      ));
      return metrics.of(samples, now)[0]!.sum!.dataPoints.map((point) => point.startTimeUnixNano);
    };
    assert.deepEqual(at(2_000, { a: 5, b: 1 }), ["1000000000", "1000000000"]);
    assert.deepEqual(at(3_000, { a: 5, b: 2 }), ["1000000000", "1000000000"]);
    assert.deepEqual(at(4_000, { a: 1, b: 3 }), ["3000000000", "1000000000"]);
    assert.deepEqual(at(5_000, { a: 2, c: 1 }), ["3000000000", "1000000000"]);
  });

  it("has numbers that are no integers, or not finite (F-50)", () => {
    const values = [0.5, Number.NaN, Infinity, -Infinity, 2 ** 60];
    const [metric] = new OtlpMetrics(0).of(
      values.map((value) => ({ name: "x", help: "", type: "gauge", value, labels: {} })),
      1,
    );
    assert.deepEqual(metric!.gauge!.dataPoints.map((point) => point.asDouble), [
      0.5,
      "NaN",
      "Infinity",
      "-Infinity",
      2 ** 60,
    ]);
  });
});
