/**
 * Messages on their way into a store, in order and without loss: what was sent and is not confirmed yet, and what follows.
 *
 * Used by the buses that store. The first failure stops the window: nothing more is sent until all that was sent has been
 * answered for, then one message alone, the first that is not stored, and behind it all others again. A store that knows
 * their ids takes none of them twice. Retrying each message by itself would store them in any order.
 */
import { type Deferred, deferred } from "../../core/deferred.ts";
import { LimitError } from "../../core/errors.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { BusError } from "../errors.ts";
import type { BusMessage, PublishObserver } from "./bus.ts";
import { mostWaiting } from "./subscription.ts";
import type { PendingLimits } from "./pending_limits.ts";

/** One message in the window. */
export interface Sending {
  readonly message: BusMessage;
  /** What the store knows it by. */
  readonly id: string;
  /** Its number in this window; answers come with it. */
  readonly number: number;
}

interface Entry extends Sending {
  readonly observer: PublishObserver | undefined;
  readonly bytes: number;
  /** When it was sent first, on the clock: from then on it may be stored. */
  sentAt: number | undefined;
  /** An answer is still to come in the present run. */
  pending: boolean;
  /** Stored, or never to be. */
  over: boolean;
}

/** What the window needs of the bus. */
export interface WindowOwner {
  readonly clock: Clock;
  /** Sends one; throws what makes it impossible for ever. */
  send(message: Sending): void;
  /**
   * Which of these, first to last, are stored already, by their numbers; the first was sent so long ago. Asked before
   * sending goes on after a failure.
   */
  stored(unconfirmed: readonly Sending[], sentForMs: number): Promise<ReadonlySet<number>>;
  /** Sending has stopped, or goes on. */
  stopped(error: BusError): void;
  resumed(): void;
  /** What to say when no answer has come for so long. */
  unanswered(ms: number): BusError;
}

/** Without an answer for so long, what was sent counts as failed, in ms. */
const answerMs = 5_000;
/** From a failure to the next attempt, in ms: doubled each time, up to the second. */
const [firstPauseMs, longestPauseMs] = [100, 5_000];

/** The window of one bus. */
export class PublishWindow {
  /** Messages stored, and how many of them the store had already. */
  stored = 0;
  duplicates = 0;
  /** Times that it has stopped. */
  stops = 0;
  readonly #owner: WindowOwner;
  readonly #limits: PendingLimits;
  /** Not confirmed, in order; those before `#head` are over. */
  #entries: (Entry | undefined)[] = [];
  #head = 0;
  /** Of `#entries`: the next one to be sent. */
  #next = 0;
  /** The number of the first of `#entries`. */
  #base = 0;
  #pending = 0;
  #bytes = 0;
  #state: "open" | "settling" | "pausing" | "probing" | "down" | "closed" = "open";
  #room: Deferred | undefined = undefined;
  #idle: Deferred | undefined = undefined;
  #timer: unknown = undefined;
  #answered = 0;
  #pauseMs = firstPauseMs;

  constructor(owner: WindowOwner, limits: PendingLimits) {
    this.#owner = owner;
    this.#limits = limits;
  }

  /** Messages that are not confirmed. */
  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** Takes one; a promise means that the publisher should wait. */
  push(message: BusMessage, id: string, observer: PublishObserver | undefined): void | Promise<void> {
    if (this.size >= this.#limits.messages + mostWaiting) {
      const text =
        `publish to ${message.subject}: ${this.size} messages wait to be stored, expected at most ` +
        `${this.#limits.messages}; await the promise that publish returns`;
      return Promise.reject(new LimitError("waiting_sends", this.#limits.messages, text));
    }
    const bytes = message.payload.length;
    const number = this.#base + this.#entries.length;
    const entry: Entry = {
      message,
      id,
      number,
      observer,
      bytes,
      sentAt: undefined,
      pending: false,
      over: false,
    };
    this.#entries.push(entry);
    this.#bytes += bytes;
    if (this.#state === "open") this.#sendMore();
    return this.#full ? (this.#room ??= deferred()).promise : undefined;
  }

  /** The store has it. */
  confirm(number: number, duplicate: boolean): void {
    const entry = this.#entryOf(number);
    if (entry === undefined || entry.over) return;
    this.stored++;
    if (duplicate) this.duplicates++;
    this.#conclude(entry, undefined);
    this.#answer(entry);
  }

  /** The store, or the way to it, has failed; with `permanent` no attempt will ever succeed for this message. */
  fail(number: number, error: BusError, permanent: boolean): void {
    const entry = this.#entryOf(number);
    if (entry === undefined || entry.over) return;
    if (permanent) this.#conclude(entry, error);
    else if (!entry.pending) return;
    else this.#stop(error);
    this.#answer(entry);
  }

  /** The way to the store is gone: no answer will come to anything. */
  down(error: BusError): void {
    if (this.#state === "closed") return;
    this.#stop(error);
    this.#forgetPending();
    this.#clearTimer();
    this.#state = "down";
  }

  up(): void {
    if (this.#state === "down") this.#recover();
  }

  /** Resolves when all that was taken is confirmed. */
  idle(): Promise<void> {
    return this.size === 0 ? Promise.resolve() : (this.#idle ??= deferred()).promise;
  }

  /** Sends no more. What is not confirmed fails with this. */
  close(error: BusError): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#clearTimer();
    for (const entry of this.#entries.slice(this.#head)) if (!entry!.over) this.#conclude(entry!, error);
  }

  get #full(): boolean {
    return this.size >= this.#limits.messages || this.#bytes >= this.#limits.bytes;
  }

  #entryOf(number: number): Entry | undefined {
    return this.#entries[number - this.#base];
  }

  #sendMore(): void {
    while (
      this.#state === "open" && this.#next < this.#entries.length && this.#pending < this.#limits.messages
    ) {
      this.#send(this.#entries[this.#next++]!);
    }
  }

  #send(entry: Entry): void {
    if (entry.over) return;
    entry.sentAt ??= this.#owner.clock.now();
    try {
      this.#owner.send(entry);
    } catch (error) {
      return this.#conclude(entry, error as BusError);
    }
    entry.pending = true;
    this.#pending++;
    this.#watch();
  }

  /** An answer has come. */
  #answer(entry: Entry): void {
    this.#answered = this.#owner.clock.now();
    if (!entry.pending) return;
    entry.pending = false;
    this.#pending--;
    if (this.#state === "open") this.#sendMore();
    else if (this.#state === "probing" && entry.over) this.#reopen();
    else if (this.#pending === 0 && (this.#state === "settling" || this.#state === "probing")) this.#pause();
  }

  #stop(error: BusError): void {
    if (this.#state !== "open") return;
    this.#state = "settling";
    this.stops++;
    this.#owner.stopped(error);
  }

  /** All that was sent is answered for, or never will be. */
  #pause(): void {
    this.#clearTimer();
    this.#state = "pausing";
    const ms = this.#pauseMs;
    this.#pauseMs = Math.min(ms * 2, longestPauseMs);
    this.#timer = this.#owner.clock.setTimer(() => this.#recover(), ms);
  }

  /** Finds out what is stored already, then sends the first that is not, alone. */
  #recover(): void {
    this.#clearTimer();
    this.#state = "pausing";
    const unconfirmed = this.#entries.slice(this.#head)
      .filter((entry) => entry!.sentAt !== undefined && !entry!.over) as Entry[];
    const sentFor = unconfirmed.length === 0 ? 0 : this.#owner.clock.now() - unconfirmed[0]!.sentAt!;
    void this.#owner.stored(unconfirmed, sentFor).then((known) => {
      if (this.#state !== "pausing") return;
      for (const entry of unconfirmed) if (known.has(entry.number)) this.confirm(entry.number, true);
      this.#next = this.#head;
      if (this.size === 0) return this.#reopen();
      this.#state = "probing";
      this.#send(this.#entries[this.#next++]!);
      // It could not be sent at all, and is over.
      if (this.#state === "probing" && this.#pending === 0) this.#reopen();
    }, () => {
      if (this.#state === "pausing") this.#pause();
    });
  }

  #reopen(): void {
    this.#state = "open";
    this.#pauseMs = firstPauseMs;
    this.#owner.resumed();
    this.#sendMore();
  }

  #conclude(entry: Entry, error: BusError | undefined): void {
    entry.over = true;
    this.#bytes -= entry.bytes;
    if (error === undefined) entry.observer?.stored?.(entry.message);
    else entry.observer?.failed?.(entry.message, error);
    while (this.#head < this.#entries.length && this.#entries[this.#head]!.over) {
      this.#entries[this.#head++] = undefined;
    }
    this.#next = Math.max(this.#next, this.#head);
    if (this.#head * 2 >= this.#entries.length) this.#shift();
    if (
      this.#room !== undefined && this.size * 2 <= this.#limits.messages &&
      this.#bytes * 2 <= this.#limits.bytes
    ) {
      this.#room.resolve();
      this.#room = undefined;
    }
    if (this.size > 0) return;
    if (this.#state === "open") this.#clearTimer();
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  /** Lets go of what is over. */
  #shift(): void {
    this.#entries.splice(0, this.#head);
    this.#base += this.#head;
    this.#next -= this.#head;
    this.#head = 0;
  }

  #forgetPending(): void {
    for (let at = this.#head; at < this.#entries.length; at++) this.#entries[at]!.pending = false;
    this.#pending = 0;
  }

  /** One timer for all: it looks whether any answer has come meanwhile. */
  #watch(): void {
    if (this.#timer !== undefined) return;
    this.#answered = this.#owner.clock.now();
    this.#timer = this.#owner.clock.setTimer(this.#late, answerMs);
  }

  readonly #late = (): void => {
    this.#timer = undefined;
    if (this.#pending === 0) return;
    const left = this.#answered + answerMs - this.#owner.clock.now();
    if (left > 0) {
      this.#timer = this.#owner.clock.setTimer(this.#late, left);
      return;
    }
    this.#stop(this.#owner.unanswered(answerMs));
    this.#forgetPending();
    this.#pause();
  };

  #clearTimer(): void {
    this.#owner.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
