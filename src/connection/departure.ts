/**
 * How our side of a connection leaves: what was sent is handed over, then FIN, then a wait for the peer's FIN, each no
 * longer than its limit without progress.
 *
 * Used by `life.ts`, which says when. Knows no cause and no frame.
 */
import { defaults } from "../core/options.ts";
import type { TimerWheel, WheelEntry } from "../core/time/timer_wheel.ts";
import type { Transport } from "../core/transport.ts";

/** The connection that it is a side of. */
export interface Departing {
  readonly started: boolean;
  readonly transport: Transport;
  readonly wheel: TimerWheel;
  readonly vigil: { readonly lastRead: number };
  readonly outbox: { readonly pending: number; flush(): void };
  /** Milliseconds without progress: for handing over what is owed, and for the peer's FIN after ours. */
  readonly profile: { readonly close: number; readonly linger: number };
  readonly pipeline: { readonly bytesReceived: number; readonly framesReceived: number };
  readonly delivery: { readonly inbox: { readonly length: number } };
}

/** A wait is looked at in quarters, since what the kernel takes of a single write is told by nobody. */
const looks = 4;
/** What a peer that has had `closeTimeout` must send on average to be waited for any longer, in bytes a ms. */
const slowestSender = 1;

/** The leaving of one side. */
export class Departure implements WheelEntry {
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  /** FIN is wanted: nothing more is accepted for sending. */
  wanted = false;
  /** FIN was handed to the transport. */
  finSent = false;
  readonly #departing: Departing;
  readonly #late: () => void;
  /** Nothing else is wanted from the peer than its FIN. */
  #lingering = false;
  /** What the peer still sends counts as progress. */
  #patient = true;
  #lingeringSince = 0;
  #receivedBefore = 0;
  /** The wait in force, when it began or was last begun anew, and what had moved by then. */
  #limit = Infinity;
  #since = 0;
  #taken = 0;
  #received = 0;
  #handled = 0;

  /** `late` is called when what is owed was not handed over in time. */
  constructor(departing: Departing, late: () => void) {
    this.#departing = departing;
    this.#late = late;
  }

  /** The end has begun, from whichever side: it may stand still for `close` from now. */
  limit(): void {
    this.#wait(this.#departing.profile.close);
  }

  /** FIN as soon as everything is in the kernel. */
  end(): void {
    this.wanted = true;
    if (!this.#departing.started) return;
    this.#departing.outbox.flush();
    this.emptied();
  }

  /**
   * Nothing else is wanted from the peer than its FIN. What it still sends is waited for where `patient`: the kernel
   * answers bytes for a socket that is gone with a reset, which takes from the peer what it has not read yet.
   */
  linger(patient: boolean): void {
    this.#lingering = true;
    // Nothing that was sent can get lost where nothing was.
    this.#patient = patient && (this.#departing.transport.taken > 0 || this.#departing.outbox.pending > 0);
    this.#lingeringSince = this.#departing.wheel.now;
    this.#receivedBefore = this.#departing.pipeline.bytesReceived;
    if (this.finSent) this.#wait(this.#departing.profile.linger);
    else this.end();
  }

  /** Everything sent is in the kernel. */
  emptied(): void {
    if (!this.wanted || !this.#departing.started || this.finSent || this.#departing.outbox.pending > 0) {
      return;
    }
    this.finSent = true;
    if (this.#lingering) this.#wait(this.#departing.profile.linger);
    this.#departing.transport.end();
  }

  /** It is over. */
  stop(): void {
    this.#limit = Infinity;
    this.#departing.wheel.cancel(this);
  }

  /** For the wheel: has anything moved, or has nothing for too long? */
  expire(now: number): number {
    this.#look(now);
    const left = this.#departing.wheel.left(this.#since, this.#limit, now);
    if (left > 0) return Math.min(left, this.#limit / looks);
    this.#limit = Infinity;
    // What the kernel has is still delivered, and FIN behind it.
    if (this.finSent && this.#lingering) this.#departing.transport.release();
    else this.#late();
    return 0;
  }

  #wait(limit: number): void {
    const { wheel, transport, pipeline } = this.#departing;
    this.#limit = limit;
    if (limit === Infinity) return wheel.cancel(this);
    wheel.schedule(this, limit / looks);
    this.#since = wheel.now;
    this.#taken = transport.taken;
    this.#received = pipeline.bytesReceived;
    this.#handled = this.#framesHandled;
  }

  /** Frames that the user's code has taken: the peer's FIN may have come long behind them. */
  get #framesHandled(): number {
    const { pipeline, delivery } = this.#departing;
    return pipeline.framesReceived - delivery.inbox.length;
  }

  #look(now: number): void {
    const { transport, pipeline, vigil } = this.#departing;
    const { taken } = transport;
    const handled = this.#framesHandled;
    if (taken !== this.#taken || handled !== this.#handled) {
      this.#taken = taken;
      this.#handled = handled;
      this.#since = now;
    }
    const { bytesReceived } = pipeline;
    if (bytesReceived === this.#received || !this.#keepsSending(now)) return;
    this.#received = bytesReceived;
    this.#since = Math.max(this.#since, vigil.lastRead);
  }

  /** A trickle must not hold a connection that is over. */
  #keepsSending(now: number): boolean {
    if (!this.#lingering || !this.#patient) return false;
    const { pipeline, profile } = this.#departing;
    const usual = profile.close === Infinity ? defaults.closeTimeout : profile.close;
    const allowed = usual + (pipeline.bytesReceived - this.#receivedBefore) / slowestSender;
    return now - this.#lingeringSince < allowed;
  }
}
