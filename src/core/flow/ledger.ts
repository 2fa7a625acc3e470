/**
 * The frames of one connection that are on their way to the kernel: how long each one is, and who wants its outcome.
 *
 * Used by `outbox.ts`. The counters and the outcomes of frames come from here, so that they cannot disagree. A length
 * takes a byte for a short frame, so that many small frames do not weigh more than what they say.
 */
import type { MillraceError } from "../errors.ts";
import type { OutcomeListener } from "./outcome.ts";

/** Somebody who wants the outcome of the frame at these positions of the outbound stream. */
interface Waiter {
  readonly start: number;
  readonly end: number;
  readonly listen: OutcomeListener;
}

const firstBytes = 64;
/** A ledger keeps no more memory than this between uses. */
const keptBytes = 16 * 1024;
/** The longest that a length can be: seven bits a byte. */
const longestLength = 8;
const mostLedgers = 512;
const ledgers: Ledger[] = [];

/** An empty ledger from the pool, for a stream of which so many bytes have been taken. */
export function takeLedger(position: number): Ledger {
  const ledger = ledgers.pop() ?? new Ledger();
  ledger.begin(position);
  return ledger;
}

/** Gives an empty ledger back. */
export function giveLedger(ledger: Ledger): void {
  if (ledgers.length < mostLedgers) ledgers.push(ledger);
}

/** Frames in the order of their bytes. */
export class Ledger {
  /** Frames that were added and are not taken whole. */
  frames = 0;
  /** Where the last of them ends in the outbound stream. */
  #end = 0;
  /** Where the first of them begins. */
  #start = 0;
  #lengths: Uint8Array = new Uint8Array(firstBytes);
  #first = 0;
  #last = 0;
  #waiters: Waiter[] | undefined = undefined;

  /** Begins anew, at this position of the outbound stream. */
  begin(position: number): void {
    this.#start = this.#end = position;
    this.#forget();
  }

  /** One frame behind the others. */
  add(length: number, listen: OutcomeListener | undefined): void {
    this.frames++;
    const start = this.#end;
    const end = this.#end = start + length;
    if (listen !== undefined) (this.#waiters ??= []).push({ start, end, listen });
    if (this.#last + longestLength > this.#lengths.length) this.#makeRoom();
    let rest = length;
    while (rest > 127) {
      this.#lengths[this.#last++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#lengths[this.#last++] = rest;
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

  /** Tells `sent` to whoever waits for a frame that ends by this position. */
  settle(position: number): void {
    const waiters = this.#waiters;
    if (waiters === undefined) return;
    const left = waiters.findIndex(({ end }) => end > position);
    // Put away before anyone hears, since whoever does may send.
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
    const lengths = this.#lengths;
    while (this.frames > 0) {
      let at = this.#first;
      let length = 0;
      let scale = 1;
      for (let byte = 128; byte > 127; scale *= 128) {
        byte = lengths[at++]!;
        length += (byte & 127) * scale;
      }
      if (this.#start + length > position) return;
      this.#start += length;
      this.#first = at;
      this.frames--;
    }
  }

  #forget(): void {
    this.frames = this.#first = this.#last = 0;
    if (this.#lengths.length > keptBytes) this.#lengths = new Uint8Array(firstBytes);
  }

  #makeRoom(): void {
    const held = this.#lengths.subarray(this.#first, this.#last);
    // Moved to the front while that makes half of it free, since a queue that never empties must not grow.
    if (2 * held.length > this.#lengths.length) this.#lengths = new Uint8Array(2 * this.#lengths.length);
    this.#lengths.set(held);
    this.#first = 0;
    this.#last = held.length;
  }
}
