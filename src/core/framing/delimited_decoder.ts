/**
 * Cuts bytes at a delimiter that ends each frame.
 *
 * The engine of `lines.ts`, `delimited.ts` and the presets; knows nothing of text or of options' defaults.
 * A chunk of whole frames costs a search and a view for each. Across chunks it remembers how much of the
 * delimiter it has seen, so no byte is searched twice.
 */
import { copiedOf, memoryOf, viewIn } from "../bytes/bytes.ts";
import { findByte, indexOfByte, wordsOf } from "../bytes/byte_search.ts";
import { FrameError } from "../errors.ts";
import type { Decoder } from "./framing.ts";
import { HeldBytes } from "../bytes/held_bytes.ts";
import type { Sought } from "../bytes/pattern.ts";
import { restWaits } from "./refusal.ts";

/** What one framing's decoders share. */
export interface DelimiterRules {
  readonly name: string;
  readonly delimiter: Sought;
  /** For messages: `"a newline"`, `"the delimiter 0x1c0d"`. */
  readonly delimiterShown: string;
  /** Frames carry their delimiter. */
  readonly keepDelimiter: boolean;
  /** Drop one carriage return before a delimiter of one byte. */
  readonly stripCarriageReturn: boolean;
  /** The end of input ends a frame too. */
  readonly acceptUnterminated: boolean;
  /** Limit for what stands between delimiters. */
  readonly maxFrameBytes: number;
  readonly skip: boolean;
}

const carriageReturn = 13;

/** One connection's frames. */
export class DelimitedDecoder implements Decoder<Uint8Array> {
  /** Offset in the stream of the next chunk's first byte. */
  position = 0;
  /** Set once: no frame can be cut any more. */
  failed: FrameError | undefined = undefined;
  readonly #rules: DelimiterRules;
  readonly #report: (error: FrameError) => unknown;
  readonly #lends: boolean;
  #held: HeldBytes | undefined = undefined;
  /** Bytes at the end of what has come that may be the beginning of a delimiter. */
  #matched = 0;
  /** The frame that has begun was refused: its bytes are dropped up to the next delimiter. */
  #skipping = false;
  /** A chunk that was cut up to `#restAt`, because the receiver of the frames had enough. */
  #rest: Uint8Array | undefined = undefined;
  #restAt = 0;
  /** The frame that was ended last was enough. */
  #enough = false;
  /** Where that frame began, counted from the chunk's first byte. */
  #frameAt = 0;

  /** With `lends`, the receiver of a frame looks at it only during the call. */
  constructor(rules: DelimiterRules, report: (error: FrameError) => unknown, lends = false) {
    this.#rules = rules;
    this.#report = report;
    this.#lends = lends;
  }

  get buffered(): number {
    return this.#skipping ? 1 : this.#held?.length ?? 0;
  }

  /** Where in the stream the frame begins of which some bytes are held. */
  get openOffset(): number {
    return this.position - (this.#held?.length ?? 0);
  }

  get waiting(): number {
    return this.#rest === undefined ? 0 : this.#rest.length - this.#restAt;
  }

  get frameOffset(): number {
    return this.position + this.#frameAt;
  }

  push(chunk: Uint8Array, next: (frame: Uint8Array) => unknown): boolean {
    if (this.failed !== undefined) throw this.failed;
    if (this.#rest !== undefined) throw restWaits(this.#rules.name);
    if (this.buffered === 0) return this.#cut(chunk, 0, next);
    this.#enough = false;
    const start = this.#endFrame(chunk, next);
    return this.#enough && start < chunk.length ? this.#keep(chunk, start) : this.#cut(chunk, start, next);
  }

  /** Like `push`, of bytes of which it is known that they have a delimiter of one byte at their end, or none at all. */
  pushPiece(piece: Uint8Array, ended: boolean, next: (frame: Uint8Array) => unknown): void {
    // Without anything held, a frame that ends is found where it ends.
    if (this.buffered > 0) this.#endFrame(piece, next, ended ? piece.length : -1);
    else if (ended) return void this.push(piece, next);
    else this.#begin(piece, 0);
    this.position += piece.length;
  }

  resume(next: (frame: Uint8Array) => unknown): boolean {
    if (this.failed !== undefined) throw this.failed;
    const rest = this.#rest;
    if (rest === undefined) return true;
    this.#rest = undefined;
    return this.#cut(rest, this.#restAt, next);
  }

  flush(next: (frame: Uint8Array) => unknown): void {
    if (this.failed !== undefined) throw this.failed;
    if (this.#rest !== undefined) throw restWaits(this.#rules.name);
    const held = this.#held;
    if (this.#skipping || held === undefined || held.length === 0) return;
    const size = held.length;
    const offset = this.position - size;
    if (!this.#rules.acceptUnterminated) throw this.failed = endedInside(this.#rules, size, offset);
    this.#frameAt = -size;
    if (size <= this.#rules.maxFrameBytes) return void next(held.join(none, 0, 0));
    held.clear();
    this.tooLarge(size, offset, true);
  }

  /** Cuts from `start` on; false when it was stopped and bytes are left. */
  #cut(chunk: Uint8Array, start: number, next: (frame: Uint8Array) => unknown): boolean {
    const { length } = chunk;
    const { delimiter, keepDelimiter, stripCarriageReturn, maxFrameBytes } = this.#rules;
    const { length: width, first } = delimiter;
    const { byteOffset } = chunk;
    const copied = copiedOf(chunk);
    const memory = memoryOf(chunk);
    const words = memory === undefined || width > 1 ? undefined : wordsOf(chunk, memory, byteOffset);
    let from = start;
    while (from < length) {
      const at = words !== undefined
        ? findByte(chunk, words, byteOffset & 3, first, from)
        : width === 1
        ? indexOfByte(chunk, first, from)
        : delimiter.find(chunk, from);
      if (at < 0) {
        this.#begin(chunk, from);
        break;
      }
      this.#frameAt = from;
      const stripped = stripCarriageReturn && at > from && chunk[at - 1] === carriageReturn ? at - 1 : at;
      const to = keepDelimiter ? at + width : stripped;
      const more = stripped - from > maxFrameBytes
        ? this.tooLarge(stripped - from, this.position + from, true)
        : next(to - from <= copied ? chunk.slice(from, to) : viewIn(chunk, memory, byteOffset, from, to));
      from = at + width;
      if (more === false && from < length) return this.#keep(chunk, from);
    }
    this.position += length;
    return true;
  }

  #keep(chunk: Uint8Array, from: number): false {
    this.#rest = chunk;
    this.#restAt = from;
    return false;
  }

  /** Goes on with the frame that an earlier chunk began; returns where in this chunk the next one starts. */
  #endFrame(
    chunk: Uint8Array,
    next: (frame: Uint8Array) => unknown,
    end: number = this.#findEnd(chunk),
  ): number {
    const { delimiter, keepDelimiter, stripCarriageReturn, maxFrameBytes } = this.#rules;
    const width = delimiter.length;
    if (end < 0) {
      if (this.#skipping) return chunk.length;
      (this.#held ??= new HeldBytes()).add(chunk, 0);
      this.#checkOpen(chunk);
      return chunk.length;
    }
    if (this.#skipping) {
      this.#skipping = false;
      return end;
    }
    const held = this.#held!;
    const offset = this.position - held.length;
    const at = end - width;
    const before = at > 0 ? chunk[at - 1] : held.last;
    const content = held.length + at - (stripCarriageReturn && before === carriageReturn ? 1 : 0);
    if (content > maxFrameBytes) {
      held.clear();
      this.#enough = this.tooLarge(content, offset, true) === false;
      return end;
    }
    this.#frameAt = -held.length;
    const joined = held.join(chunk, 0, keepDelimiter ? end : Math.max(at, 0), this.#lends);
    this.#enough =
      next(keepDelimiter || joined.length === content ? joined : joined.subarray(0, content)) === false;
    return end;
  }

  /** The place in the chunk just after the next delimiter, which may have begun in an earlier chunk; or -1. */
  #findEnd(chunk: Uint8Array): number {
    const { delimiter } = this.#rules;
    let matched = this.#matched;
    let i = 0;
    // More matched than read of this chunk: the match began in an earlier one.
    while (matched > i && i < chunk.length) {
      matched = delimiter.advance(matched, chunk[i++]!);
      if (matched === delimiter.length) return this.#endAt(i);
    }
    const at = matched > i ? -1 : delimiter.find(chunk, i - matched);
    if (at >= 0) return this.#endAt(at + delimiter.length);
    this.#matched = matched > i ? matched : delimiter.matchTail(chunk, i, matched);
    return -1;
  }

  #endAt(end: number): number {
    this.#matched = 0;
    return end;
  }

  /** A frame begins at `start` and does not end in this chunk. */
  #begin(chunk: Uint8Array, start: number): void {
    this.#matched = this.#rules.delimiter.matchTail(chunk, start, 0);
    (this.#held ??= new HeldBytes()).add(chunk, start);
    this.#checkOpen(chunk);
  }

  /** Refuses a frame as soon as no delimiter could end it within the limit. */
  #checkOpen(chunk: Uint8Array): void {
    const held = this.#held!;
    const mayStrip = this.#rules.stripCarriageReturn && held.last === carriageReturn ? 1 : 0;
    const size = held.length - this.#matched - mayStrip;
    if (size <= this.#rules.maxFrameBytes) return;
    const offset = this.position + chunk.length - held.length;
    held.clear();
    this.#skipping = true;
    this.tooLarge(size, offset, false);
  }

  /** Refuses a frame: throws, or reports it and says whether to go on. */
  tooLarge(size: number, offset: number, ended: boolean): unknown {
    const error = overLimit(this.#rules, size, offset, ended);
    if (!this.#rules.skip) throw this.failed = error;
    return this.#report(error);
  }
}

type ErrorRules = Pick<DelimiterRules, "name" | "delimiterShown" | "maxFrameBytes">;

/** The error for a frame over the limit, whether its delimiter has come or not. */
export function overLimit(
  { name, delimiterShown, maxFrameBytes }: ErrorRules,
  size: number,
  offset: number,
  ended: boolean,
): FrameError {
  const found = ended ? `a frame of ${size} bytes` : `${size} bytes without ${delimiterShown}`;
  return new FrameError(
    "too_large",
    `cut a frame (${name}) at offset ${offset}: found ${found}, over maxFrameBytes, ${maxFrameBytes}; ` +
      `raise it, or check that the peer separates frames by ${delimiterShown}`,
    { offset, size, limit: maxFrameBytes },
  );
}

/** The error for an input that ended inside a frame. */
export function endedInside({ name, delimiterShown }: ErrorRules, size: number, offset: number): FrameError {
  return new FrameError(
    "truncated",
    `cut a frame (${name}) at offset ${offset}: the input ended after ${size} bytes, before ${delimiterShown}`,
    { offset, size },
  );
}

const none = new Uint8Array(0);
