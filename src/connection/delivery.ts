/**
 * From the framer to the user's code: `onFrame`, called at once, or the queue that the iterator empties. Either
 * way one frame at a time, in order, and reading stops while too much waits (F-41).
 *
 * Used by `session.ts`. Knows nothing of how a connection ends.
 */
import { type Gate, GateReason } from "../core/gate.ts";
import { Inbox } from "../core/inbox.ts";
import { defaults } from "../core/options.ts";

/** Who is asked and told. */
export interface DeliveryOwner<Received> {
  /** Calls `onFrame`; a promise holds back the next frame until it settles. */
  deliver(frame: Received): void | Promise<void>;
  userFailed(error: unknown): void;
  /** What `onFrame` was holding back has been delivered. */
  released(): void;
}

/** Received frames on their way to the user. */
export class Delivery<Received> {
  readonly inbox: Inbox<Received> = new Inbox();
  /** `onFrame` is on the call stack: its caller flushes. */
  active = false;
  /** Frames that arrived when nobody could take them any more. */
  unhandled = 0;
  readonly #owner: DeliveryOwner<Received>;
  readonly #gate: Gate;
  readonly #direct: boolean;
  readonly #limit: number;
  /** Promises that hold frames back. */
  #held = 0;
  #stopped = false;
  #bytes = 0;

  /** `direct`: there is an `onFrame`. `limit`: bytes of chunks whose frames may wait. */
  constructor(owner: DeliveryOwner<Received>, gate: Gate, direct: boolean, limit: number) {
    this.#owner = owner;
    this.#gate = gate;
    this.#direct = direct;
    this.#limit = limit;
  }

  /** True while a frame waits, or holds others back. */
  get waiting(): boolean {
    return this.#held > 0 || this.inbox.length > 0;
  }

  /**
   * Somebody of ours works on received frames; `handling` says that a handler runs. Frames that nobody has ever asked
   * for keep no connection alive.
   */
  busy(handling: boolean): boolean {
    const { inbox } = this;
    if (this.waiting) return handling || inbox.taken || this.#direct;
    return handling && inbox.taken && !inbox.awaited;
  }

  frame(frame: Received): void {
    if (this.#stopped) this.unhandled++;
    else if (!this.#direct || this.#held > 0 || this.inbox.length > 0) this.inbox.push(frame);
    else this.#deliver(frame);
  }

  /**
   * A chunk has been cut up: are its frames too much to wait? One chunk never is, however large: most often the
   * handler takes all of it before the next one is read, and stopping and starting costs more than a read.
   */
  chunkDone(bytes: number): void {
    if (this.inbox.length === 0) return;
    const waited = this.#bytes > 0;
    this.#bytes += bytes;
    if (waited && (this.#bytes > this.#limit || this.inbox.length > defaults.ingressFrames)) {
      this.#gate.close(GateReason.inbox);
    }
  }

  /** The next frame for an iterator; asking for more than there is lets reading go on. */
  next(): Promise<IteratorResult<Received, undefined>> {
    if (this.inbox.length === 0) this.#goOn();
    return this.inbox.next();
  }

  /** Until the promise settles, no frame goes to `onFrame`. */
  holdBack(until: Promise<unknown>): void {
    if (this.#direct) this.#hold(until.then(() => {}, () => {}));
  }

  /** No more frames come; those that wait can still be taken. */
  end(error?: unknown): void {
    this.inbox.end(error);
  }

  /** Frames that still come are only counted. */
  refuse(error?: unknown): void {
    this.#stopped = true;
    this.inbox.end(error);
  }

  /** Nobody will take a frame any more. */
  stop(): void {
    this.refuse();
    this.unhandled += this.inbox.discard();
  }

  #deliver(frame: Received): void {
    this.active = true;
    try {
      const result = this.#owner.deliver(frame);
      if (result !== undefined && typeof result.then === "function") this.#hold(result);
    } catch (error) {
      this.#owner.userFailed(error);
    }
    this.active = false;
  }

  #hold(result: Promise<void>): void {
    this.#held++;
    result.then(() => this.#release(), (error) => {
      this.#held--;
      this.#owner.userFailed(error);
    });
  }

  #release(): void {
    if (--this.#held > 0) return;
    while (this.inbox.length > 0 && this.#held === 0 && !this.#stopped) this.#deliver(this.inbox.take());
    if (this.inbox.length === 0) this.#goOn();
    this.#owner.released();
  }

  #goOn(): void {
    this.#bytes = 0;
    this.#gate.open(GateReason.inbox);
  }
}
