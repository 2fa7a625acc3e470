/** What is known of a pool or a balancer at one moment. */
import type { BreakerState } from "./breaker.ts";
import type { Place } from "./place.ts";

/** One target. */
export interface TargetInspection {
  /** Its address as text, with the name that it was looked up by. */
  readonly target: string;
  /** Its share beside the others. */
  readonly weight: number;
  /** State of its circuit breaker. */
  readonly breaker: BreakerState;
  /** Milliseconds until the breaker lets one connection try, 0 unless it is open. */
  readonly reopensMs: number;
  /** Failures since the last success. */
  readonly failures: number;
  /** How often the breaker has opened. */
  readonly openings: number;
  /** Connections in use. */
  readonly busy: number;
  /** Connections that a pool keeps. */
  readonly idle: number;
  /** Connections that are being made. */
  readonly connecting: number;
  /** Connections made so far. */
  readonly connects: number;
  /** Attempts to connect that have failed. */
  readonly connectFailures: number;
  /** Health checks that have failed. */
  readonly checkFailures: number;
  /** Message of the last error, undefined before the first. */
  readonly lastError: string | undefined;
}

/** A balancer. */
export interface BalancerInspection {
  /** Connections that are open. */
  readonly connections: number;
  /** The targets, in the order of the option. */
  readonly targets: readonly TargetInspection[];
}

/** A pool. */
export interface PoolInspection {
  /** Connections that are kept. */
  readonly idle: number;
  /** Connections that are lent, or being tested. */
  readonly lent: number;
  /** Connections that are being made. */
  readonly connecting: number;
  /** Connections that are being closed. */
  readonly closing: number;
  /** Borrowers that wait. */
  readonly waiting: number;
  /** Connections that have been lent. */
  readonly borrows: number;
  /** Borrowers that had to wait and got one. */
  readonly waits: number;
  /** How long these waited together, in milliseconds. */
  readonly waitMs: number;
  /** Borrowers whose time limit passed. */
  readonly timeouts: number;
  /** Borrowers that were rejected since too many waited. */
  readonly rejected: number;
  /** Connections made so far. */
  readonly opened: number;
  /** The targets, in the order of the option. */
  readonly targets: readonly TargetInspection[];
}

/** The targets at `now`. */
export function inspectPlaces(places: readonly Place<unknown>[], now: number): readonly TargetInspection[] {
  return places.map((place) => {
    const { breaker, lastError } = place;
    return {
      target: place.id,
      weight: place.weight,
      breaker: breaker.state(now),
      reopensMs: breaker.wait(now),
      failures: breaker.failures,
      openings: breaker.openings,
      busy: place.busy,
      idle: place.idle.length,
      connecting: place.connecting,
      connects: place.connects,
      connectFailures: place.connectFailures,
      checkFailures: place.checkFailures,
      lastError: lastError === undefined
        ? undefined
        : lastError instanceof Error
        ? lastError.message
        : `${lastError}`,
    };
  });
}
