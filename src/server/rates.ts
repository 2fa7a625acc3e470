/**
 * Rates and sizes once a second, for a server and for each of its connections. Either begins when
 * it is first asked for, and costs nothing before.
 */
import type { ConnectionRates } from "../connection/connection_options.ts";
import type { Registry, Totals } from "../connection/registry.ts";
import type { Session } from "../connection/session.ts";
import { perSecond, silence, Tally } from "../connection/tally.ts";
import { Deadline } from "../core/time/deadline.ts";
import type { RateSample } from "./server_stats.ts";

const period = 1000;

/** Samples a registry. */
export class RateSampler<Received, Sent, Context> {
  readonly #registry: Registry<Received, Sent, Context>;
  readonly #report: (sample: RateSample) => void;
  readonly #timer: Deadline;
  #last: Totals;
  #lastAt: number;
  #asked = false;
  #looked = false;
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

  /** Rates of one connection over the last second; zeros before the first whole second in which they were asked for. */
  connection({ tally }: Session<Received, Sent, Context>): ConnectionRates {
    this.#asked = true;
    return tally?.rates ?? silence;
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
    if (this.#asked) this.#lookAtAll(seconds);
    this.#timer.set(period);
    this.#report(this.sample);
  }

  #lookAtAll(seconds: number): void {
    // What was counted before anyone asked is no rate: it took forever.
    const time = this.#looked ? seconds : Infinity;
    this.#looked = true;
    for (const session of this.#registry.sessions) (session.tally ??= new Tally()).take(session, time);
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
