/** The body of a request to a collector, and what it answers of what it did not take. */
import { version } from "../cli/version.ts";
import type { KeyValue } from "./otlp.ts";
import { protobuf } from "./protobuf.ts";

/** What is sent. */
export type SignalName = "traces" | "metrics" | "logs";
/** How it is written. */
export type Encoding = "http/protobuf" | "http/json";

const scope = { name: "millrace", version };

const wraps = {
  traces: ["Traces", "resourceSpans", "scopeSpans", "spans"],
  metrics: ["Metrics", "resourceMetrics", "scopeMetrics", "metrics"],
  logs: ["Logs", "resourceLogs", "scopeLogs", "logRecords"],
} as const;

/** `Content-Type` of a request. */
export function contentType(encoding: Encoding): string {
  return encoding === "http/json" ? "application/json" : "application/x-protobuf";
}

/** The body of a request with these items. */
export function requestBody(
  signal: SignalName,
  encoding: Encoding,
  resource: readonly KeyValue[],
  items: readonly object[],
): string | Uint8Array<ArrayBuffer> {
  const [message, outer, inner, list] = wraps[signal];
  const value = { [outer]: [{ resource: { attributes: resource }, [inner]: [{ scope, [list]: items }] }] };
  return encoding === "http/json" ? JSON.stringify(value) : protobuf(message, value);
}

/** What a collector did not take of a request that it accepted. */
export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

const allTaken: PartialSuccess = { rejected: 0, message: "" };

/** Reads the answer to a request that was accepted; what is not understood says nothing. */
export function partialSuccess(encoding: Encoding, body: Uint8Array): PartialSuccess {
  try {
    return encoding === "http/json" ? ofJson(body) : ofProtobuf(body);
  } catch {
    return allTaken;
  }
}

function ofJson(body: Uint8Array): PartialSuccess {
  const { partialSuccess: partial } = JSON.parse(new TextDecoder().decode(body)) as {
    partialSuccess?: Record<string, unknown>;
  };
  if (partial === undefined) return allTaken;
  const count = Object.entries(partial).find(([key]) => key.startsWith("rejected"))?.[1];
  return { rejected: Number(count) || 0, message: String(partial.errorMessage ?? "") };
}

/** `{ 1: { 1: varint, 2: text } }`, for all signals alike. */
function ofProtobuf(body: Uint8Array): PartialSuccess {
  let rejected = 0;
  let message = "";
  for (const [number, part] of fields(body)) {
    if (number !== 1 || typeof part === "number") continue;
    for (const [inner, value] of fields(part)) {
      if (inner === 1 && typeof value === "number") rejected = value;
      else if (inner === 2 && typeof value !== "number") message = new TextDecoder().decode(value);
    }
  }
  return { rejected, message };
}

/** Varints, and what has a length; others end it. */
function* fields(bytes: Uint8Array): Generator<[number: number, value: number | Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1;; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError("the answer ends within a number");
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7) === 0) yield [tag >>> 3, varint()];
    else if ((tag & 7) === 2) {
      const length = varint();
      yield [tag >>> 3, bytes.subarray(at, at += length)];
    } else return;
  }
}
