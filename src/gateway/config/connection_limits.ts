/**
 * The limits of the connections of an endpoint, in the words of the library.
 *
 * Read by `endpoint_config.ts` for servers and clients alike.
 */
import type { EgressPolicy } from "../../core/flow/outcome.ts";
import { type Read, readAll, Refusal, type Section } from "./section.ts";
import { isTable } from "./socket_place.ts";
import {
  boolean,
  byteRate,
  bytes,
  duration,
  finiteDuration,
  frameRate,
  minRate,
  oneOf,
  share,
  size,
  wait,
} from "./values.ts";

/** Settings of connections that the configuration has set; what is missing is left to the defaults. */
export interface ConnectionLimits {
  readonly idleTimeout?: number;
  readonly readIdleTimeout?: number;
  readonly writeIdleTimeout?: number;
  readonly firstFrameTimeout?: number;
  readonly frameTimeout?: number;
  readonly closeTimeout?: number;
  readonly lingerTimeout?: number;
  readonly ingressLimit?: number;
  readonly egressLimit?: number;
  readonly egressPolicy?: EgressPolicy;
  readonly noDelay?: boolean;
  readonly tcpKeepAlive?: false | "system" | number;
  readonly keepalive?: { readonly interval: number; readonly payload: Uint8Array };
  readonly maxLifetime?: { readonly after: number; readonly jitter?: number; readonly grace?: number };
  readonly goodbye?: Uint8Array;
  readonly goodbyeWait?: number;
  readonly minByteRate?: { readonly bytesPerSecond: number; readonly period?: number };
  readonly rateLimit?: { readonly bytesPerSecond?: number; readonly framesPerSecond?: number };
}

const policies: readonly EgressPolicy[] = ["wait", "drop-newest", "drop-oldest", "close"];

const limitReaders: Readonly<Record<string, Read<unknown>>> = {
  idleTimeout: duration,
  readIdleTimeout: duration,
  writeIdleTimeout: duration,
  firstFrameTimeout: duration,
  frameTimeout: duration,
  closeTimeout: duration,
  lingerTimeout: duration,
  goodbye: bytes,
  goodbyeWait: wait,
  ingressLimit: size,
  egressLimit: size,
  egressPolicy: oneOf(policies),
  noDelay: boolean,
  tcpKeepAlive: (value) => typeof value === "boolean" || value === "system" ? value : keepAliveDelay(value),
};

function keepAliveDelay(value: unknown): number {
  try {
    return finiteDuration(value);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(
      `true, false, "system", or the delay to the first probe, ${error.expected}`,
      error.hint,
    );
  }
}

/** What the section says of its connections. */
export function readLimits(section: Section): ConnectionLimits {
  const limits = readAll(section, limitReaders);
  const keepalive = section.table("keepalive", "a table with interval and payload", (table) => ({
    interval: table.require("interval", finiteDuration, 'the silence before it is sent, such as "30s"'),
    payload: table.require("payload", bytes, "the bytes to send, with the line end if there is one"),
  }));
  const rateLimit = section.table(
    "rateLimit",
    "a table with bytesPerSecond or framesPerSecond",
    (table) => readAll(table, { bytesPerSecond: byteRate, framesPerSecond: frameRate }),
  );
  const minByteRate = section.table(
    "minByteRate",
    'a table such as { bytesPerSecond: 100, period: "5s" }',
    (table) => ({
      bytesPerSecond: table.require(
        "bytesPerSecond",
        minRate,
        "bytes that must come each second, such as 100",
      ),
      ...readAll(table, { period: finiteDuration }),
    }),
  );
  const maxLifetime = readMaxLifetime(section);
  return {
    ...limits,
    ...(maxLifetime && { maxLifetime }),
    ...(keepalive && { keepalive }),
    ...(rateLimit && { rateLimit }),
    ...(minByteRate && { minByteRate }),
  } as ConnectionLimits;
}

/** A duration, or a table with more. */
function readMaxLifetime(section: Section): ConnectionLimits["maxLifetime"] {
  if (!isTable(section.raw("maxLifetime"))) {
    const after = section.take("maxLifetime", duration);
    return after === undefined ? undefined : { after };
  }
  return section.table("maxLifetime", "a duration, or a table with after", (table) => ({
    after: table.require("after", duration, 'how long a connection may be open, such as "1h"')!,
    ...readAll(table, { jitter: share, grace: duration }),
  }));
}
