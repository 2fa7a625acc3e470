/**
 * Cuts bytes at a delimiter that begins each frame.
 *
 * Used by `delimited.ts`. After the first delimiter this is the same work as with one that ends each frame,
 * except that the last frame ends with the input.
 */
import { concatBytes } from "../bytes/bytes.ts";
import { FrameError } from "../errors.ts";
import { DelimitedDecoder, type DelimiterRules } from "./delimited_decoder.ts";
import type { Decoder } from "./framing.ts";
import { restWaits } from "./refusal.ts";

/** One connection's frames. */
export class PrefixDecoder implements Decoder<Uint8Array> {
  readonly #rules: DelimiterRules;
  readonly #report: (error: FrameError) => unknown;
  readonly #rest: DelimitedDecoder;
  readonly #withDelimiter: (frame: Uint8Array) => unknown;
  #next: (frame: Uint8Array) => unknown = nowhere;
  #opened = false;
  #consumed = 0;
  #matched = 0;
  /** The rest of a chunk in which no frame has begun yet. */
  #unread: Uint8Array | undefined = undefined;
  /** The input ended just behind a delimiter. */
  #endsEmpty = false;

  constructor(rules: DelimiterRules, report: (error: FrameError) => unknown) {
    this.#rules = rules;
    this.#report = report;
    this.#rest = new DelimitedDecoder({ ...rules, keepDelimiter: false, acceptUnterminated: true }, report);
    this.#withDelimiter = (frame) => this.#next(concatBytes([rules.delimiter.bytes, frame]));
  }

  get buffered(): number {
    if (this.#opened) return this.#rest.buffered + this.#rules.delimiter.length;
    // What was read in vain is not held.
    return this.#consumed === this.#matched ? this.#consumed : 1;
  }

  get waiting(): number {
    return this.#unread === undefined ? this.#rest.waiting : this.#unread.length;
  }

  get frameOffset(): number {
    return this.#endsEmpty ? this.#rest.openOffset : this.#rest.frameOffset;
  }

  push(chunk: Uint8Array, next: (frame: Uint8Array) => unknown): boolean {
    if (this.#rest.failed !== undefined) throw this.#rest.failed;
    if (this.#unread !== undefined) throw restWaits(this.#rules.name);
    return this.#cut(chunk, next);
  }

  resume(next: (frame: Uint8Array) => unknown): boolean {
    if (this.#rest.failed !== undefined) throw this.#rest.failed;
    const unread = this.#unread;
    if (unread === undefined) return this.#rest.resume(this.#emitter(next));
    this.#unread = undefined;
    return this.#cut(unread, next);
  }

  flush(next: (frame: Uint8Array) => unknown): void {
    if (this.#rest.failed !== undefined) throw this.#rest.failed;
    if (this.#unread !== undefined) throw restWaits(this.#rules.name);
    if (this.#opened) {
      const emit = this.#emitter(next);
      this.#endsEmpty = this.#rest.buffered === 0;
      if (this.#endsEmpty) emit(new Uint8Array(0));
      else this.#rest.flush(emit);
    } else if (this.#consumed > 0 && this.#consumed === this.#matched) {
      throw this.#rest.failed = new FrameError(
        "truncated",
        `cut a frame (${this.#rules.name}) at offset 0: the input ended after ${this.#consumed} bytes of the first delimiter`,
        { offset: 0, size: this.#consumed },
      );
    }
  }

  #cut(chunk: Uint8Array, next: (frame: Uint8Array) => unknown): boolean {
    const start = this.#opened ? 0 : this.#open(chunk);
    if (start === chunk.length) return true;
    const left = start === 0 ? chunk : chunk.subarray(start);
    if (this.#opened) return this.#rest.push(left, this.#emitter(next));
    this.#unread = left;
    return false;
  }

  #emitter(next: (frame: Uint8Array) => unknown): (frame: Uint8Array) => unknown {
    if (!this.#rules.keepDelimiter) return next;
    this.#next = next;
    return this.#withDelimiter;
  }

  /**
   * Looks for the first delimiter, which the stream must begin with; returns where in the chunk it ends, or where to go
   * on when the complaint that it is not there was enough for now.
   */
  #open(chunk: Uint8Array): number {
    const { delimiter } = this.#rules;
    for (let i = 0; i < chunk.length;) {
      const clean = this.#matched === this.#consumed;
      this.#matched = delimiter.advance(this.#matched, chunk[i++]!);
      this.#consumed++;
      if (clean && this.#matched < this.#consumed && this.#complain() === false) return i;
      if (this.#matched === delimiter.length) {
        this.#opened = true;
        // A frame begins with its delimiter: offsets are those of that.
        this.#rest.position = this.#consumed - delimiter.length;
        return i;
      }
    }
    return chunk.length;
  }

  #complain(): unknown {
    const { name, delimiterShown, skip } = this.#rules;
    const error = new FrameError(
      "malformed",
      `cut a frame (${name}) at offset 0: the input does not begin with ${delimiterShown}; ` +
        `check that the peer puts it before each frame, or use position "suffix"`,
      { offset: 0 },
    );
    if (!skip) throw this.#rest.failed = error;
    return this.#report(error);
  }
}

function nowhere(): void {}
