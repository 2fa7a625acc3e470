/**
 * Lines as strings.
 *
 * Used by `lines.ts`. A run of whole lines is decoded at once and cut as text, which is several times as fast as
 * decoding line by line and gives the same: a newline byte is never part of a character. A run has a bound, since
 * its text is held for as long as nobody wants the next line.
 */
import { indexOfByte } from "../bytes/byte_search.ts";
import { showBytes } from "../bytes/bytes.ts";
import { FrameError } from "../errors.ts";
import { DelimitedDecoder, type DelimiterRules } from "./delimited_decoder.ts";
import type { Decoder } from "./framing.ts";
import { restWaits } from "./refusal.ts";
import type { TextCodec } from "../text/text_encoding.ts";

const newline = 10;
const carriageReturn = 13;
/** The most bytes that are decoded together. */
const longestRun = 32 * 1024;
/** As far from its end a newline is looked for; longer lines are decoded one by one. */
const nearEnd = 8 * 1024;
const none = new Uint8Array(0);

/** One connection's lines. */
export class TextLinesDecoder implements Decoder<string> {
  readonly #rules: DelimiterRules;
  readonly #codec: TextCodec;
  readonly #report: (error: FrameError) => unknown;
  readonly #bytes: DelimitedDecoder;
  readonly #line: (bytes: Uint8Array) => unknown = (bytes) => {
    if (this.#decode(bytes) === false) this.#enough = true;
  };
  #next: (line: string) => unknown = nowhere;
  /** Where in the stream the line begins that is decoded by itself. */
  #offset = 0;
  #enough = false;
  /** The chunk that is being cut, up to where it has been decoded. */
  #chunk: Uint8Array = none;
  #at = 0;
  /** Up to here, lines are decoded one by one, because not all of them are text. */
  #singleTo = 0;
  /** The run that is being cut as text, and how far, in characters and in bytes. */
  #text = "";
  #textAt = 0;
  #run: Uint8Array = none;
  #runAt = 0;
  /** Where the line began that was cut of it last, in bytes. */
  #lineAt = 0;

  constructor(rules: DelimiterRules, codec: TextCodec, report: (error: FrameError) => unknown) {
    this.#rules = rules;
    this.#codec = codec;
    this.#report = (error) => {
      const more = report(error);
      if (more === false) this.#enough = true;
      return more;
    };
    this.#bytes = new DelimitedDecoder(rules, this.#report, true);
  }

  get buffered(): number {
    return this.#bytes.buffered;
  }

  get waiting(): number {
    const text = this.#run === none ? 0 : this.#run.length - this.#runAt;
    return text + this.#chunk.length - this.#at;
  }

  get frameOffset(): number {
    return this.#run === none ? this.#offset : this.#bytes.position + this.#lineAt;
  }

  push(chunk: Uint8Array, next: (line: string) => unknown): boolean {
    if (this.#bytes.failed !== undefined) throw this.#bytes.failed;
    if (this.#chunk !== none) throw restWaits(this.#rules.name);
    this.#chunk = chunk;
    this.#at = this.#singleTo = 0;
    return this.#cut(next);
  }

  resume(next: (line: string) => unknown): boolean {
    if (this.#bytes.failed !== undefined) throw this.#bytes.failed;
    return this.#cut(next);
  }

  flush(next: (line: string) => unknown): void {
    if (this.#bytes.failed !== undefined) throw this.#bytes.failed;
    if (this.#chunk !== none) throw restWaits(this.#rules.name);
    this.#next = next;
    this.#offset = this.#bytes.openOffset;
    this.#bytes.flush(this.#line);
  }

  /** Goes on with the text, then with the chunk; false when it was stopped and something is left. */
  #cut(next: (line: string) => unknown): boolean {
    const chunk = this.#chunk;
    this.#next = next;
    this.#enough = false;
    for (;;) {
      if (this.#textAt < this.#text.length) this.#cutText(next);
      const left = this.#textAt < this.#text.length || this.#at < chunk.length;
      if (!left) break;
      if (this.#enough) return false;
      if (!this.#decodeRun(chunk)) this.#pushOne(chunk);
    }
    this.#chunk = none;
    return true;
  }

  /** Decodes whole lines together; false if there are none, or one of them is no text. */
  #decodeRun(chunk: Uint8Array): boolean {
    const start = this.#at;
    if (this.#bytes.buffered > 0 || start < this.#singleTo) return false;
    // Its end is looked for where it mostly is.
    const to = Math.min(chunk.length, start + longestRun);
    const first = Math.max(start, to - nearEnd);
    const end = first + chunk.subarray(first, to).lastIndexOf(newline) + 1;
    if (end === first) return false;
    const run = chunk.subarray(start, end);
    try {
      this.#text = this.#codec.decode(run);
    } catch {
      this.#singleTo = end;
      return false;
    }
    this.#run = run;
    this.#textAt = this.#runAt = 0;
    this.#at = end;
    return true;
  }

  #cutText(next: (line: string) => unknown): void {
    const { stripCarriageReturn, maxFrameBytes } = this.#rules;
    const text = this.#text;
    const run = this.#run;
    const oneByteEach = text.length === run.length;
    let start = this.#textAt;
    let from = this.#runAt;
    while (start < text.length) {
      const at = text.indexOf("\n", start);
      const to = oneByteEach ? at : indexOfByte(run, newline, from);
      const strip = stripCarriageReturn && at > start && text.charCodeAt(at - 1) === carriageReturn ? 1 : 0;
      const size = to - from - strip;
      const begin = start;
      this.#textAt = start = at + 1;
      this.#lineAt = from;
      this.#runAt = from = to + 1;
      const more = size > maxFrameBytes
        ? this.#bytes.tooLarge(size, this.frameOffset, true)
        : next(text.slice(begin, at - strip));
      if (more !== false && !this.#enough) continue;
      this.#enough = true;
      if (start < text.length) return;
    }
    this.#bytes.position += run.length;
    this.#text = "";
    this.#textAt = 0;
    this.#run = none;
  }

  /** Passes the bytes to the end of one line on. */
  #pushOne(chunk: Uint8Array): void {
    const start = this.#at;
    const found = indexOfByte(chunk, newline, start);
    const end = found < 0 ? chunk.length : found + 1;
    this.#at = end;
    this.#offset = this.#bytes.openOffset;
    this.#bytes.pushPiece(chunk.subarray(start, end), found >= 0, this.#line);
  }

  #decode(bytes: Uint8Array): unknown {
    let line: string;
    try {
      line = this.#codec.decode(bytes);
    } catch (cause) {
      const offset = this.#offset;
      const error = new FrameError(
        "malformed",
        `cut a frame (${this.#rules.name}) at offset ${offset}: the line is not UTF-8: ${
          showBytes(bytes)
        }; ` +
          `check the peer's encoding, or leave out fatal to get U+FFFD in place of the invalid bytes`,
        { offset, size: bytes.length },
        { cause },
      );
      if (!this.#rules.skip) throw this.#bytes.failed = error;
      return void this.#report(error);
    }
    return this.#next(line);
  }
}

function nowhere(): void {}
