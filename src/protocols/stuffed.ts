/**
 * Frames that end at a byte which never stands inside them, because the sender puts something else in its place: SLIP and COBS.
 *
 * Used by `slip.ts` and `cobs.ts`, which say what stands there. Cutting is the work of `core/framing/delimited_decoder.ts`.
 */
import { OneByte } from "../core/bytes/one_byte.ts";
import { FrameError } from "../core/errors.ts";
import { DelimitedDecoder, type DelimiterRules } from "../core/framing/delimited_decoder.ts";
import type { ByteSink, Decoder, Framing } from "../core/framing/framing.ts";
import { overSent, requireBytes } from "../core/framing/refusal.ts";
import { OptionsCheck } from "../core/options.ts";
import { checkLimits, type ProtocolLimits } from "./limits.ts";

/** What one of them does with bytes. */
export interface Stuffing {
  readonly name: string;
  /** The byte that ends frames, and for messages. */
  readonly end: number;
  readonly endShown: string;
  /** The frame, of the bytes between two ends, one at least; or what is wrong with them. It may be a view of them. */
  unstuff(bytes: Uint8Array): Uint8Array | string;
  /** The size of a frame between its ends. Throws a `FrameError` for one that cannot be sent. */
  sizeOf(frame: Uint8Array): number;
  /** Writes that. */
  stuff(frame: Uint8Array, into: Uint8Array): void;
}

/** Memory for what is sent; larger frames get their own. */
const scratch = new Uint8Array(64 * 1024);

/** A framing of frames between such bytes, and `leadingEnd` writes one before each frame too. */
export function stuffed(
  stuffing: Stuffing,
  options: ProtocolLimits,
  known: readonly string[],
  leadingEnd: boolean,
): Framing<Uint8Array> {
  const { name, end, endShown } = stuffing;
  const check = new OptionsCheck();
  check.keys(options, known);
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = checkLimits(check, options);
  check.done();
  const delimiter = new OneByte(end);
  const rules: DelimiterRules = {
    name,
    delimiter,
    delimiterShown: endShown,
    keepDelimiter: false,
    stripCarriageReturn: false,
    acceptUnterminated: false,
    maxFrameBytes,
    skip: onFrameError === "skip",
  };
  return {
    name,
    hint: { kind: "delimited", delimiter: delimiter.bytes, position: "suffix" },
    decoder: (report) => new StuffedDecoder(stuffing, rules, report),
    encode(frame: Uint8Array, out: ByteSink) {
      requireBytes(name, frame);
      const size = stuffing.sizeOf(frame);
      if (size > maxSentFrameBytes) throw overSent(name, size, maxSentFrameBytes);
      if (leadingEnd) out.byte(end);
      if (size === frame.length) out.bytes(frame);
      else {
        const into = size <= scratch.length ? scratch.subarray(0, size) : new Uint8Array(size);
        stuffing.stuff(frame, into);
        out.bytes(into);
      }
      out.byte(end);
    },
  };
}

/** One connection's frames. */
class StuffedDecoder implements Decoder<Uint8Array> {
  readonly #stuffing: Stuffing;
  readonly #skip: boolean;
  readonly #report: (error: FrameError) => unknown;
  readonly #pieces: DelimitedDecoder;
  readonly #piece: (bytes: Uint8Array) => unknown = (bytes) => this.#unstuff(bytes);
  #next: (frame: Uint8Array) => unknown = nowhere;

  constructor(stuffing: Stuffing, rules: DelimiterRules, report: (error: FrameError) => unknown) {
    this.#stuffing = stuffing;
    this.#skip = rules.skip;
    this.#report = report;
    this.#pieces = new DelimitedDecoder(rules, report);
  }

  get buffered(): number {
    return this.#pieces.buffered;
  }

  get waiting(): number {
    return this.#pieces.waiting;
  }

  get frameOffset(): number {
    return this.#pieces.frameOffset;
  }

  push(chunk: Uint8Array, next: (frame: Uint8Array) => unknown): boolean {
    this.#next = next;
    return this.#pieces.push(chunk, this.#piece);
  }

  resume(next: (frame: Uint8Array) => unknown): boolean {
    this.#next = next;
    return this.#pieces.resume(this.#piece);
  }

  flush(next: (frame: Uint8Array) => unknown): void {
    this.#next = next;
    this.#pieces.flush(this.#piece);
  }

  #unstuff(bytes: Uint8Array): unknown {
    // Between two ends: a sender may begin with one, and may send more for the time being.
    if (bytes.length === 0) return true;
    const frame = this.#stuffing.unstuff(bytes);
    if (typeof frame !== "string") return this.#next(frame);
    const offset = this.frameOffset;
    const message = `cut a frame (${this.#stuffing.name}) at offset ${offset}: ${frame}`;
    const error = new FrameError("malformed", message, { offset, size: bytes.length });
    if (!this.#skip) throw this.#pieces.failed = error;
    return this.#report(error);
  }
}

function nowhere(): void {}
