/**
 * The spans of one endpoint: of its connections, of some of their frames on their way to the bus, and of messages for its
 * sockets whose sender has asked for it with `traceparent`.
 *
 * Made by `telemetry.ts`; used by the endpoint's traffic, which pays nothing where there is none.
 */
import type { TerminationRecord } from "../../connection/termination.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { Bus, BusHandler, BusMessage } from "../buses/bus.ts";
import type { EndpointConfig } from "../config/endpoint_config.ts";
import type { TraceRatios } from "../config/telemetry.ts";
import type { FrameConnection } from "../endpoint.ts";
import { attributesOf, short } from "./attributes.ts";
import { connectionFacts } from "./connection_facts.ts";
import { nanoseconds, type Span } from "./otlp.ts";
import type { BegunSpan, SpanFailure, SpanParents, SpanRecorder } from "./span_recorder.ts";
import { newContext, recordedParent, type SpanContext, traceparent } from "./trace_context.ts";
import { TracedFrames } from "./traced_frames.ts";

/** What a tracer is made of. */
interface TracerSettings {
  readonly endpoint: EndpointConfig;
  readonly ratios: TraceRatios;
  /** Name of the bus. */
  readonly bus: string;
  /** The spans of open connections by the connection's id, for log records. */
  readonly open: Map<string, SpanContext>;
  /** Takes the spans. */
  readonly export: (span: Span) => void;
}

/** Of one endpoint. */
export class Tracer implements SpanRecorder {
  readonly #settings: TracerSettings;
  readonly #clock: Clock;
  /** Messages on their way to sockets that were not delivered. */
  readonly #refused: WeakMap<BusMessage, SpanFailure> = new WeakMap();

  constructor(settings: TracerSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** A connection has been accepted; what it gives takes the frames that are traced. */
  connection(connection: FrameConnection, outlet: Pick<Bus, "publish">): TracedFrames {
    const { endpoint, ratios } = this.#settings;
    const traced = Math.random() < ratios.connections;
    const context = traced ? newContext() : undefined;
    if (context !== undefined) {
      this.#settings.open.set(connection.id, context);
      void connection.closed.then((record) => this.#ended(context, record));
    }
    return new TracedFrames(this, outlet, {
      ratio: ratios.frames,
      link: context,
      facts: {
        "messaging.system": this.#settings.bus,
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.destination.template": endpoint.subjects.ingress,
        "millrace.endpoint": endpoint.name,
        "conn.id": connection.id,
      },
    });
  }

  /** A message for a socket: `take` sends it. */
  message(message: BusMessage, take: BusHandler): void | Promise<void> {
    const parent = recordedParent(message.metadata[traceparent]);
    if (parent === undefined) return take(message);
    const span = this.begin("millrace.message", 5, { parent });
    const wait = take(message);
    if (wait === undefined) return this.#delivered(span, message);
    return wait.finally(() => this.#delivered(span, message));
  }

  /** Tells of a message that no socket took. */
  refused(message: BusMessage, type: string, text: string): void {
    if (message.metadata[traceparent] !== undefined) this.#refused.set(message, { type, message: text });
  }

  begin(name: string, kind: Span["kind"], { parent, link }: SpanParents): BegunSpan {
    const start = this.#clock.wallTime();
    return {
      context: newContext(parent?.traceId),
      parent,
      link,
      name,
      kind,
      start,
      began: this.#clock.now(),
    };
  }

  end(
    { context, parent, link, name, kind, start, began }: BegunSpan,
    facts: Readonly<Record<string, unknown>>,
    failure?: SpanFailure | undefined,
  ): void {
    this.#export(
      { ...context, ...(parent !== undefined && { parentSpanId: parent.spanId }), name, kind },
      [start, start + this.#clock.now() - began],
      { ...facts, "error.type": failure?.type },
      failure,
      link,
    );
  }

  #delivered(span: BegunSpan, message: BusMessage): void {
    const { endpoint, bus } = this.#settings;
    const facts = {
      "messaging.system": bus,
      "messaging.operation.name": "deliver",
      "messaging.operation.type": "process",
      "messaging.destination.name": message.subject,
      "messaging.message.body.size": message.payload.length,
      "millrace.endpoint": endpoint.name,
      "conn.id": message.metadata["conn.id"],
    };
    this.end(span, facts, this.#refused.get(message));
  }

  #ended(context: SpanContext, record: TerminationRecord): void {
    const { endpoint: { name, mode }, open } = this.#settings;
    const { startedAt, durationMs, error, reason, message } = record;
    open.delete(record.connectionId);
    const kind = mode === "server" ? 2 : 3;
    this.#export(
      { ...context, name: "millrace.connection", kind },
      [startedAt, startedAt + durationMs],
      { "millrace.endpoint": name, ...connectionFacts(record) },
      error === undefined ? undefined : { type: reason, message },
    );
  }

  #export(
    own: Pick<Span, "traceId" | "spanId" | "parentSpanId" | "name" | "kind">,
    [start, end]: readonly [number, number],
    facts: Readonly<Record<string, unknown>>,
    failure: SpanFailure | undefined,
    link?: SpanContext | undefined,
  ): void {
    this.#settings.export({
      ...own,
      startTimeUnixNano: nanoseconds(start),
      endTimeUnixNano: nanoseconds(Math.max(start, end)),
      attributes: attributesOf(facts),
      ...(link !== undefined && { links: [link] }),
      status: failure === undefined
        ? {}
        : { code: 2, ...(failure.message !== undefined && { message: short(failure.message) }) },
    });
  }
}
