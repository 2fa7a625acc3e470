/**
 * Addresses that are banned for a time: added by order, gone when the time is over.
 *
 * Used by `admission.ts`, which knows what an address is. Sets no timer: what has ended is removed when it is met.
 */
import type { Clock } from "../core/time/clock.ts";
import type { AdmissionInspection } from "./inspection.ts";
import type { OrderReason } from "./kill_options.ts";

interface Ban {
  readonly since: number;
  readonly until: number;
  readonly why: OrderReason;
  rejected: number;
}

/** Bans at one time. */
export const mostBans = 4096;

/** The bans of one server. */
export class Bans {
  readonly #clock: Clock;
  readonly #bans: Map<string, Ban> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** None is kept, ended or not. */
  get empty(): boolean {
    return this.#bans.size === 0;
  }

  /** Begins a ban, in the place of one that the address has. Returns the address that had to make room, if one had. */
  add(address: string, ms: number, why: OrderReason): string | undefined {
    const now = this.#clock.now();
    const evicted = this.#bans.has(address) ? undefined : this.#makeRoom(now);
    this.#bans.set(address, { since: now, until: now + ms, why, rejected: 0 });
    return evicted;
  }

  /** Ends a ban; false where there is none. */
  lift(address: string): boolean {
    return this.has(address) && this.#bans.delete(address);
  }

  has(address: string): boolean {
    const ban = this.#bans.get(address);
    if (ban === undefined) return false;
    if (ban.until > this.#clock.now()) return true;
    this.#bans.delete(address);
    return false;
  }

  /** A connection of a banned address was rejected. */
  count(address: string): void {
    const ban = this.#bans.get(address);
    if (ban !== undefined) ban.rejected++;
  }

  /** Those in force, in the order in which they began. */
  inspect(): AdmissionInspection["bans"] {
    const now = this.#clock.now();
    const offset = this.#clock.wallTime() - now;
    this.#forget(now);
    return [...this.#bans].map(([address, { since, until, why, rejected }]) => ({
      address,
      since: since + offset,
      until: until + offset,
      reason: why.reason,
      code: why.code,
      by: why.by,
      rejected,
    }));
  }

  #forget(now: number): void {
    for (const [address, { until }] of this.#bans) {
      if (until <= now) this.#bans.delete(address);
    }
  }

  #makeRoom(now: number): string | undefined {
    if (this.#bans.size < mostBans) return undefined;
    this.#forget(now);
    if (this.#bans.size < mostBans) return undefined;
    let next: string | undefined = undefined;
    let soonest = Infinity;
    for (const [address, { until }] of this.#bans) {
      if (next !== undefined && until >= soonest) continue;
      next = address;
      soonest = until;
    }
    this.#bans.delete(next!);
    return next;
  }
}
