/**
 * Holds a peer to its rate: reading stops for as long as it is ahead of it.
 *
 * Used by `pipeline.ts`, one for a connection that has limits.
 */
import type { Clock } from "../time/clock.ts";
import { Deadline } from "../time/deadline.ts";
import { type Gate, GateReason } from "./pipeline_owner.ts";
import { type RateBounds, RateLimiter } from "../streams/rate_limiter.ts";
import type { TimerWheel } from "../time/timer_wheel.ts";

/** A rate limit and the gate that it closes. */
export class Pace {
  readonly #limiter: RateLimiter;
  readonly #gate: Gate;
  readonly #wait: Deadline;
  #over = false;

  constructor(limits: RateBounds, clock: Clock, wheel: TimerWheel, gate: Gate) {
    this.#limiter = new RateLimiter(limits, clock);
    this.#gate = gate;
    this.#wait = new Deadline(wheel, () => gate.openGate(GateReason.rate));
  }

  /** So much has come. */
  take(bytes: number, frames: number): void {
    const wait = this.#limiter.take(bytes, frames);
    if (wait <= 0 || this.#over) return;
    this.#gate.closeGate(GateReason.rate);
    this.#wait.set(wait);
  }

  /** The connection is over. */
  stop(): void {
    this.#over = true;
    this.#wait.unset();
  }
}
