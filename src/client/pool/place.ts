/**
 * One address that connections are made to, and what is known of it.
 *
 * Held by `targets.ts`; `choose.ts` reads it, and a pool keeps its idle connections here.
 */
import { addressText } from "../../core/text/place.ts";
import type { Address } from "../../core/transport.ts";
import { Breaker, type BreakerSettings, type BreakerState } from "./breaker.ts";

/** A target at work. `Idle` is what a pool keeps. */
export class Place<Idle> {
  readonly address: Address;
  /** The name it was looked up by, which its certificate is for. */
  readonly name: string | undefined;
  readonly weight: number;
  /** As text, with the name if there is one. */
  readonly id: string;
  readonly breaker: Breaker;
  /** Idle connections, the one used last at the end. */
  readonly idle: Idle[] = [];
  /** Connections in use. */
  busy = 0;
  /** Connections that are being made. */
  connecting = 0;
  /** It is no longer a target. */
  gone = false;
  /** For taking turns. */
  turn = 0;
  connects = 0;
  connectFailures = 0;
  checkFailures = 0;
  lastError: unknown = undefined;

  constructor(
    address: Address,
    name: string | undefined,
    weight: number,
    breaker: BreakerSettings | undefined,
    changed: (place: Place<Idle>, state: BreakerState) => void,
  ) {
    this.address = address;
    this.name = name;
    this.weight = weight;
    const text = addressText(address);
    this.id = name === undefined ? text : `${text} (${name})`;
    this.breaker = new Breaker(breaker, (state) => changed(this, state));
  }
}
