/**
 * From the framer to the user's code: `onFrame`, called at once, or the queue that the iterator empties. Either
 * way one frame at a time, in order, and reading stops while too much waits.
 *
 * Used by `session.ts`. Knows nothing of how a connection ends.
 */
import { type Gate, GateReason } from "../core/flow/pipeline_owner.ts";
import { Inbox } from "../core/flow/inbox.ts";

/** Who is asked and told. */
export interface DeliveryOwner<Received> {
  /** Calls `onFrame`; a promise holds back the next frame until it settles. */
  deliver(frame: Received): void | Promise<void>;
  userFailed(error: unknown): void;
  /** What `onFrame` was holding back has been delivered. */
  released(): void;
}

/** Where frames come from: the pipeline. */
interface FrameSource extends Gate {
  /** Bytes have come of which the frames were not wanted yet. */
  readonly behind: boolean;
  /** Frames are wanted again. */
  goOn(): void;
  /** Nothing more comes. */
  cutOff(): void;
}

/** Chunks that may wait, however small they are. */
const mostChunks = 1024;
/** Frames that are cut ahead of a loop; none where the framing may change. A frame is an object, which may be a hundred times what it has of bytes. */
const framesAhead = 1024;
/** The same where the transport is gone, and the record is about to be made. */
const framesAtTheEnd = 4096;

/** Received frames on their way to the user. */
export class Delivery<Received> {
  readonly inbox: Inbox<Received> = new Inbox();
  /** Frames that arrived when nobody could take them any more. */
  unhandled = 0;
  /** No loop is there: the end need not wait for one to hear of it. */
  unlooped = false;
  readonly #owner: DeliveryOwner<Received>;
  readonly #source: FrameSource;
  #direct: boolean;
  readonly #limit: number;
  /** Frames go to `onFrame` at once: it holds none back, and none waits. */
  #flowing: boolean;
  /** Promises that hold frames back. */
  #held = 0;
  /** What is held back is for a loop meanwhile. */
  #lent = false;
  #stopped = false;
  /** Of the chunks that have come since nothing waited: their bytes, and how many they are. */
  #bytes = 0;
  #chunks = 0;
  /** So many frames may be cut ahead of a loop; 0, and 1 while one asks, where each is cut when it is asked for. */
  #ahead: number;
  /** How it ends, once what has come is cut up. */
  #end: { readonly error: unknown } | undefined = undefined;

  /**
   * `direct`: there is an `onFrame`. `limit`: bytes of chunks whose frames may wait. `single`: frames are cut one by one,
   * when they are asked for.
   */
  constructor(
    owner: DeliveryOwner<Received>,
    source: FrameSource,
    direct: boolean,
    limit: number,
    single: boolean,
  ) {
    this.#owner = owner;
    this.#ahead = single ? 0 : framesAhead;
    this.#source = source;
    this.#direct = this.#flowing = direct;
    this.#limit = limit;
  }

  /** True while a frame waits, or holds others back. */
  get waiting(): boolean {
    return this.#held > 0 || this.inbox.length > 0 || this.#source.behind;
  }

  /** Bytes of the chunks whose frames wait, or have since one did. */
  get heldBytes(): number {
    return this.waiting ? this.#bytes : 0;
  }

  /** No loop is left that has not heard of the end. */
  get told(): boolean {
    return this.#direct || this.unlooped || !this.inbox.taken || this.inbox.told;
  }

  /** Another frame is wanted now, be it ahead of a loop. */
  get hungry(): boolean {
    if (this.#stopped) return true;
    if (this.#direct && !this.#lent) return this.#held === 0;
    const { awaited, length } = this.inbox;
    return length < this.#ahead || (this.#ahead === 0 && awaited && length === 0);
  }

  /** From now on, frames are cut ahead of a loop. */
  cutAhead(): void {
    this.#ahead = framesAhead;
  }

  /** Frames may come, or wait, or a loop that has not heard of the end may still be at work. */
  get unfinished(): boolean {
    return this.waiting || !this.inbox.over || !this.told;
  }

  /** From now on frames go to `onFrame`, those that wait first. */
  goDirect(): void {
    this.#direct = true;
    this.#held++;
    this.#release();
  }

  /**
   * This side works on received frames; `handling` says that a handler runs. Frames that nobody has ever asked
   * for keep no connection alive.
   */
  busy(handling: boolean): boolean {
    const { inbox } = this;
    if (this.waiting) return handling || inbox.taken || this.#direct;
    return handling && inbox.taken && !inbox.awaited;
  }

  /** Nobody will ask for a frame; `idle` says of a handler that it has returned, and a loop may have been left behind. */
  abandoned(idle: boolean): boolean {
    return this.#direct || (idle && !this.inbox.taken);
  }

  /** Says whether another one is wanted at once. */
  frame(frame: Received): boolean {
    if (!this.#flowing) return this.#keep(frame);
    this.#deliver(frame);
    return this.#flowing || this.#stopped;
  }

  /**
   * A chunk has been cut as far as its frames are wanted: is what waits too much? One chunk never is, however large:
   * most often the handler takes all of it before the next one is read, and stopping and starting costs more than a
   * read.
   */
  chunkDone(bytes: number): void {
    const { behind } = this.#source;
    this.inbox.handOver();
    if (!behind && this.#end !== undefined) this.inbox.end(this.#end.error);
    if (!behind && this.inbox.length === 0) {
      if (this.#chunks > 0) this.#goOn();
      return;
    }
    if (bytes === 0) return;
    this.#bytes += bytes;
    this.#chunks++;
    if (this.#chunks > 1 && (this.#bytes > this.#limit || this.#chunks > mostChunks)) {
      this.#source.closeGate(GateReason.inbox);
    }
  }

  /** Whether a frame is there for a loop that is about to ask; what came is cut for it. */
  ready(): boolean {
    if (this.inbox.length === 0 && this.#source.behind) {
      if (this.#ahead > 0) this.#source.goOn();
      else this.#cutOne();
    }
    return this.inbox.length > 0;
  }

  /** A loop asks for more than there is: reading goes on. */
  asked(): void {
    if (this.inbox.length === 0 && !this.#source.behind) this.#goOn();
  }

  /** Until the promise settles, no frame goes to `onFrame`. */
  holdBack(until: Promise<unknown>): void {
    if (this.#direct) this.#hold(until.then(() => {}, () => {}));
  }

  /** Until the promise settles, frames are for a loop; what it leaves goes to `onFrame` then, if there is one. */
  lend(until: Promise<unknown>): void {
    if (!this.#direct) return;
    this.#lent = true;
    const over = () => void (this.#lent = false);
    this.#hold(until.then(over, over));
  }

  /** No more frames come; those that wait can still be taken. */
  end(error?: unknown): void {
    this.#end ??= { error };
    if (!this.#source.behind) this.inbox.end(this.#end.error);
  }

  /**
   * The transport is gone. What has come is cut now, to be counted: all of it where nobody takes it any more, and
   * otherwise ahead of the loop, which may still ask for what is left.
   */
  cutOff(abandoned: boolean): void {
    if (this.#source.behind) {
      if (abandoned) this.stop();
      else if (this.#ahead > 0) this.#ahead = framesAtTheEnd;
    }
    this.#source.cutOff();
  }

  /** Frames that still come are only counted. */
  refuse(error?: unknown): void {
    this.#stopped = true;
    this.#flowing = false;
    // With frames still to be cut, which nobody gets now, the input has not come to its end.
    if (this.#source.behind) this.#end = { error: this.#end?.error ?? error };
    else this.#end ??= { error };
    this.inbox.end(this.#end.error);
  }

  /** Nobody will take a frame any more. */
  stop(error?: unknown): void {
    this.refuse(error);
    this.unhandled += this.inbox.discard();
  }

  #deliver(frame: Received): void {
    try {
      const result = this.#owner.deliver(frame);
      if (result !== undefined && typeof result.then === "function") this.#hold(result);
    } catch (error) {
      this.#owner.userFailed(error);
    }
  }

  /** A frame that does not go to `onFrame` at once. */
  #keep(frame: Received): boolean {
    if (this.#stopped) {
      this.unhandled++;
      return true;
    }
    const waiting = this.inbox.push(frame);
    return this.#direct && !this.#lent ? this.#held === 0 : waiting < this.#ahead;
  }

  #cutOne(): void {
    this.#ahead = 1;
    this.#source.goOn();
    this.#ahead = 0;
  }

  #hold(result: Promise<void>): void {
    this.#held++;
    this.#flowing = false;
    result.then(() => this.#release(), (error) => {
      this.#held--;
      this.#flow();
      this.#owner.userFailed(error);
    });
  }

  /** Whether the next frame goes to `onFrame` at once. */
  #flow(): void {
    this.#flowing = this.#direct && this.#held === 0 && !this.#stopped && this.inbox.length === 0;
  }

  #release(): void {
    if (--this.#held > 0) return;
    while (this.inbox.length > 0 && this.#held === 0 && !this.#stopped) this.#deliver(this.inbox.take());
    this.#flow();
    if (this.#held === 0 && this.#source.behind && !this.#stopped) this.#source.goOn();
    if (this.inbox.length === 0 && !this.#source.behind) this.#goOn();
    this.#owner.released();
  }

  #goOn(): void {
    this.#bytes = this.#chunks = 0;
    this.#source.openGate(GateReason.inbox);
  }
}
