/**
 * How our side of a connection leaves: what was sent is flushed, then FIN, then a wait for the peer's FIN; and
 * the limits on both waits.
 *
 * Used by `session.ts`, which decides when to leave and why.
 */
import { Deadline } from "../core/deadline.ts";
import type { Outbox } from "../core/outbox.ts";
import type { TimerWheel } from "../core/timer_wheel.ts";
import type { Transport } from "../core/transport.ts";

/** Milliseconds: for handing over what is owed, and for the peer's FIN after ours. */
export interface DepartureLimits {
  readonly close: number;
  readonly linger: number;
}

/** The leaving of one side. */
export class Departure {
  /** FIN is wanted: nothing more is accepted for sending. */
  wanted = false;
  /** FIN was handed to the transport. */
  finSent = false;
  readonly #transport: Transport;
  readonly #outbox: Outbox<never>;
  readonly #limits: DepartureLimits;
  readonly #deadline: Deadline;
  #lingering = false;
  #started: boolean;

  /**
   * `started`: the transport is. `late` is called when what is owed could not be handed over in time.
   */
  constructor(
    transport: Transport,
    outbox: Outbox<never>,
    wheel: TimerWheel,
    limits: DepartureLimits,
    started: boolean,
    late: () => void,
  ) {
    this.#started = started;
    this.#transport = transport;
    this.#outbox = outbox;
    this.#limits = limits;
    this.#deadline = new Deadline(wheel, () => {
      if (this.finSent && this.#lingering) transport.abort();
      else late();
    });
  }

  /** The transport has started; whatever was wanted before can happen. */
  start(): void {
    this.#started = true;
    if (this.wanted) this.end();
  }

  /** The end has begun, from whichever side: it may take `close` from now. */
  limit(): void {
    this.#deadline.set(this.#limits.close);
  }

  /** FIN as soon as everything is in the kernel. */
  end(): void {
    this.wanted = true;
    if (!this.#started) return;
    this.#outbox.flush();
    this.emptied();
  }

  /** Nothing else is wanted from the peer than its FIN, and that for `linger` only. */
  linger(): void {
    this.#lingering = true;
    if (this.finSent) this.#deadline.set(this.#limits.linger);
    else this.end();
  }

  /** Everything sent is in the kernel. */
  emptied(): void {
    if (!this.wanted || !this.#started || this.finSent || this.#outbox.pending > 0) return;
    this.finSent = true;
    if (this.#lingering) this.#deadline.set(this.#limits.linger);
    this.#transport.end();
  }

  /** It is over. */
  stop(): void {
    this.#deadline.unset();
  }
}
