/**
 * The key `telemetry`: where metrics, log records and spans go over OTLP.
 *
 * Used by `config.ts`. What the file leaves out may be said by the variables of OpenTelemetry.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
import { environment } from "../../host/environment.ts";
import { type Read, Refusal, type Section } from "./section.ts";
import { boolean, finiteDuration, integer, oneOf, share } from "./values.ts";

/** Which part of connections and frames is traced, from 0 to 1. */
export interface TraceRatios {
  readonly connections: number;
  readonly frames: number;
}

/** Telemetry over OTLP. */
export interface TelemetryConfig {
  /** Such as `http://127.0.0.1:4318`; `/v1/traces` and so on follow. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: "http/protobuf" | "http/json";
  /** How long one request may take, in milliseconds. */
  readonly timeout: number;
  /** Between two exports of metrics, in milliseconds. */
  readonly interval: number;
  readonly metrics: boolean;
  readonly logs: boolean;
  /** Undefined for none. */
  readonly traces: TraceRatios | undefined;
  /** Log records that may wait, and spans. */
  readonly maxQueue: number;
  /** Attributes of the gateway. */
  readonly resource: Readonly<Record<string, string>>;
}

const standardRatios: TraceRatios = { connections: 1, frames: 0.01 };

/** Reads the key; undefined where it is not there, or where `OTEL_SDK_DISABLED` is true. */
export function readTelemetry(section: Section): TelemetryConfig | undefined {
  const config = section.table(
    "telemetry",
    'a table such as { endpoint: "http://127.0.0.1:4318" }, or {} for that one',
    (table): TelemetryConfig => {
      const take = <T>(key: string, variable: string, read: Read<T>, ofText: Read<T> = read) =>
        table.take(key, read) ?? (table.has(key) ? undefined : ofVariable(table, key, variable, ofText));
      return {
        endpoint: take("endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint) ?? "http://127.0.0.1:4318",
        headers: take("headers", "OTEL_EXPORTER_OTLP_HEADERS", headers, (text) => headers(pairs(text))) ?? {},
        protocol: take("protocol", "OTEL_EXPORTER_OTLP_PROTOCOL", oneOf(["http/protobuf", "http/json"])) ??
          "http/protobuf",
        timeout: take("timeout", "OTEL_EXPORTER_OTLP_TIMEOUT", finiteDuration, milliseconds) ?? 10_000,
        interval: take("interval", "OTEL_METRIC_EXPORT_INTERVAL", finiteDuration, milliseconds) ?? 60_000,
        metrics: table.take("metrics", boolean) ?? true,
        logs: table.take("logs", boolean) ?? true,
        traces: readTraces(table),
        maxQueue: table.take("maxQueue", integer(1, 1_000_000)) ?? 2048,
        resource: readResource(table),
      };
    },
  );
  // Who does not ask for telemetry is not asked for the environment.
  const disabled = config !== undefined && variable("OTEL_SDK_DISABLED")?.trim().toLowerCase() === "true";
  return disabled ? undefined : config;
}

function readTraces(table: Section): TraceRatios | undefined {
  const given = table.raw("traces");
  if (typeof given === "boolean" || given === undefined) return given === false ? undefined : standardRatios;
  return table.table("traces", "true, false, or a table such as { connections: 1, frames: 0.01 }", (own) => ({
    connections: own.take("connections", share) ?? standardRatios.connections,
    frames: own.take("frames", share) ?? standardRatios.frames,
  }));
}

function readResource(table: Section): Record<string, string> {
  const ofPairs: Read<Record<string, string>> = (text) => texts(pairs(text));
  const name = variable("OTEL_SERVICE_NAME");
  return {
    ...ofVariable(table, "resource", "OTEL_RESOURCE_ATTRIBUTES", ofPairs),
    ...(name !== undefined && { "service.name": name }),
    ...table.take("resource", texts),
  };
}

const endpoint: Read<string> = (value) => {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  const plain = url !== undefined && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
  if (!plain) throw new Refusal('the URL of a collector, such as "http://127.0.0.1:4318"');
  if (url.username !== "" || url.password !== "") {
    throw new Refusal("a URL without user and password", "put an authorization into headers");
  }
  return url.href.replace(/\/+$/, "");
};

/** A table of texts; numbers and truth are written as such. */
const texts: Read<Record<string, string>> = (value) => {
  const table = typeof value === "object" && value !== null && !Array.isArray(value);
  const entries: [string, unknown][] = table ? Object.entries(value) : [["", undefined]];
  return Object.fromEntries(entries.map(([key, item]) => {
    if (!["string", "number", "boolean"].includes(typeof item)) {
      throw new Refusal("a table of names and texts");
    }
    return [key, String(item)];
  }));
};

const headers: Read<Record<string, string>> = (value) => {
  const given = texts(value);
  try {
    void new Headers(given);
  } catch {
    throw new Refusal("a table of names and values that an HTTP header may have");
  }
  return given;
};

/** `a=1,b=2`, where values are percent-encoded, as in the header `baggage`. */
function pairs(value: unknown): Record<string, string> {
  const items = String(value).split(",").map((item) => item.trim()).filter((item) => item !== "");
  return Object.fromEntries(items.map((item) => {
    const at = item.indexOf("=");
    if (at < 1) throw new Refusal("pairs such as a=1,b=2");
    try {
      return [item.slice(0, at).trim(), decodeURIComponent(item.slice(at + 1).trim())];
    } catch {
      throw new Refusal("pairs such as a=1,b=2, with values that are percent-encoded");
    }
  }));
}

const milliseconds: Read<number> = (value) => {
  const number = Number(value);
  if (Number.isFinite(number) && number > 0) return number;
  throw new Refusal("a number of milliseconds");
};

/** The value of a variable; nothing where it is not set. */
function ofVariable<T>(table: Section, key: string, name: string, read: Read<T>): T | undefined {
  const text = variable(name);
  if (text === undefined) return undefined;
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // What is in headers may be a secret.
    table.refuse(key, key === "headers" ? name : text, error.expected, `it comes from ${name}`);
    return undefined;
  }
}

/** A variable that is not empty; none where this process may not read it. */
function variable(name: string): string | undefined {
  try {
    return environment()[name] || undefined;
  } catch {
    return undefined;
  }
}
