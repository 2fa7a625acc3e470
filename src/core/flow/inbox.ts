/**
 * Frames that wait for the loop over the connection: a queue with at most one waiting reader, and its iterators.
 *
 * Used by the connection. Knows no transport: its owner stops reading while too much waits, and flushes
 * when `next` finds it empty.
 */
import { Fifo } from "../bytes/fifo.ts";

type Read<Value> = IteratorResult<Value, undefined>;
type Resolve<Frame> = (result: Read<Frame> | Read<Frame[]> | Promise<never>) => void;

/** What can be had at once: frames, the end, or the error, which is told once. Undefined while there is nothing. */
export type Polled<Value> = Read<Value> | { readonly error: unknown } | undefined;

/** Frames that one reader is given at once. */
const mostTogether = 1024;

// One executor for all promises of readers, so that a wait costs no closure: it leaves its function here. An
// error is a promise that has failed, so that a connection at rest holds one function and not two.
let resolver: Resolve<never>;
/** In the place of that of a reader that is called. */
const noPromise: Promise<never> = new Promise(() => {});
const executor = (resolve: Resolve<never>): void => {
  resolver = resolve;
};

/** The queue. After `end`, what is queued can still be taken; then readers hear the end, or the error once. */
export class Inbox<Frame> {
  /** Made for the first frame that finds no reader. */
  #frames: Fifo<Frame> | undefined = undefined;
  #resolve: Resolve<Frame> | undefined = undefined;
  /** What that reader was given. */
  #promise: Promise<Read<Frame> | Read<Frame[]>> | undefined = undefined;
  /** It wants the frames that come together, which are queued for it until `handOver`. */
  #wantsMany = false;
  /** It only wants to know that something is there, which stays in place. */
  #looks = false;
  /** Frames that were handed to the last reader at once. */
  #together = 0;
  #over = false;
  #taken = false;
  #told = false;
  #error: unknown = undefined;

  /** Frames that wait. */
  get length(): number {
    return this.#frames === undefined ? 0 : this.#frames.length;
  }

  /** A reader is waiting for a frame. */
  get awaited(): boolean {
    return this.#resolve !== undefined;
  }

  /** A read has happened at least once. */
  get taken(): boolean {
    return this.#taken;
  }

  /** True once `end` was called. */
  get over(): boolean {
    return this.#over;
  }

  /** A reader has heard of the end: there is nothing that it could still be working on. */
  get told(): boolean {
    return this.#told;
  }

  /** How many frames the last reader was given at once, who may be at the first of them. */
  get together(): number {
    return this.#together;
  }

  /** Queues a frame, or hands it to the waiting reader. Returns how many wait. */
  push(frame: Frame): number {
    const resolve = this.#resolve;
    if (resolve === undefined || this.#wantsMany) return (this.#frames ??= new Fifo()).push(frame);
    this.#resolve = this.#promise = undefined;
    resolve({ value: frame, done: false });
    return this.length;
  }

  /** Takes the oldest frame; only when `length` is not 0. */
  take(): Frame {
    return this.#frames!.take();
  }

  /** The next frame for an iterator; waits when there is none. A second reader at a time is refused. */
  next(): Promise<Read<Frame>> {
    this.#taken = true;
    this.#together = 0;
    if (this.length > 0) return Promise.resolve({ value: this.take(), done: false });
    return this.#wait(false) as Promise<Read<Frame>>;
  }

  /** The same for several frames: those that wait, and where none does, those that come together. */
  nextMany(): Promise<Read<Frame[]>> {
    this.#taken = true;
    if (this.length > 0) return Promise.resolve(this.#takeMany());
    return this.#wait(true) as Promise<Read<Frame[]>>;
  }

  /** Those that came together are all here: a reader that waits for them gets them. */
  handOver(): void {
    if (!this.#wantsMany || this.length === 0) return;
    const resolve = this.#resolve!;
    const looks = this.#looks;
    this.#noReader();
    resolve(looks ? { value: [], done: false } : this.#takeMany());
  }

  /** The next frame, if it is there. With `look` for readers that may be interrupted: they take nothing by waiting. */
  poll(): Polled<Frame> {
    this.#taken = true;
    this.#together = 0;
    return this.length > 0 ? { value: this.take(), done: false } : this.#pollEnd();
  }

  /** Those that are there. */
  pollMany(): Polled<Frame[]> {
    this.#taken = true;
    return this.length > 0 ? this.#takeMany() : this.#pollEnd();
  }

  /** Waits, where there is nothing, until `poll` has an answer. A second reader at a time is refused. */
  look(): Promise<unknown> {
    const found = this.#wait(true);
    if (this.#promise === found) this.#looks = true;
    return found;
  }

  /**
   * As `look`, for a reader that is called instead: once, in the course of the chunk that has come. Only where `poll`
   * has found nothing. Throws `TypeError` for a second reader at a time.
   */
  watch(come: () => void): void {
    if (this.#resolve !== undefined) throw secondReader();
    this.#together = 0;
    this.#resolve = come;
    this.#promise = noPromise;
    this.#wantsMany = this.#looks = true;
  }

  /** That reader waits no longer. */
  unwatch(come: () => void): void {
    if (this.#resolve === come) this.#noReader();
  }

  #pollEnd(): Polled<never> {
    this.#together = 0;
    if (!this.#over) return undefined;
    this.#told = true;
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? { value: undefined, done: true } : { error };
  }

  #takeMany(): Read<Frame[]> {
    const value = this.#frames!.takeMany(mostTogether);
    this.#together = value.length;
    return { value, done: false };
  }

  #noReader(): void {
    this.#resolve = this.#promise = undefined;
    this.#wantsMany = this.#looks = false;
  }

  #wait(many: boolean): Promise<Read<Frame> | Read<Frame[]>> {
    this.#together = 0;
    if (this.#over) {
      this.#told = true;
      const error = this.#error;
      this.#error = undefined;
      return error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error);
    }
    if (this.#resolve !== undefined) {
      return Promise.reject(secondReader());
    }
    const frame = new Promise<Read<Frame> | Read<Frame[]>>(executor);
    this.#resolve = resolver as Resolve<Frame>;
    this.#promise = frame;
    this.#wantsMany = many;
    return frame;
  }

  /** The reader that was given this promise waits no longer, where it still does: the next frame is not for it. */
  withdraw(promise: Promise<unknown> | undefined): void {
    const resolve = this.#resolve;
    if (resolve === undefined || this.#promise !== promise) return;
    this.#noReader();
    resolve({ value: undefined, done: true });
  }

  /** No more frames will come; with an error, a reader that gets this far hears of it once. */
  end(error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.handOver();
    const [resolve, looks] = [this.#resolve, this.#looks];
    this.#noReader();
    if (resolve === undefined || looks) {
      this.#error = error;
      resolve?.({ value: undefined, done: true });
      return;
    }
    this.#told = true;
    resolve(error === undefined ? { value: undefined, done: true } : Promise.reject(error));
  }

  /** Forgets what waits; returns how many frames that were. */
  discard(): number {
    const { length } = this;
    this.#frames?.clear();
    return length;
  }
}

function secondReader(): TypeError {
  return new TypeError("read a frame: another read is waiting; use one reader at a time");
}

/** Where frames come from: a session. */
export interface InboxSource<Received> {
  readonly delivery: { readonly inbox: Inbox<Received> };
  read<Found>(take: (inbox: Inbox<Received>) => Found): Found;
  /** What is sent leaves at the next call of `endTurn`. */
  inTurn: boolean;
  endTurn(): void;
}

/** A step of one frame. */
export function oneFrame<Received>(inbox: Inbox<Received>): Promise<Read<Received>> {
  return inbox.next();
}

/** A step of the frames that are there. */
export function waitingFrames<Received>(inbox: Inbox<Received>): Promise<Read<Received[]>> {
  return inbox.nextMany();
}

/** An iterator; leaving it leaves the frames in place. */
export class InboxReader<Received, Value> implements AsyncIterator<Value, undefined> {
  readonly #source: InboxSource<Received>;
  readonly #take: (inbox: Inbox<Received>) => Promise<Read<Value>>;
  #left = false;
  #last: Promise<Read<Value>> | undefined = undefined;

  constructor(source: InboxSource<Received>, take: (inbox: Inbox<Received>) => Promise<Read<Value>>) {
    this.#source = source;
    this.#take = take;
  }

  next(): Promise<Read<Value>> {
    const { inbox } = this.#source.delivery;
    // What is there is taken without further ado; anything else is for the source to know of.
    if (inbox.length > 0 && !inbox.over && !this.#left) return this.#take(inbox);
    if (this.#left) return Promise.resolve({ value: undefined, done: true });
    return this.#last = this.#source.read(this.#take);
  }

  /** For readers that may be interrupted: what `take` finds, at once. */
  read<Found>(take: (inbox: Inbox<Received>) => Found): Found {
    return this.#source.read(take);
  }

  /** Such a reader waits no longer for what `look` gave it. */
  withdraw(looking: Promise<unknown>): void {
    this.#source.delivery.inbox.withdraw(looking);
  }

  /** Runs what may send several frames, which then leave at once and not at the end of the turn. */
  gather(run: () => void): void {
    this.#source.inTurn = true;
    run();
    this.#source.endTurn();
  }

  /** Such a reader is called when there is something to take, or the end to hear of. */
  watch(come: () => void): void {
    this.#source.delivery.inbox.watch(come);
  }

  /** It waits no longer. */
  unwatch(come: () => void): void {
    this.#source.delivery.inbox.unwatch(come);
  }

  return(): Promise<Read<Value>> {
    this.#left = true;
    this.#source.delivery.inbox.withdraw(this.#last);
    this.#last = undefined;
    return Promise.resolve({ value: undefined, done: true });
  }
}
