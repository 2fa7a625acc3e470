/**
 * Cuts bytes at any of several delimiters: the one that begins first, and at one place the longest.
 *
 * The engine of `delimited.ts` where several are given; with one, `delimited_decoder.ts` is several times as fast. A frame is
 * passed on with the last byte of the delimiter that ends it, even where a longer one begins with that: what follows of the
 * longer one is then dropped, so that a carriage return at the end of a chunk need not wait for the newline that may follow.
 */
import { copiedOf, memoryOf, viewIn } from "../bytes/bytes.ts";
import { HeldBytes } from "../bytes/held_bytes.ts";
import type { FirstByteSearch, Patterns } from "../bytes/patterns.ts";
import type { FrameError } from "../errors.ts";
import { type DelimiterRules, endedInside, overLimit } from "./delimited_decoder.ts";
import type { Decoder } from "./framing.ts";
import { restWaits } from "./refusal.ts";

/** What one framing's decoders share. */
interface SeveralRules extends Omit<DelimiterRules, "delimiter" | "stripCarriageReturn"> {
  readonly delimiters: Patterns;
}

/** One connection's frames. */
export class SeveralDelimitersDecoder implements Decoder<Uint8Array> {
  readonly #rules: SeveralRules;
  readonly #report: (error: FrameError) => unknown;
  /** Offset in the stream of the next chunk's first byte. */
  #position = 0;
  #failed: FrameError | undefined = undefined;
  readonly #search: FirstByteSearch;
  readonly #held: HeldBytes = new HeldBytes();
  /** What is matched of a delimiter at the end of what has come. */
  #state = 0;
  /** Or of the longer one that begins with the delimiter that ended a frame: nothing but that has come since. */
  #growing = 0;
  #skipping = false;
  #rest: Uint8Array | undefined = undefined;
  #restAt = 0;
  #frameAt = 0;

  constructor(rules: SeveralRules, report: (error: FrameError) => unknown) {
    this.#rules = rules;
    this.#report = report;
    this.#search = rules.delimiters.search();
  }

  get buffered(): number {
    return this.#skipping ? 1 : this.#held.length;
  }

  get waiting(): number {
    return this.#rest === undefined ? 0 : this.#rest.length - this.#restAt;
  }

  get frameOffset(): number {
    return this.#position + this.#frameAt;
  }

  push(chunk: Uint8Array, next: (frame: Uint8Array) => unknown): boolean {
    this.#checkReady();
    this.#search.begin();
    return this.#cut(chunk, 0, next);
  }

  resume(next: (frame: Uint8Array) => unknown): boolean {
    if (this.#failed !== undefined) throw this.#failed;
    const rest = this.#rest;
    if (rest === undefined) return true;
    this.#rest = undefined;
    return this.#cut(rest, this.#restAt, next);
  }

  flush(next: (frame: Uint8Array) => unknown): void {
    this.#checkReady();
    const size = this.#held.length;
    if (this.#skipping || size === 0) return;
    const offset = this.#position - size;
    if (!this.#rules.acceptUnterminated) throw this.#failed = endedInside(this.#rules, size, offset);
    this.#frameAt = -size;
    const frame = this.#held.join(none, 0, 0);
    if (size <= this.#rules.maxFrameBytes) next(frame);
    else this.#tooLarge(size, offset, true);
  }

  /** Cuts from `start` on, where a frame begins or goes on; false when it was stopped and bytes are left. */
  #cut(chunk: Uint8Array, start: number, next: (frame: Uint8Array) => unknown): boolean {
    const { delimiters, keepDelimiter, maxFrameBytes } = this.#rules;
    const { length, byteOffset } = chunk;
    const copied = copiedOf(chunk);
    const memory = memoryOf(chunk);
    const search = this.#search;
    let state = this.#state;
    let growing = this.#growing;
    /** Where the frame begins, or goes on that an earlier chunk began. */
    let from = start;
    for (let at = start; at < length;) {
      if (growing > 0) {
        const grown = delimiters.deeper(growing, chunk[at]!);
        if (grown === 0) {
          state = delimiters.behind(growing);
          growing = 0;
          continue;
        }
        at++;
        growing = grown;
        if (delimiters.ends(grown) > 0) {
          this.#held.clear();
          from = at;
          if (!delimiters.grows(grown)) growing = 0;
        }
        continue;
      }
      if (state === 0) {
        at = search.from(chunk, at);
        if (at === length) break;
      }
      state = delimiters.step(state, chunk[at++]!);
      const width = delimiters.ends(state);
      if (width === 0) continue;
      growing = delimiters.grows(state) ? state : 0;
      state = 0;
      let more: unknown;
      const size = at - width - from;
      if (this.buffered > 0 || size > maxFrameBytes) more = this.#endFrame(chunk, from, at, width, next);
      else {
        // Most frames begin and end in the same chunk.
        this.#frameAt = from;
        const to = keepDelimiter ? at : at - width;
        more = next(
          to - from <= copied ? chunk.slice(from, to) : viewIn(chunk, memory, byteOffset, from, to),
        );
      }
      from = at;
      if (more !== false || at === length) continue;
      this.#state = 0;
      this.#growing = growing;
      this.#rest = chunk;
      this.#restAt = at;
      return false;
    }
    this.#state = state;
    this.#growing = growing;
    this.#position += length;
    if (from < length && !this.#skipping) this.#hold(chunk, from);
    return true;
  }

  /** A delimiter of `width` bytes ends a frame at `end` that an earlier chunk began, or that is too large; says whether to go on. */
  #endFrame(
    chunk: Uint8Array,
    from: number,
    end: number,
    width: number,
    next: (frame: Uint8Array) => unknown,
  ): unknown {
    if (this.#skipping) {
      this.#skipping = false;
      return true;
    }
    const { keepDelimiter, maxFrameBytes } = this.#rules;
    const held = this.#held;
    const before = held.length;
    const to = end - width;
    const content = before + to - from;
    const offset = this.#position + from - before;
    if (content > maxFrameBytes) {
      held.clear();
      return this.#tooLarge(content, offset, true);
    }
    this.#frameAt = from - before;
    const last = keepDelimiter ? end : to;
    // The delimiter may have begun in an earlier chunk.
    const joined = held.join(chunk, from, Math.max(last, from));
    return next(last < from ? joined.subarray(0, content) : joined);
  }

  /** Keeps the beginning of a frame, unless no delimiter could end it within the limit any more. */
  #hold(chunk: Uint8Array, from: number): void {
    const held = this.#held;
    held.add(chunk, from);
    const { delimiters, maxFrameBytes } = this.#rules;
    if (this.#growing > 0) return;
    const size = held.length - delimiters.depth(this.#state);
    if (size <= maxFrameBytes) return;
    const offset = this.#position - held.length;
    held.clear();
    this.#skipping = true;
    this.#tooLarge(size, offset, false);
  }

  #tooLarge(size: number, offset: number, ended: boolean): unknown {
    const error = overLimit(this.#rules, size, offset, ended);
    if (!this.#rules.skip) throw this.#failed = error;
    return this.#report(error);
  }

  #checkReady(): void {
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#rest !== undefined) throw restWaits(this.#rules.name);
  }
}

const none = new Uint8Array(0);
