/**
 * What of one connection's frames the kernel has taken: bytes, whole frames, and their outcomes, counted together so that
 * they cannot disagree.
 *
 * Used by `outbox.ts`. A connection of which nothing is under way holds no ledger. Frames of one length in a row are
 * counted, and a length by itself takes a byte for a short frame, so that many small frames do not weigh more than what
 * they say.
 */
import type { MillraceError } from "../errors.ts";
import type { OutcomeListener } from "./outcome.ts";

/** A listener for the outcome of the frame at these positions of the outbound stream. */
interface Waiter {
  readonly start: number;
  readonly end: number;
  readonly listen: OutcomeListener;
}

const firstBytes = 64;
/** A ledger keeps no more memory than this between uses. */
const keptBytes = 16 * 1024;
/** The longest that a run can be, a length and a count: seven bits a byte. */
const longestRun = 16;
const mostLedgers = 512;
const ledgers: Ledger[] = [];

/** An empty ledger from the pool, for a stream of which so many bytes have been taken. */
function takeLedger(position: number): Ledger {
  const ledger = ledgers.pop() ?? new Ledger();
  ledger.begin(position);
  return ledger;
}

/** Gives an empty ledger back. */
function giveLedger(ledger: Ledger): void {
  if (ledgers.length < mostLedgers) ledgers.push(ledger);
}

/** The counters of one connection. */
export class Outflow {
  /** Bytes that the kernel has taken. */
  bytes = 0;
  /** Frames that the kernel has taken whole. */
  frames = 0;
  /** Bytes that were handed to the transport and are not known to be in the kernel. */
  underWay = 0;
  #ledger: Ledger | undefined = undefined;

  /** Frames that were added and are not whole in the kernel. */
  get framesLeft(): number {
    return this.#ledger?.frames ?? 0;
  }

  /** What the kernel has of a frame between these positions; `none` of an open connection may still leave. */
  reached(start: number, end: number): "all" | "none" | "unknown" {
    if (end <= this.bytes) return "all";
    return start < this.bytes + this.underWay ? "unknown" : "none";
  }

  /** One frame behind the others. */
  add(length: number, listen: OutcomeListener | undefined): void {
    (this.#ledger ??= takeLedger(this.bytes)).add(length, listen);
  }

  /** The kernel has taken so many more bytes of those under way. */
  take(bytes: number): void {
    this.underWay -= bytes;
    const position = this.bytes += bytes;
    const ledger = this.#ledger;
    if (ledger === undefined) return;
    this.frames += ledger.takenTo(position);
    const empty = ledger.frames === 0;
    if (empty) this.#ledger = undefined;
    ledger.settle(position);
    if (empty) giveLedger(ledger);
  }

  /** The connection is over, and nothing more will be taken. */
  fail(error: () => MillraceError): void {
    this.#ledger?.fail(this.bytes + this.underWay, error);
  }
}

/** Frames in the order of their bytes. */
export class Ledger {
  /** Frames that were added and are not taken whole. */
  frames = 0;
  /** Where the last of them ends in the outbound stream. */
  #end = 0;
  /** Where the first of them begins. */
  #start = 0;
  /** The length of the frames that were added last, and how many there are of them; −1 where none are left. */
  #lastLength = -1;
  #lastCount = 0;
  /** The runs before that, as numbers: twice the length, one more where a count follows. */
  #runs: Uint8Array = new Uint8Array(firstBytes);
  #read = 0;
  #written = 0;
  /** What is left of the oldest run. */
  #firstLength = 0;
  #firstCount = 0;
  #waiters: Waiter[] | undefined = undefined;

  /** Begins anew, at this position of the outbound stream. */
  begin(position: number): void {
    this.#start = this.#end = position;
    this.#forget();
  }

  /** One frame behind the others. */
  add(length: number, listen: OutcomeListener | undefined): void {
    const start = this.#end;
    const end = this.#end = start + length;
    this.frames++;
    if (listen !== undefined) (this.#waiters ??= []).push({ start, end, listen });
    if (length === this.#lastLength) this.#lastCount++;
    else this.#begin(length);
  }

  /** The kernel has taken the stream up to this position. Returns how many more frames it has whole by that. */
  takenTo(position: number): number {
    const before = this.frames;
    if (position >= this.#end) {
      this.#start = this.#end;
      this.#forget();
    } else this.#walk(position);
    return before - this.frames;
  }

  /** Reports `sent` to the listeners of frames that end by this position. */
  settle(position: number): void {
    const waiters = this.#waiters;
    if (waiters === undefined) return;
    const left = waiters.findIndex(({ end }) => end > position);
    // Put away before the listeners are called, since they may send.
    this.#waiters = left < 0 ? undefined : waiters.slice(left);
    for (const { listen } of left < 0 ? waiters : waiters.slice(0, left)) listen({ status: "sent" });
  }

  /** Tells everybody who still waits that it failed; what begins before `handed` may have reached the kernel. */
  fail(handed: number, error: () => MillraceError): void {
    const waiters = this.#waiters;
    this.#waiters = undefined;
    waiters?.forEach(({ start, listen }) =>
      listen({ status: "failed", kernel: start < handed ? "unknown" : "none", error: error() })
    );
  }

  #walk(position: number): void {
    while (this.#firstCount > 0 || this.#next()) {
      const length = this.#firstLength;
      const whole = length === 0
        ? this.#firstCount
        : Math.min(this.#firstCount, Math.floor((position - this.#start) / length));
      this.#start += whole * length;
      this.frames -= whole;
      if ((this.#firstCount -= whole) > 0) return;
    }
  }

  /** A frame of another length than the one before. */
  #begin(length: number): void {
    const count = this.#lastCount;
    if (count > 0) {
      if (this.#written + longestRun > this.#runs.length) this.#makeRoom();
      this.#write(2 * this.#lastLength + (count > 1 ? 1 : 0));
      if (count > 1) this.#write(count);
    }
    this.#lastLength = length;
    this.#lastCount = 1;
  }

  /** Takes out the oldest run; false if there is none. */
  #next(): boolean {
    if (this.#read === this.#written) {
      this.#firstLength = this.#lastLength;
      this.#firstCount = this.#lastCount;
      this.#lastLength = -1;
      this.#lastCount = 0;
      return this.#firstCount > 0;
    }
    const number = this.#take();
    this.#firstCount = number % 2 === 0 ? 1 : this.#take();
    this.#firstLength = Math.floor(number / 2);
    return true;
  }

  #write(number: number): void {
    let rest = number;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#runs[this.#written++] = (rest % 128) | 128;
    this.#runs[this.#written++] = rest;
  }

  #take(): number {
    let number = 0;
    let scale = 1;
    for (let byte = 128; byte > 127; scale *= 128) {
      byte = this.#runs[this.#read++]!;
      number += (byte & 127) * scale;
    }
    return number;
  }

  #forget(): void {
    this.frames =
      this.#read =
      this.#written =
      this.#firstCount =
      this.#lastCount =
        0;
    this.#lastLength = -1;
    if (this.#runs.length > keptBytes) this.#runs = new Uint8Array(firstBytes);
  }

  #makeRoom(): void {
    const held = this.#runs.subarray(this.#read, this.#written);
    // Moved to the front while that makes half of it free, since a queue that never empties must not grow.
    if (2 * held.length > this.#runs.length) this.#runs = new Uint8Array(2 * this.#runs.length);
    this.#runs.set(held);
    this.#read = 0;
    this.#written = held.length;
  }
}
