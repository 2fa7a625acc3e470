/**
 * A PROXY protocol header at the beginning of a stream, whichever its version: what the bytes so far come to.
 *
 * Called by `server/preface/preface.ts` with all bytes so far, each time that more have come.
 */
import { v2Signature } from "./proxy_info.ts";
import type { ProxyReading } from "./proxy_reading.ts";
import { readProxyV1 } from "./proxy_v1.ts";
import { readProxyV2 } from "./proxy_v2.ts";

const v1Start = Uint8Array.of(80, 82, 79, 88, 89, 32);

/** `maxBytes` is the longest header of version 2; of version 1 it is 107. */
export function readProxyHeader(bytes: Uint8Array, maxBytes: number): ProxyReading {
  if (bytes.length === 0) return { kind: "more" };
  const v1 = bytes[0] === v1Start[0];
  const start = v1 ? v1Start : v2Signature;
  for (let at = 0; at < start.length && at < bytes.length; at++) {
    if (bytes[at] !== start[at]) return { kind: "none" };
  }
  if (bytes.length < start.length) return { kind: "more" };
  return v1 ? readProxyV1(bytes) : readProxyV2(bytes, maxBytes);
}
