/**
 * The frames of one connection that are traced: each is published with `traceparent`, and its span lasts until the bus has
 * accepted it, or has stored it.
 *
 * Made by `tracer.ts`. The others go past it: whether one is due costs them a subtraction.
 */
import type { Bus, BusMessage, PublishObserver } from "../buses/bus.ts";
import type { BegunSpan, SpanFailure, SpanRecorder } from "./span_recorder.ts";
import { headerOf, type SpanContext, traceparent } from "./trace_context.ts";

/** What is said of each of them. */
interface FrameTraces {
  /** The part of the frames that is traced, at random. */
  readonly ratio: number;
  /** The span of the connection. */
  readonly link: SpanContext | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Stands in the place of a bus for the frames that are due. */
export class TracedFrames implements Pick<Bus, "publish"> {
  readonly #tracer: SpanRecorder;
  readonly #outlet: Pick<Bus, "publish">;
  readonly #traces: FrameTraces;
  /** Frames until one is traced. */
  #left: number;

  constructor(tracer: SpanRecorder, outlet: Pick<Bus, "publish">, traces: FrameTraces) {
    this.#tracer = tracer;
    this.#outlet = outlet;
    this.#traces = traces;
    this.#left = untilNext(traces.ratio);
  }

  /** Asked once for each frame: this one is to be published here. */
  get due(): boolean {
    if (--this.#left > 0) return false;
    this.#left = untilNext(this.#traces.ratio);
    return true;
  }

  publish(message: BusMessage, observer?: PublishObserver): void | Promise<void> {
    const { link } = this.#traces;
    const span = this.#tracer.begin("millrace.frame", 4, { link });
    const metadata = { ...message.metadata, [traceparent]: headerOf(span.context) };
    const traced = { ...message, metadata };
    if (observer !== undefined) return this.#outlet.publish(traced, this.#observed(span, message, observer));
    let wait: void | Promise<void>;
    try {
      wait = this.#outlet.publish(traced);
    } catch (error) {
      this.#end(span, message, failureOf(error));
      throw error;
    }
    if (wait === undefined) return this.#end(span, message);
    return wait.then(() => this.#end(span, message), (error: unknown) => {
      this.#end(span, message, failureOf(error));
      throw error;
    });
  }

  /** The observer knows the message as it was. */
  #observed(span: BegunSpan, message: BusMessage, observer: PublishObserver): PublishObserver {
    return {
      stored: () => {
        this.#end(span, message);
        observer.stored?.(message);
      },
      failed: (_, error) => {
        this.#end(span, message, failureOf(error));
        observer.failed?.(message, error);
      },
    };
  }

  #end(span: BegunSpan, { subject, payload, seq }: BusMessage, failure?: SpanFailure): void {
    const facts = {
      ...this.#traces.facts,
      "messaging.destination.name": subject,
      "messaging.message.body.size": payload.length,
      "millrace.seq": seq,
    };
    this.#tracer.end(span, facts, failure);
  }
}

/** How many frames to the next one, so that each is traced with this probability. */
function untilNext(ratio: number): number {
  if (ratio === 0) return Infinity;
  return ratio === 1 ? 1 : 1 + Math.floor(Math.log(1 - Math.random()) / Math.log(1 - ratio));
}

function failureOf(error: unknown): SpanFailure {
  if (!(error instanceof Error)) return { type: "_OTHER", message: String(error) };
  const { reason } = error as { readonly reason?: unknown };
  return { type: typeof reason === "string" ? reason : error.name, message: error.message };
}
