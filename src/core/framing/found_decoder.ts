/**
 * Cuts bytes into frames whose ends a function finds.
 *
 * The engine of `define_framing.ts`; knows nothing of what is in a frame. A chunk of whole frames costs a question and
 * one or two views for each. The beginning of a frame that came in an earlier chunk lies in memory with room behind it, so
 * that each byte is copied a bounded number of times and the function sees one array.
 */
import { memoryOf, view, viewIn } from "../bytes/bytes.ts";
import { GrowingBytes } from "../bytes/growing_bytes.ts";
import { HeldBytes } from "../bytes/held_bytes.ts";
import { FrameError, type FrameErrorReason } from "../errors.ts";
import { type FindFrame, type FoundFrame, isSound, wrongEnd } from "./found_frame.ts";
import type { Decoder } from "./framing.ts";
import { restWaits } from "./refusal.ts";

/** What one framing's decoders share. */
interface FindRules {
  readonly name: string;
  readonly maxFrameBytes: number;
  readonly skip: boolean;
  readonly find: FindFrame;
  readonly resync?: ((bytes: Uint8Array, from: number, atEnd: boolean) => number) | undefined;
}

interface Sizes {
  readonly size?: number | undefined;
  readonly limit?: number | undefined;
}

const none = new Uint8Array(0);

/** One connection's frames. */
export class FoundDecoder implements Decoder<Uint8Array> {
  /** Where in the stream the frame begins that was passed on last. */
  frameOffset = 0;
  readonly #rules: FindRules;
  readonly #report: (error: FrameError) => unknown;
  /** Offset in the stream of the first byte of the array that is being cut, or of the next chunk. */
  #position = 0;
  /** A frame of unknown size, or one whose size is known: one of them is empty. */
  readonly #open: GrowingBytes = new GrowingBytes();
  readonly #held: HeldBytes = new HeldBytes();
  /** What `find` has said of the frame in hand: its size, 0 while it is not known, and what of it to pass on. */
  #size = 0;
  #from = 0;
  #to = 0;
  #drop = false;
  #trailer: Uint8Array | undefined = undefined;
  /** Bytes still to come of a frame that was refused. */
  #skipping = 0;
  /** The next frame is being looked for. What is bad on the way there was reported with the first of it. */
  #lost = false;
  #failed: { readonly error: unknown } | undefined = undefined;
  /** An array that was cut up to `#restAt`, because the receiver of the frames had enough. */
  #rest: Uint8Array | undefined = undefined;
  #restAt = 0;
  #enough = false;

  constructor(rules: FindRules, report: (error: FrameError) => unknown) {
    this.#rules = rules;
    this.#report = report;
  }

  get buffered(): number {
    return this.#skipping > 0 ? 1 : this.#open.length + this.#held.length;
  }

  get waiting(): number {
    return this.#rest === undefined ? 0 : this.#rest.length - this.#restAt;
  }

  push(chunk: Uint8Array, next: (frame: Uint8Array) => unknown): boolean {
    this.#checkReady();
    const { length } = chunk;
    const held = this.#held;
    const searched = this.#open.length;
    if (length === 0) return true;
    if (this.#skipping > 0) {
      const start = this.#skip(0, length, this.#skipping);
      return this.#cut(chunk, start, 0, next);
    }
    if (searched > 0) {
      // The function has to see the frame's bytes as one array, which is then cut in the chunk's place.
      this.#position -= searched;
      return this.#cut(this.#open.extend(chunk), 0, searched, next);
    }
    if (held.length === 0) return this.#cut(chunk, 0, 0, next);
    const end = this.#size - held.length;
    if (length < end) {
      held.add(chunk, 0);
      this.#position += length;
      return true;
    }
    this.frameOffset = this.#position - held.length;
    const frame = held.join(chunk, 0, end);
    this.#checkTrailer(frame, frame.length, this.frameOffset);
    const more = this.#drop || next(this.#trimmed(frame));
    this.#size = 0;
    return more === false && end < length ? this.#keep(chunk, end) : this.#cut(chunk, end, 0, next);
  }

  resume(next: (frame: Uint8Array) => unknown): boolean {
    if (this.#failed !== undefined) throw this.#failed.error;
    const rest = this.#rest;
    if (rest === undefined) return true;
    this.#rest = undefined;
    return this.#cut(rest, this.#restAt, 0, next);
  }

  flush(next: (frame: Uint8Array) => unknown): void {
    this.#checkReady();
    const open = this.#open;
    const length = open.length + this.#held.length;
    if (length === 0) return;
    const first = this.#position - length;
    let at = 0;
    if (this.#size === 0) {
      const bytes = open.extend(none);
      open.clear();
      at = this.#endOpen(bytes, first, next);
      if (at < 0) return;
    }
    const size = length - at;
    const wanted = this.#size > size ? ` of the ${this.#size} of a frame` : " of a frame, before its end";
    const problem = `the input ended after ${size} bytes${wanted}`;
    const error = this.#errorOf("truncated", first + at, problem, { size });
    this.#failed = { error };
    throw error;
  }

  /** Passes on what is whole in the last bytes. Returns where in them a frame begins that is not, or -1. */
  #endOpen(bytes: Uint8Array, first: number, next: (frame: Uint8Array) => unknown): number {
    const { resync, maxFrameBytes, skip } = this.#rules;
    const { length } = bytes;
    let [incomplete, claimed] = [-1, 0];
    for (let at = 0; at < length;) {
      if (this.#lost) at = resync!(bytes, at, true);
      if (!(at >= 0 && at < length)) break;
      this.#size = 0;
      const seen = at === 0 ? length : 0;
      const to = Math.min(length, at + maxFrameBytes);
      const passed = this.#ask(bytes, at, to, seen, true, first + at);
      const size = this.#size;
      if (passed > 0) at += passed;
      else if (size > 0 && size <= length - at) {
        this.frameOffset = first + at;
        if (!this.#drop) next(view(bytes, at + this.#from, at + this.#to));
        at += size;
      } else {
        // Whole frames may lie behind it, where its length was wrong.
        if (!this.#lost && incomplete < 0) [incomplete, claimed] = [at, size];
        if (!skip || resync === undefined) break;
        this.#lost = true;
        at++;
      }
    }
    this.#size = claimed;
    return incomplete;
  }

  /**
   * Cuts from `start` on, where `searched` bytes of the frame there have been seen before; false when it was stopped and
   * bytes are left.
   */
  #cut(array: Uint8Array, start: number, searched: number, next: (frame: Uint8Array) => unknown): boolean {
    const { maxFrameBytes } = this.#rules;
    const { length } = array;
    const open = this.#open;
    const whole = array.constructor === Uint8Array ? array : view(array, 0, length);
    const { byteOffset } = whole;
    const memory = memoryOf(whole);
    let seen = searched;
    let at = start;
    // The bytes of this array are held already, and none of them has been passed on.
    let own = searched > 0;
    let left = false;
    while (at < length) {
      if (this.#lost) {
        const place = this.#rules.resync!(whole, at, false);
        if (place !== at) seen = 0;
        at = place;
        if (!(at >= 0 && at < length)) break;
      }
      const offset = this.#position + at;
      const to = Math.min(length, at + maxFrameBytes);
      const passed = this.#ask(whole, at, to, seen, false, offset);
      const size = this.#size;
      if (passed === 0 && (size === 0 || size > length - at)) {
        left = size === 0;
        if (!left) this.#held.add(whole, at);
        else if (own) open.drop(at);
        else open.extend(at === 0 ? whole : whole.subarray(at));
        break;
      }
      seen = 0;
      let more: unknown;
      if (passed > 0) {
        more = !this.#enough;
        at = this.#skip(at, length, passed);
      } else {
        this.#size = 0;
        this.frameOffset = offset;
        // It may be changed and given away by who gets it, with the memory it lies in.
        own = false;
        if (open.length > 0) open.clear();
        more = this.#drop || next(viewIn(whole, memory, byteOffset, at + this.#from, at + this.#to));
        at += size;
      }
      if (more === false && at < length) {
        open.clear();
        return this.#keep(whole, at);
      }
    }
    if (!left && open.length > 0) open.clear();
    this.#position += length;
    return true;
  }

  #keep(array: Uint8Array, from: number): false {
    this.#rest = array;
    this.#restAt = from;
    return false;
  }

  /** Passes over `bytes` from `start`, as many as there are now and the rest later. */
  #skip(start: number, length: number, bytes: number): number {
    const now = Math.min(bytes, length - start);
    this.#skipping = bytes - now;
    return start + now;
  }

  /**
   * Asks where the frame ends that begins with these bytes. Sets `#size`, which stays 0 where more bytes are needed;
   * returns how many bytes to pass over of a frame that is refused, else 0.
   */
  #ask(bytes: Uint8Array, from: number, to: number, seen: number, atEnd: boolean, offset: number): number {
    const { find, maxFrameBytes } = this.#rules;
    let found: number | FoundFrame | undefined;
    try {
      found = find(bytes, from, to, seen, atEnd);
    } catch (error) {
      this.#failed = { error };
      throw error;
    }
    if (typeof found === "object" && found.atLeast !== undefined) {
      const { atLeast, skip } = found;
      if (atLeast > maxFrameBytes) {
        const problem = `found a frame of ${atLeast} bytes or more${this.#advice}`;
        return this.#refuse("too_large", offset, problem, { size: atLeast, limit: maxFrameBytes }, skip, 1);
      }
      found = undefined;
    }
    if (found === undefined) {
      const size = to - from;
      if (size < maxFrameBytes || atEnd) return 0;
      const problem = `found no end in ${size} bytes${this.#advice}`;
      return this.#refuse("too_large", offset, problem, { size, limit: maxFrameBytes }, undefined, size);
    }
    if (typeof found === "object" && found.malformed !== undefined) {
      const { malformed, reason = "malformed", size, passed = 1 } = found;
      return this.#refuse(reason, offset, malformed, { size }, size, passed);
    }
    const { size, start = 0, end = size, drop = false, trailer }: Exclude<
      FoundFrame,
      { malformed: string } | { atLeast: number }
    > = typeof found === "number" ? { size: found } : found;
    if (!isSound(size, start, end)) {
      const answer = typeof found === "number" ? String(found) : `size ${size}, start ${start}, end ${end}`;
      const error = new TypeError(
        `cut a frame (${this.#rules.name}) at offset ${offset}: find returned ${answer}; ` +
          `expected a size of 1 or more, and start and end within it`,
      );
      this.#failed = { error };
      throw error;
    }
    if (size > maxFrameBytes) {
      const problem = `found a frame of ${size} bytes${this.#advice}`;
      const next = this.#rules.resync === undefined ? size : undefined;
      return this.#refuse("too_large", offset, problem, { size, limit: maxFrameBytes }, next, 1);
    }
    this.#trailer = trailer;
    if (trailer !== undefined && size <= to - from) this.#checkTrailer(bytes, from + size, offset);
    this.#lost = false;
    this.#size = size;
    this.#from = start;
    this.#to = end;
    this.#drop = drop === true;
    return 0;
  }

  #checkTrailer(bytes: Uint8Array, end: number, offset: number): void {
    const problem = wrongEnd(bytes, end, this.#trailer);
    if (problem === undefined) return;
    const error = this.#errorOf("malformed", offset, problem, {});
    this.#failed = { error };
    throw error;
  }

  get #advice(): string {
    const { name, maxFrameBytes } = this.#rules;
    return `, over maxFrameBytes, ${maxFrameBytes}; raise it, or check that the peer speaks ${name}`;
  }

  /**
   * Throws, unless the policy is to skip and it is known how far: `next` bytes lead to the next frame, or it is to be looked
   * for after `passed` of them. Returns how many to pass over.
   */
  #refuse(
    reason: FrameErrorReason,
    offset: number,
    problem: string,
    sizes: Sizes,
    next: number | undefined,
    passed: number,
  ): number {
    const { skip, resync } = this.#rules;
    const known = next !== undefined && Number.isInteger(next) && next > 0;
    this.#enough = false;
    if (this.#lost && !known) return passed;
    const error = this.#errorOf(reason, offset, problem, sizes);
    if (!skip || !(known || resync !== undefined)) {
      this.#failed = { error };
      throw error;
    }
    this.#lost = !known;
    this.#enough = this.#report(error) === false;
    return known ? next : passed;
  }

  #errorOf(reason: FrameErrorReason, offset: number, problem: string, sizes: Sizes): FrameError {
    const message = `cut a frame (${this.#rules.name}) at offset ${offset}: ${problem}`;
    return new FrameError(reason, message, { offset, ...sizes });
  }

  #trimmed(frame: Uint8Array): Uint8Array {
    return this.#from === 0 && this.#to === frame.length ? frame : frame.subarray(this.#from, this.#to);
  }

  #checkReady(): void {
    if (this.#failed !== undefined) throw this.#failed.error;
    if (this.#rest !== undefined) throw restWaits(this.#rules.name);
  }
}
