/**
 * Why reading is stopped: a set of reasons, each with one holder; reading goes on when the last lets go.
 *
 * One per connection, used by the pipeline.
 */

/** The holders of a gate, one bit each. */
export const GateReason = {
  /** Received frames wait for the handler. */
  inbox: 1,
  /** The peer does not take what is sent to it. */
  outbox: 2,
  /** The peer sends faster than its rate limit. */
  rate: 4,
  /** The user asked for it. */
  suspended: 8,
  /** A handler's promise for the last frame is pending. */
  handler: 16,
  /** The process is over its byte budget. */
  budget: 32,
  /** The connection is being secured. */
  upgrade: 64,
} as const;
/** One holder, or several combined with `|`. */
export type GateReason = number;

/** What reads, and goes on doing so: a transport. */
interface Resumable {
  resume(): void;
}

/** Open while nobody holds it. */
export class Gate {
  #reasons = 0;
  readonly #source: Resumable;

  /** `source` is resumed each time the last reason is released; what it reads may close the gate again. */
  constructor(source: Resumable) {
    this.#source = source;
  }

  /** True while there is no reason to stop. */
  get isOpen(): boolean {
    return this.#reasons === 0;
  }

  /** Those who hold it now, as bits of {@linkcode GateReason}. */
  get reasons(): number {
    return this.#reasons;
  }

  /** Adds a reason. Nothing is called: who closes tells its caller to stop. */
  close(reason: GateReason): void {
    this.#reasons |= reason;
  }

  /** Takes a reason away, if it is there. */
  open(reason: GateReason): void {
    const before = this.#reasons;
    this.#reasons = before & ~reason;
    if (before !== 0 && this.#reasons === 0) this.#source.resume();
  }

  /** Takes all reasons away, as when what is read will only be discarded. */
  openAll(): void {
    this.open(this.#reasons);
  }
}
