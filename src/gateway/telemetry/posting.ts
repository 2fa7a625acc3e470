/** One request to a collector, and what its answer means (OTLP 1, "OTLP/HTTP Response"). */
import type { Clock } from "../../core/time/clock.ts";
import { contentType, type Encoding, type PartialSuccess, partialSuccess } from "./request.ts";

/** Where requests go, and how. */
export interface Destination {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly encoding: Encoding;
  /** How long one request may take, in milliseconds. */
  readonly timeout: number;
}

/** What became of a request. */
export type Posted =
  | { readonly ok: true; readonly partial: PartialSuccess }
  | {
    readonly ok: false;
    /** The same request may succeed later. */
    readonly retry: boolean;
    /** How long the collector asks to wait, in milliseconds. */
    readonly after: number;
    readonly why: string;
  };

const retryable: readonly number[] = [429, 502, 503, 504];
/** More of an answer than this is not read. */
const mostBytes = 64 * 1024;
/** A collector that asks for a longer wait gets this one, in milliseconds. */
const longestWait = 300_000;

/** Sends one request; never rejects. `stop` ends it early. */
export async function post(
  { url, headers, encoding, timeout }: Destination,
  body: string | Uint8Array<ArrayBuffer>,
  clock: Clock,
  stop: AbortController,
): Promise<Posted> {
  const timer = clock.setTimer(() => stop.abort(new Error(`no answer within ${timeout} ms`)), timeout);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, "content-type": contentType(encoding) },
      body,
      redirect: "manual",
      signal: stop.signal,
    });
    const answer = await beginning(response);
    if (response.ok) return { ok: true, partial: partialSuccess(encoding, answer) };
    return {
      ok: false,
      retry: retryable.includes(response.status),
      after: retryAfter(response.headers.get("retry-after"), clock),
      why: `the collector answered ${response.status} ${response.statusText}`.trimEnd(),
    };
  } catch (error) {
    return {
      ok: false,
      retry: true,
      after: 0,
      why: textOf(stop.signal.aborted ? stop.signal.reason : error),
    };
  } finally {
    clock.clearTimer(timer);
  }
}

/** As much of an answer as is of use. */
async function beginning(response: Response): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const bytes = new Uint8Array(mostBytes);
  let length = 0;
  for (;;) {
    const chunk = await reader?.read();
    if (chunk?.value === undefined) return bytes.subarray(0, length);
    const part = chunk.value.subarray(0, mostBytes - length);
    bytes.set(part, length);
    length += part.length;
    if (length === mostBytes) {
      await reader?.cancel();
      return bytes;
    }
  }
}

/** Seconds, or a date (RFC 9110, section 10.2.3), as milliseconds from now. */
function retryAfter(value: string | null, clock: Clock): number {
  if (value === null) return 0;
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - clock.wallTime();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), longestWait);
}

/** What went wrong; `fetch` says so in its cause. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== ""
    ? `${error.message}: ${cause.message}`
    : error.message;
}
