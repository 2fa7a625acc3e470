/**
 * What one connection had counted when its rates were last taken, and those rates.
 *
 * `server/rates.ts` gives one to each session that it looks at. A silent connection costs four comparisons a look.
 */
import type { ConnectionRates } from "./connection_options.ts";

/** Counters that only grow. */
interface Counts {
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly framesReceived: number;
  readonly framesSent: number;
}

/** Where a connection counts. */
interface Counting {
  readonly pipeline: { readonly bytesReceived: number; readonly framesReceived: number };
  readonly outbox: { readonly bytesSent: number; readonly framesSent: number };
}

/** One connection's counters as they were. */
export class Tally implements Counts {
  bytesReceived = 0;
  bytesSent = 0;
  framesReceived = 0;
  framesSent = 0;
  /** Over the time between the last two looks. */
  rates: ConnectionRates = silence;

  /** Takes the counters down, `seconds` after the last time. */
  take({ pipeline, outbox }: Counting, seconds: number): void {
    const { bytesReceived, framesReceived } = pipeline;
    const { bytesSent, framesSent } = outbox;
    if (
      bytesReceived === this.bytesReceived && bytesSent === this.bytesSent &&
      framesReceived === this.framesReceived && framesSent === this.framesSent
    ) {
      this.rates = silence;
      return;
    }
    this.rates = perSecond({ bytesReceived, bytesSent, framesReceived, framesSent }, this, seconds);
    this.bytesReceived = bytesReceived;
    this.bytesSent = bytesSent;
    this.framesReceived = framesReceived;
    this.framesSent = framesSent;
  }
}

/** What was counted between two readings, for each second. */
export function perSecond(now: Counts, before: Counts, seconds: number): ConnectionRates {
  return {
    bytesReceivedPerSecond: (now.bytesReceived - before.bytesReceived) / seconds,
    bytesSentPerSecond: (now.bytesSent - before.bytesSent) / seconds,
    framesReceivedPerSecond: (now.framesReceived - before.framesReceived) / seconds,
    framesSentPerSecond: (now.framesSent - before.framesSent) / seconds,
  };
}

/** The rates of all connections that are silent. */
export const silence: ConnectionRates = {
  bytesReceivedPerSecond: 0,
  bytesSentPerSecond: 0,
  framesReceivedPerSecond: 0,
  framesSentPerSecond: 0,
};
