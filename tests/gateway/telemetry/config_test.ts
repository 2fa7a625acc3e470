/** The key `telemetry`, and the variables of OpenTelemetry (F-50, F-54). */
import assert from "node:assert/strict";
import process from "node:process";
import { describe } from "node:test";
import { connectionFacts } from "../../../src/gateway/telemetry/connection_facts.ts";
import { checkConfig, parseConfig } from "../../../src/gateway/config/config.ts";
import { it } from "../../support/it.ts";
import { pageText } from "../../support/page.ts";
import { configOf } from "../support.ts";

const endpoints = [{ name: "echo", listen: 3034 }];
const read = (telemetry?: unknown) =>
  configOf({ endpoints, ...(telemetry !== undefined && { telemetry }) }).telemetry;

function faults(
  telemetry: unknown,
): (readonly [path: string, found: unknown, expected: string, hint: string | undefined])[] {
  const result = checkConfig({ endpoints, telemetry });
  assert.ok(!result.ok);
  return result.faults.map(({ path, found, expected, hint }) => [path, found, expected, hint]);
}

/** Runs this with these variables and no others of OpenTelemetry. */
function withVariables<T>(variables: Readonly<Record<string, string>>, run: () => T): T {
  const before = Object.entries(process.env).filter(([name]) => name.startsWith("OTEL_"));
  for (const [name] of before) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    return run();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, Object.fromEntries(before));
  }
}

describe("telemetry in a configuration", () => {
  it("is off unless it is asked for, and has a default for everything (F-50)", () => {
    withVariables({}, () => {
      assert.equal(read(), undefined);
      assert.deepEqual(read({}), {
        endpoint: "http://127.0.0.1:4318",
        headers: {},
        protocol: "http/protobuf",
        timeout: 10_000,
        interval: 60_000,
        metrics: true,
        logs: true,
        traces: { connections: 1, frames: 0.01 },
        maxQueue: 2048,
        resource: {},
      });
    });
  });

  it("takes each key (F-50)", () => {
    withVariables({}, () => {
      assert.deepEqual(
        read({
          endpoint: "https://collector.example.org/otlp/",
          headers: { "x-key": 7 },
          protocol: "http/json",
          timeout: "5s",
          interval: "15s",
          metrics: false,
          logs: false,
          traces: { frames: 1 },
          maxQueue: 10,
          resource: { "service.name": "meters", shard: 3, canary: true },
        }),
        {
          endpoint: "https://collector.example.org/otlp",
          headers: { "x-key": "7" },
          protocol: "http/json",
          timeout: 5_000,
          interval: 15_000,
          metrics: false,
          logs: false,
          traces: { connections: 1, frames: 1 },
          maxQueue: 10,
          resource: { "service.name": "meters", shard: "3", canary: "true" },
        },
      );
      assert.equal(read({ traces: false })!.traces, undefined);
      assert.deepEqual(read({ traces: true })!.traces, { connections: 1, frames: 0.01 });
    });
  });

  it("reports every fault with its path (F-50, F-54)", () => {
    withVariables({}, () => {
      const wrong = {
        endpoint: "ftp://x",
        headers: { "a b": "1" },
        protocol: "grpc",
        timeout: 0,
        interval: "Infinity",
        metrics: "on",
        traces: { connections: 2, frame: 1 },
        maxQueue: 0,
        resource: { a: [] },
        endpont: 1,
      };
      assert.deepEqual(faults(wrong).map(([path]) => path).toSorted(), [
        "telemetry.endpoint",
        "telemetry.endpont",
        "telemetry.headers",
        "telemetry.interval",
        "telemetry.maxQueue",
        "telemetry.metrics",
        "telemetry.protocol",
        "telemetry.resource",
        "telemetry.timeout",
        "telemetry.traces.connections",
        "telemetry.traces.frame",
      ]);
      assert.deepEqual(faults(true).map(([path]) => path), ["telemetry"]);
      assert.match(faults({ endpoint: "http://u:p@x" })[0]![2], /without user and password/);
      for (
        const bad of [{ endpoint: "http://x/?a=1" }, { endpoint: "x" }, { resource: [] }, { traces: 0.5 }]
      ) {
        assert.equal(faults(bad).length, 1, JSON.stringify(bad));
      }
    });
  });

  it("takes from the variables of OpenTelemetry what the file leaves out (F-50)", () => {
    const variables = {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20x, x-key = 1",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_TIMEOUT: "5000",
      OTEL_METRIC_EXPORT_INTERVAL: "15000",
      OTEL_SERVICE_NAME: "meters",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=other,host.name=a%2Cb",
    };
    withVariables(variables, () => {
      const { endpoint, headers, protocol, timeout, interval, resource } = read({})!;
      assert.deepEqual([endpoint, protocol, timeout, interval], [
        "http://collector:4318",
        "http/json",
        5_000,
        15_000,
      ]);
      assert.deepEqual(headers, { authorization: "Bearer x", "x-key": "1" });
      assert.deepEqual(resource, { "service.name": "meters", "host.name": "a,b" });
      const own = read({ endpoint: "http://x", headers: {}, resource: { "service.name": "own" } })!;
      assert.deepEqual([own.endpoint, own.headers], ["http://x", {}]);
      assert.deepEqual(own.resource, { "service.name": "own", "host.name": "a,b" });
      assert.equal(read(), undefined, "variables alone turn nothing on");
    });
    withVariables({ OTEL_SDK_DISABLED: "TRUE" }, () => assert.equal(read({}), undefined));
  });

  it("says which variable a fault is in, and keeps headers to itself (F-50)", () => {
    const variables = {
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_EXPORTER_OTLP_TIMEOUT: "10s",
      OTEL_EXPORTER_OTLP_HEADERS: "secret",
      OTEL_RESOURCE_ATTRIBUTES: "a=%",
    };
    withVariables(variables, () => {
      assert.deepEqual(
        faults({}).map(([path, found, , hint]) => [path, found, hint]).toSorted(),
        [
          ["telemetry.headers", "OTEL_EXPORTER_OTLP_HEADERS", "it comes from OTEL_EXPORTER_OTLP_HEADERS"],
          ["telemetry.protocol", "grpc", "it comes from OTEL_EXPORTER_OTLP_PROTOCOL"],
          ["telemetry.resource", "a=%", "it comes from OTEL_RESOURCE_ATTRIBUTES"],
          ["telemetry.timeout", "10s", "it comes from OTEL_EXPORTER_OTLP_TIMEOUT"],
        ],
      );
    });
  });
});

describe("docs/telemetry.md", () => {
  const text = pageText("docs/telemetry.md");

  it("has a configuration that is read, and each key with its variable and its default (F-50)", () => {
    const [, yaml = ""] = /^```yaml\n(.*?)^```$/ms.exec(text) ?? [];
    withVariables({}, () => {
      const result = parseConfig(yaml, { format: "yaml" });
      assert.ok(result.ok);
      assert.equal(result.config.telemetry!.interval, 15_000);
      for (const key of Object.keys(read({})!)) assert.match(text, new RegExp(`^\\| \`${key}\` `, "m"));
    });
  });

  it("names every attribute of a connection (F-50)", () => {
    const local = { transport: "tcp", host: "127.0.0.1", port: 1 };
    const record = { peer: { local } } as unknown as Parameters<typeof connectionFacts>[0];
    for (const name of Object.keys(connectionFacts(record))) assert.ok(text.includes(`\`${name}\``), name);
  });
});
