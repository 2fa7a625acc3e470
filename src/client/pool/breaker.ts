/**
 * A circuit breaker: leaves a target alone that has failed too often, and then tries it with one connection at a time.
 *
 * Asked by `targets.ts`. Holds no timer: whoever asks brings the time.
 */
import { type BackoffSchedule, Retries } from "../../core/time/backoff.ts";

/** `half-open`: due for a try, or being tried. */
export type BreakerState = "closed" | "open" | "half-open";

/** Checked. */
export interface BreakerSettings {
  readonly failures: number;
  readonly reopen: BackoffSchedule;
}

/** One target's. */
export class Breaker {
  /** Failures since the last success. */
  failures = 0;
  /** How often it has opened from closed. */
  openings = 0;
  readonly #settings: BreakerSettings | undefined;
  readonly #changed: (state: BreakerState) => void;
  readonly #retries: Retries | undefined;
  /** When the next try is due; undefined while closed. */
  #until: number | undefined = undefined;
  #trying = false;

  /** Without settings it never opens. */
  constructor(settings: BreakerSettings | undefined, changed: (state: BreakerState) => void) {
    this.#settings = settings;
    this.#changed = changed;
    this.#retries = settings && new Retries(settings.reopen);
  }

  get closed(): boolean {
    return this.#until === undefined;
  }

  state(now: number): BreakerState {
    if (this.#until === undefined) return "closed";
    return this.#trying || now >= this.#until ? "half-open" : "open";
  }

  /** How many ms until the next try; 0 when one is due or under way, or the breaker closed. */
  wait(now: number): number {
    return this.#until === undefined ? 0 : Math.max(0, this.#until - now);
  }

  /** Whether a connection may be made now. */
  admits(now: number): boolean {
    return this.#until === undefined || (now >= this.#until && !this.#trying);
  }

  /** An attempt begins. True when it is the try of one that was open, which `settle` then has to be told. */
  begin(): boolean {
    if (this.#until === undefined) return false;
    this.#trying = true;
    this.#changed("half-open");
    return true;
  }

  /** Nothing is known of the attempt. */
  abandon(tried: boolean): void {
    if (tried) this.#trying = false;
  }

  /** How an attempt, or the use of a connection, ended. What began before it opened changes nothing. */
  settle(tried: boolean, well: boolean, now: number): void {
    if (this.#until !== undefined && !tried) return;
    if (tried) this.#trying = false;
    if (well) {
      this.failures = 0;
      if (!tried) return;
      this.#until = undefined;
      this.#retries!.succeeded();
      return this.#changed("closed");
    }
    this.failures++;
    if (this.#settings === undefined || (!tried && this.failures < this.#settings.failures)) return;
    this.#until = now + this.#retries!.failed(now)!;
    if (!tried) this.openings++;
    this.#changed("open");
  }
}
