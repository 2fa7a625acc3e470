/** Log records as those of OTLP. */
import type { LogRecord } from "../../core/logger.ts";
import { attributesOf } from "./attributes.ts";
import { nanoseconds, type OtlpLogRecord } from "./otlp.ts";
import type { SpanContext } from "./trace_context.ts";

/** Severities from the least to the greatest, with their numbers. */
export const severities: Readonly<Record<LogRecord["level"], number>> = {
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
};

/** One record at this time on the wall clock, and its span. `error` among its fields is an exception. */
export function otlpLogRecord(
  { level, message, fields }: LogRecord,
  now: number,
  span?: SpanContext | undefined,
): OtlpLogRecord {
  const { error, ...others } = fields;
  const time = nanoseconds(now);
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: severities[level],
    severityText: level.toUpperCase(),
    body: { stringValue: message },
    attributes: attributesOf({ ...exceptionFacts(error), ...others }),
    ...span,
  };
}

/** An error in the words of OpenTelemetry. */
export function exceptionFacts(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { "exception.message": error };
  const { name, message, stack } = error;
  return { "exception.type": name, "exception.message": message, "exception.stacktrace": stack };
}
