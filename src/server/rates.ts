/**
 * Rates and sizes once a second (F-51), for a server and for each of its connections. Counting starts when
 * somebody first asks, and costs nothing before.
 */
import type { Registry, Totals } from "../connection/registry.ts";
import type { Session } from "../connection/session.ts";
import { Deadline } from "../core/deadline.ts";
import type { ConnectionRates, RateSample } from "./server_options.ts";

const period = 1000;

interface Counts {
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly framesReceived: number;
  readonly framesSent: number;
}

/** Samples a registry. */
export class RateSampler<Received, Sent, Context> {
  readonly #registry: Registry<Received, Sent, Context>;
  readonly #report: (sample: RateSample) => void;
  readonly #timer: Deadline;
  #last: Totals;
  #lastAt: number;
  #counts: Map<Session<Received, Sent, Context>, Counts> = new Map();
  #rates: Map<string, ConnectionRates> = new Map();
  sample: RateSample;

  constructor(
    registry: Registry<Received, Sent, Context>,
    report: (sample: RateSample) => void,
  ) {
    this.#registry = registry;
    this.#report = report;
    this.#last = registry.totals();
    this.#lastAt = registry.clock.now();
    this.sample = this.#compare(this.#last, 1);
    this.#timer = new Deadline(registry.wheel, () => this.#tick());
    this.#timer.set(period);
  }

  /** Rates of one connection over the last second; zeros before its first whole second. */
  connection(id: string): ConnectionRates {
    return this.#rates.get(id) ?? idle;
  }

  stop(): void {
    this.#timer.unset();
  }

  #tick(): void {
    const now = this.#registry.clock.now();
    const seconds = Math.max(now - this.#lastAt, 1) / 1000;
    this.#lastAt = now;
    const totals = this.#registry.totals();
    this.sample = this.#compare(totals, seconds);
    this.#last = totals;
    const counts = new Map<Session<Received, Sent, Context>, Counts>();
    const rates = new Map<string, ConnectionRates>();
    for (const session of this.#registry.sessions) {
      const stats = session.connection.stats();
      counts.set(session, stats);
      rates.set(session.id, perSecond(stats, this.#counts.get(session) ?? none, seconds));
    }
    this.#counts = counts;
    this.#rates = rates;
    this.#timer.set(period);
    this.#report(this.sample);
  }

  #compare(totals: Totals, seconds: number): RateSample {
    return {
      at: this.#registry.clock.wallTime(),
      ...perSecond(totals, this.#last, seconds),
      connectionsPerSecond: (totals.opened - this.#last.opened) / seconds,
      connectionsActive: this.#registry.sessions.size,
      outboxBytes: totals.outboxBytes,
    };
  }
}

const none: Counts = { bytesReceived: 0, bytesSent: 0, framesReceived: 0, framesSent: 0 };
const idle: ConnectionRates = perSecond(none, none, 1);

function perSecond(now: Counts, before: Counts, seconds: number): ConnectionRates {
  return {
    bytesReceivedPerSecond: (now.bytesReceived - before.bytesReceived) / seconds,
    bytesSentPerSecond: (now.bytesSent - before.bytesSent) / seconds,
    framesReceivedPerSecond: (now.framesReceived - before.framesReceived) / seconds,
    framesSentPerSecond: (now.framesSent - before.framesSent) / seconds,
  };
}
