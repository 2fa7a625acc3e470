/** Spans while they last: what `tracer.ts` does for `traced_frames.ts`. */
import type { Span } from "./otlp.ts";
import type { SpanContext } from "./trace_context.ts";

/** What a span belongs to. */
export interface SpanParents {
  readonly parent?: SpanContext | undefined;
  readonly link?: SpanContext | undefined;
}

/** A span that has begun. */
export interface BegunSpan extends SpanParents {
  readonly context: SpanContext;
  readonly name: string;
  readonly kind: Span["kind"];
  /** In milliseconds since 1970. */
  readonly start: number;
  /** The same moment on the clock that measures. */
  readonly began: number;
}

/** How a span ended. */
export interface SpanFailure {
  readonly type: string;
  readonly message: string | undefined;
}

/** Takes spans from their beginning to their end. */
export interface SpanRecorder {
  begin(name: string, kind: Span["kind"], parents: SpanParents): BegunSpan;
  end(span: BegunSpan, facts: Readonly<Record<string, unknown>>, failure?: SpanFailure | undefined): void;
}
