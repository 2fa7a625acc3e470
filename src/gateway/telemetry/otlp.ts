/**
 * The values of OTLP that are sent, in the words of its JSON: each is that text as it is, and `protobuf.ts` writes it as
 * Protocol Buffers.
 *
 * https://opentelemetry.io/docs/specs/otlp/
 */

/** 64-bit integers are text in JSON, and numbers that are not finite. */
type Integer = string;
type Double = number | string;

/** A value of an attribute. */
export interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: Integer;
  readonly doubleValue?: Double;
}

/** An attribute. */
export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

/** One number at one time. */
export interface NumberPoint {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano?: Integer;
  readonly timeUnixNano: Integer;
  readonly asInt?: Integer;
  readonly asDouble?: Double;
}

/** Count and sum of values, without their distribution. */
export interface HistogramPoint {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano: Integer;
  readonly timeUnixNano: Integer;
  readonly count: Integer;
  readonly sum: Double;
  readonly bucketCounts: readonly Integer[];
}

/** All numbers of one name. */
export interface Metric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly gauge?: { readonly dataPoints: NumberPoint[] };
  readonly sum?: {
    readonly dataPoints: NumberPoint[];
    readonly aggregationTemporality: 2;
    readonly isMonotonic: true;
  };
  readonly histogram?: { readonly dataPoints: HistogramPoint[]; readonly aggregationTemporality: 2 };
}

/** One log record. */
export interface OtlpLogRecord {
  readonly timeUnixNano: Integer;
  readonly observedTimeUnixNano: Integer;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: AnyValue;
  readonly attributes: readonly KeyValue[];
  /** The span that it belongs to. */
  readonly traceId?: string;
  readonly spanId?: string;
}

/** One span. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: 2 | 3 | 4 | 5;
  readonly startTimeUnixNano: Integer;
  readonly endTimeUnixNano: Integer;
  readonly attributes: readonly KeyValue[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 2: an error. */
  readonly status: { readonly code?: 2; readonly message?: string };
}

/** Milliseconds as nanoseconds, exact to the microsecond. */
export function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}
