/**
 * Tells in good time of certificates that expire: when they go into service, then once a day.
 *
 * Owned by `CertificateSet`.
 */
import type { Clock } from "../core/time/clock.ts";
import type { CertificateEntry } from "./certificate_entry.ts";
import { Alarm } from "./certificate_feed.ts";
import type { Logger } from "../core/logger.ts";

const dayMs = 86_400_000;

/** Looks at the dates of these certificates. */
export class ExpiryWatch {
  readonly #entries: readonly CertificateEntry[];
  readonly #warnBefore: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #daily: Alarm;
  /** When each was told of last. */
  readonly #told = new Map<string, number>();

  constructor(entries: readonly CertificateEntry[], warnBefore: number, clock: Clock, log: Logger) {
    this.#entries = entries;
    this.#warnBefore = warnBefore;
    this.#clock = clock;
    this.#log = log;
    this.#daily = new Alarm(clock, () => this.#turn());
    this.#turn();
  }

  /** Looks now; at most one record a day for each certificate. */
  look(): void {
    const now = this.#clock.wallTime();
    const uptime = this.#clock.now();
    for (const { name, current } of this.#entries) {
      if (current === undefined || current.certificate.validTo - now > this.#warnBefore) continue;
      const told = this.#told.get(name);
      if (told !== undefined && uptime - told < dayMs) continue;
      this.#told.set(name, uptime);
      const { subject, validTo } = current.certificate;
      const left = Math.floor((validTo - now) / dayMs);
      const fields = { certificate: name, subject, expires: new Date(validTo).toISOString(), daysLeft: left };
      if (validTo > now) this.#log({ level: "warn", message: "certificate expires soon", fields });
      else this.#log({ level: "error", message: "certificate expired", fields });
    }
  }

  stop(): void {
    this.#daily.unset();
  }

  #turn(): void {
    this.look();
    this.#daily.set(dayMs);
  }
}
