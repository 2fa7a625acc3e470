/**
 * Lines as strings.
 *
 * Used by `lines.ts`. The run of whole lines in a chunk is decoded at once and cut as text, which is several
 * times as fast as decoding line by line and gives the same: a newline byte is never part of a character.
 */
import { showBytes } from "../bytes.ts";
import { FrameError } from "../errors.ts";
import { DelimitedDecoder, type DelimiterRules } from "./delimited_decoder.ts";
import type { Decoder } from "./framing.ts";
import type { TextCodec } from "./text_encoding.ts";

const newline = 10;
const carriageReturn = 13;

/** One connection's lines. */
export class TextLinesDecoder implements Decoder<string> {
  readonly #rules: DelimiterRules;
  readonly #codec: TextCodec;
  readonly #report: (error: FrameError) => void;
  readonly #bytes: DelimitedDecoder;
  readonly #line: (bytes: Uint8Array) => void = (bytes) => this.#decode(bytes);
  #next: (line: string) => void = nowhere;
  #offset = 0;

  constructor(rules: DelimiterRules, codec: TextCodec, report: (error: FrameError) => void) {
    this.#rules = rules;
    this.#codec = codec;
    this.#report = report;
    this.#bytes = new DelimitedDecoder(rules, report);
  }

  get buffered(): number {
    return this.#bytes.buffered;
  }

  push(chunk: Uint8Array, next: (line: string) => void): void {
    if (this.#bytes.failed !== undefined) throw this.#bytes.failed;
    this.#next = next;
    let start = 0;
    if (this.#bytes.buffered > 0) start = this.#pushOne(chunk, 0);
    const end = chunk.lastIndexOf(newline) + 1;
    if (end > start) {
      const whole = start === 0 && end === chunk.length;
      const run = whole ? chunk : chunk.subarray(start, end);
      if (run.length <= this.#rules.maxFrameBytes && this.#splitRun(run, next)) {
        this.#bytes.position += run.length;
      } else while (start < end) start = this.#pushOne(chunk, start);
      start = end;
    }
    if (start < chunk.length) this.#pushOne(chunk, start);
  }

  flush(next: (line: string) => void): void {
    if (this.#bytes.failed !== undefined) throw this.#bytes.failed;
    this.#next = next;
    this.#offset = this.#bytes.frameOffset;
    this.#bytes.flush(this.#line);
  }

  /** Decodes whole lines together; false if that cannot be done because one of them is no text. */
  #splitRun(run: Uint8Array, next: (line: string) => void): boolean {
    let text: string;
    try {
      text = this.#codec.decode(run);
    } catch {
      return false;
    }
    const strip = this.#rules.stripCarriageReturn;
    let start = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", start)) {
      next(
        text.slice(start, strip && at > start && text.charCodeAt(at - 1) === carriageReturn ? at - 1 : at),
      );
      start = at + 1;
    }
    return true;
  }

  /** Passes the bytes from `start` to the end of one line on, and says where that is. */
  #pushOne(chunk: Uint8Array, start: number): number {
    const end = chunk.indexOf(newline, start) + 1 || chunk.length;
    this.#offset = this.#bytes.frameOffset;
    this.#bytes.push(chunk.subarray(start, end), this.#line);
    return end;
  }

  #decode(bytes: Uint8Array): void {
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
      return this.#report(error);
    }
    this.#next(line);
  }
}

function nowhere(): void {}
