/**
 * Which trace a message belongs to: the header `traceparent`.
 *
 * https://www.w3.org/TR/trace-context/
 */
import { hexText } from "../../core/text/hex.ts";

/** A span, as others refer to it. */
export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
}

/** The key of a message's metadata. */
export const traceparent = "traceparent";

/** A new span: of this trace, or of a new one. */
export function newContext(traceId: string = randomHex(16)): SpanContext {
  return { traceId, spanId: randomHex(8) };
}

/** The header for a span that is recorded. */
export function headerOf({ traceId, spanId }: SpanContext): string {
  return `00-${traceId}-${spanId}-01`;
}

/** The span that a header names, if it is recorded; undefined for one that is not, and for no header. */
export function recordedParent(header: string | undefined): SpanContext | undefined {
  const match = header === undefined ? null : pattern.exec(header);
  if (match === null) return undefined;
  const [, version, traceId = "", spanId = "", flags = "0", rest] = match;
  // Later versions may say more behind the flags; this one may not, and there is no version ff.
  if (version === "ff" || (version === "00" && rest !== "")) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return (Number.parseInt(flags, 16) & 1) === 1 ? { traceId, spanId } : undefined;
}

const pattern = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(|-.*)$/;

function randomHex(bytes: number): string {
  return hexText(crypto.getRandomValues(new Uint8Array(bytes)));
}
