/**
 * One trace span per connection, through whichever tracer the surrounding Effect has.
 *
 * A registry's observer, made by `effects.ts`. A handler that is an Effect runs inside its connection's span.
 */
import * as Context from "effect/Context";
import * as Exit from "effect/Exit";
import * as Option from "effect/Option";
import * as Tracer from "effect/Tracer";
import type { Clock } from "../../core/time/clock.ts";
import type { FrameError } from "../../core/errors.ts";
import type { RegistryObserver } from "../registry.ts";
import type { Session } from "../session.ts";
import type { TerminationRecord } from "../termination.ts";

const nanosecondsPerMillisecond = 1_000_000;

/** The spans of the open connections. */
export class ConnectionSpans<Received, Sent, Data> implements RegistryObserver<Received, Sent, Data> {
  readonly #tracer: Tracer.Tracer;
  readonly #clock: Clock;
  readonly #kind: "server" | "client";
  readonly #spans: Map<object, Tracer.Span> = new Map();

  constructor(tracer: Tracer.Tracer, clock: Clock, kind: "server" | "client") {
    this.#tracer = tracer;
    this.#clock = clock;
    this.#kind = kind;
  }

  opened(session: Session<Received, Sent, Data>): void {
    const span = this.#tracer.span({
      name: "millrace.connection",
      parent: Option.none(),
      annotations: Context.empty(),
      links: [],
      startTime: this.#now(),
      kind: this.#kind,
      root: true,
      sampled: true,
    });
    const { ip, port } = session.transport.peer;
    span.attribute("conn.id", session.id);
    span.attribute("network.peer.address", ip);
    span.attribute("network.peer.port", port);
    this.#spans.set(session, span);
  }

  closed(session: Session<Received, Sent, Data>, record: TerminationRecord): void {
    const span = this.#spans.get(session);
    if (span === undefined) return;
    this.#spans.delete(session);
    const { reason, endedBy, endedWith, error } = record;
    const { bytesReceived, bytesSent, framesReceived, framesSent } = record;
    const facts = { reason, endedBy, endedWith, bytesReceived, bytesSent, framesReceived, framesSent };
    for (const [name, value] of Object.entries(facts)) span.attribute(`millrace.${name}`, value);
    span.end(this.#now(), error === undefined ? Exit.void : Exit.fail(error));
  }

  frameFailed(session: Session<Received, Sent, Data>, { reason, message }: FrameError): void {
    this.#spans.get(session)?.event("frame error", this.#now(), { reason, message });
  }

  handlerFailed(session: Session<Received, Sent, Data>, error: unknown): void {
    this.#spans.get(session)?.event("handler failed", this.#now(), { error: String(error) });
  }

  /** The services with which this connection's handler runs, given those of the server. */
  services(session: Session<Received, Sent, Data>, outer: Context.Context<never>): Context.Context<never> {
    const span = this.#spans.get(session);
    return span === undefined ? outer : Context.add(outer, Tracer.ParentSpan, span) as Context.Context<never>;
  }

  #now(): bigint {
    return BigInt(Math.round(this.#clock.wallTime() * nanosecondsPerMillisecond));
  }
}
