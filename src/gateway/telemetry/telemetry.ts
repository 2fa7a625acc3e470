/**
 * What a gateway tells a collector over OTLP: its metrics at an interval, its log records and spans as they come.
 *
 * Started by the gateway before anything else and stopped last. Loaded only where the configuration asks for it.
 */
import type { Logger, LogRecord } from "../../core/logger.ts";
import type { MetricSample } from "../../core/text/exposition.ts";
import type { Clock } from "../../core/time/clock.ts";
import { processId, runtimeName } from "../../host/process.ts";
import { version } from "../cli/version.ts";
import type { LogLevel } from "../config/config.ts";
import type { EndpointConfig } from "../config/endpoint_config.ts";
import type { TelemetryConfig } from "../config/telemetry.ts";
import { attributesOf } from "./attributes.ts";
import { Exporter, type ExporterSettings } from "./exporter.ts";
import { otlpLogRecord, severities } from "./logs.ts";
import { OtlpMetrics } from "./metrics.ts";
import type { Span } from "./otlp.ts";
import type { SignalName } from "./request.ts";
import type { SpanContext } from "./trace_context.ts";
import { Tracer } from "./tracer.ts";

/** How long a batch of log records or spans is sent again, in milliseconds. */
const retryFor = 300_000;

/** What telemetry is told of its gateway. */
interface TelemetryContext {
  readonly samples: () => Iterable<MetricSample>;
  readonly log: Logger;
  logLevel(): LogLevel;
  readonly clock: Clock;
}

/** Telemetry at work. */
export class Telemetry {
  readonly #config: TelemetryConfig;
  readonly #context: TelemetryContext;
  readonly #exporters: Map<SignalName, Exporter> = new Map();
  readonly #metrics: OtlpMetrics;
  readonly #open: Map<string, SpanContext> = new Map();
  #timer: unknown = undefined;

  constructor(config: TelemetryConfig, context: TelemetryContext) {
    const { clock, log } = context;
    this.#config = config;
    this.#context = context;
    this.#metrics = new OtlpMetrics(clock.wallTime());
    const { endpoint, headers, protocol: encoding, timeout, maxQueue, interval } = config;
    const [runtime, runtimeVersion] = runtimeName().split(" ");
    const resource = attributesOf({
      "service.name": "millrace",
      "service.version": version,
      "service.instance.id": crypto.randomUUID(),
      "process.pid": processId(),
      "process.runtime.name": runtime,
      "process.runtime.version": runtimeVersion,
      ...config.resource,
    });
    const common = { headers, encoding, timeout, maxQueue, resource };
    const own = (signal: SignalName): ExporterSettings => ({
      ...common,
      signal,
      url: `${endpoint}/v1/${signal}`,
      // The next interval has newer ones.
      retryFor: signal === "metrics" ? interval / 2 : retryFor,
    });
    for (const signal of ["metrics", "logs", "traces"] as const) {
      if (config[signal]) this.#exporters.set(signal, new Exporter(own(signal), clock, log));
    }
    if (config.metrics) this.#arm();
  }

  /** The same logger, whose records go to the collector too, from the configured level up. */
  logger(log: Logger): Logger {
    const exporter = this.#exporters.get("logs");
    if (exporter === undefined) return log;
    const { logLevel, clock } = this.#context;
    return (record: LogRecord) => {
      const { level, fields } = record;
      if (severities[level] >= severities[logLevel()]) {
        const span = this.#open.get(fields["conn.id"] as string);
        exporter.push(otlpLogRecord(record, clock.wallTime(), span));
      }
      log(record);
    };
  }

  /** The tracer of an endpoint; undefined without traces. */
  tracer(endpoint: EndpointConfig, bus: string): Tracer | undefined {
    const [exporter, ratios] = [this.#exporters.get("traces"), this.#config.traces];
    if (exporter === undefined || ratios === undefined) return undefined;
    const settings = { endpoint, ratios, bus, open: this.#open, export: (span: Span) => exporter.push(span) };
    return new Tracer(settings, this.#context.clock);
  }

  /** What is counted of telemetry itself. */
  samples(): MetricSample[] {
    return [...this.#exporters.values()].flatMap((exporter) => {
      const { signal, sent, dropped, failures, pending } = exporter.stats();
      const sample = (
        what: string,
        type: MetricSample["type"],
        help: string,
        value: number,
      ): MetricSample => (
        { name: `millrace_telemetry_${what}`, help, type, value, labels: { signal } }
      );
      return [
        sample("sent_total", "counter", "Metrics, log records or spans that the collector has taken.", sent),
        sample(
          "dropped_total",
          "counter",
          "Metrics, log records or spans without room in the queue, or that the collector did not take.",
          dropped,
        ),
        sample("failures_total", "counter", "Requests to the collector that failed.", failures),
        sample("pending", "gauge", "Log records or spans that wait to be sent.", pending),
      ];
    });
  }

  /** Sends the last metrics and what else waits, for at most so long. Never rejects. */
  async close(ms: number): Promise<void> {
    this.#context.clock.clearTimer(this.#timer);
    await Promise.all(
      [...this.#exporters].map(([signal, exporter]) =>
        exporter.close(ms, signal === "metrics" ? this.#read() : [])
      ),
    );
  }

  #arm(): void {
    this.#timer = this.#context.clock.setTimer(() => {
      this.#arm();
      this.#exporters.get("metrics")!.replace(this.#read());
    }, this.#config.interval);
  }

  #read(): object[] {
    const { samples, clock, log } = this.#context;
    try {
      return this.#metrics.of(samples(), clock.wallTime());
    } catch (error) {
      // A bus of the user's own has counters of its own.
      const text = error instanceof Error ? error.message : String(error);
      log({ level: "error", message: "metrics cannot be read", fields: { error: text } });
      return [];
    }
  }
}
