/**
 * Cuts bytes into frames whose size is known from their first bytes.
 *
 * The engine of `length_field.ts`, `fixed_length.ts` and the presets; knows nothing of how a size is written.
 * Nothing is allocated for a size that is only claimed: what is held is what has arrived.
 */
import { memoryOf, viewIn } from "../bytes/bytes.ts";
import { FrameError } from "../errors.ts";
import type { Decoder } from "./framing.ts";
import { HeldBytes } from "../bytes/held_bytes.ts";
import { restWaits } from "./refusal.ts";

/** What one framing's decoders share. */
export interface SizeRules {
  readonly name: string;
  /** So many bytes are needed to know a frame's size. At least 1. */
  readonly headerBytes: number;
  /** No frame is smaller. At least `headerBytes` and `strip`. */
  readonly minFrameBytes: number;
  readonly maxFrameBytes: number;
  /**
   * Frames of this size are passed over without a word. Less than `minFrameBytes`, so that others are not
   * slowed down, and at most `headerBytes`.
   */
  readonly droppedBytes: number | undefined;
  /** Bytes at the beginning of a frame that are not passed on. */
  readonly strip: number;
  readonly skip: boolean;
  /** The whole size of the frame that begins at `at`, or `NaN` when its header makes no sense. */
  size(bytes: Uint8Array, at: number): number;
  /** For messages: what the header at `at` says, such as `"a length of 7"`. */
  show(bytes: Uint8Array, at: number): string;
  /** For messages: what to check. */
  readonly advice: string;
}

/** One connection's frames. */
export class SizedDecoder implements Decoder<Uint8Array> {
  readonly #rules: SizeRules;
  readonly #report: (error: FrameError) => unknown;
  /** Offset in the stream of the next chunk's first byte. */
  #position = 0;
  #held: HeldBytes | undefined = undefined;
  /** Size of the frame that is held in part; 0 while its header is not complete. */
  #size = 0;
  /** Bytes still to come of a frame that was refused. */
  #skipping = 0;
  #failed: FrameError | undefined = undefined;
  /** A chunk that was cut up to `#restAt`, because the receiver of the frames had enough. */
  #rest: Uint8Array | undefined = undefined;
  #restAt = 0;
  /** The frame that was ended last was enough. */
  #enough = false;
  /** Where that frame began, counted from the chunk's first byte. */
  #frameAt = 0;

  constructor(rules: SizeRules, report: (error: FrameError) => unknown) {
    this.#rules = rules;
    this.#report = report;
  }

  get buffered(): number {
    return this.#skipping > 0 ? 1 : this.#held?.length ?? 0;
  }

  get waiting(): number {
    return this.#rest === undefined ? 0 : this.#rest.length - this.#restAt;
  }

  get frameOffset(): number {
    return this.#position + this.#frameAt;
  }

  push(chunk: Uint8Array, next: (frame: Uint8Array) => unknown): boolean {
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#rest !== undefined) throw restWaits(this.#rules.name);
    if (this.buffered === 0) return this.#cut(chunk, 0, next);
    this.#enough = false;
    const start = this.#endFrame(chunk, next);
    return this.#enough && start < chunk.length ? this.#keep(chunk, start) : this.#cut(chunk, start, next);
  }

  resume(next: (frame: Uint8Array) => unknown): boolean {
    if (this.#failed !== undefined) throw this.#failed;
    const rest = this.#rest;
    if (rest === undefined) return true;
    this.#rest = undefined;
    return this.#cut(rest, this.#restAt, next);
  }

  flush(): void {
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#rest !== undefined) throw restWaits(this.#rules.name);
    const size = this.#held?.length ?? 0;
    if (size === 0) return;
    const { name, headerBytes } = this.#rules;
    const offset = this.#position - size;
    const wanted = this.#size > 0 ? `${this.#size} bytes of a frame` : `${headerBytes} bytes of a header`;
    throw this.#failed = new FrameError(
      "truncated",
      `cut a frame (${name}) at offset ${offset}: the input ended after ${size} of ${wanted}`,
      { offset, size },
    );
  }

  /** Cuts from `from` on; false when it was stopped and bytes are left. */
  #cut(chunk: Uint8Array, from: number, next: (frame: Uint8Array) => unknown): boolean {
    const rules = this.#rules;
    const { headerBytes, minFrameBytes, maxFrameBytes, strip } = rules;
    const { length, byteOffset } = chunk;
    const memory = memoryOf(chunk);
    let start = from;
    while (length - start >= headerBytes) {
      const size = rules.size(chunk, start);
      let more: unknown;
      if (!(size >= minFrameBytes && size <= maxFrameBytes)) {
        more = size === rules.droppedBytes || this.#refuse(size, chunk, start, this.#position + start);
        start = this.#skip(length, start, size);
      } else if (size <= length - start) {
        this.#frameAt = start;
        more = next(viewIn(chunk, memory, byteOffset, start + strip, start + size));
        start += size;
      } else {
        this.#size = size;
        break;
      }
      if (more === false && start < length) return this.#keep(chunk, start);
    }
    if (start < length) (this.#held ??= new HeldBytes()).add(chunk, start);
    this.#position += length;
    return true;
  }

  #keep(chunk: Uint8Array, from: number): false {
    this.#rest = chunk;
    this.#restAt = from;
    return false;
  }

  /** Goes on with the frame that an earlier chunk began; returns where in this chunk the next one starts. */
  #endFrame(chunk: Uint8Array, next: (frame: Uint8Array) => unknown): number {
    if (this.#skipping > 0) return this.#skip(chunk.length, 0, this.#skipping);
    const { headerBytes, minFrameBytes, maxFrameBytes, droppedBytes, strip } = this.#rules;
    const held = this.#held!;
    let from = 0;
    if (this.#size === 0) {
      from = headerBytes - held.length;
      if (chunk.length < from) return this.#hold(chunk, 0);
      const offset = this.#position - held.length;
      const header = held.join(chunk, 0, from);
      const size = this.#rules.size(header, 0);
      if (!(size >= minFrameBytes && size <= maxFrameBytes)) {
        this.#enough = size !== droppedBytes && this.#refuse(size, header, 0, offset) === false;
        return this.#skip(chunk.length, from, size - headerBytes);
      }
      held.adopt(header);
      this.#size = size;
    }
    const end = from + this.#size - held.length;
    if (chunk.length < end) return this.#hold(chunk, from);
    this.#size = 0;
    this.#frameAt = from - held.length;
    const frame = held.join(chunk, from, end);
    this.#enough = next(strip === 0 ? frame : frame.subarray(strip)) === false;
    return end;
  }

  #hold(chunk: Uint8Array, from: number): number {
    this.#held!.add(chunk, from);
    return chunk.length;
  }

  /** Passes over `bytes` from `start`, as many as the chunk has now and the rest later. */
  #skip(length: number, start: number, bytes: number): number {
    const now = Math.min(bytes, length - start);
    this.#skipping = bytes - now;
    return start + now;
  }

  /** Throws, unless the frame is only too large and the policy is to skip it; says whether to go on. */
  #refuse(size: number, bytes: Uint8Array, at: number, offset: number): unknown {
    const { name, minFrameBytes, maxFrameBytes, droppedBytes = minFrameBytes, skip, advice } = this.#rules;
    const found = `cut a frame (${name}) at offset ${offset}: found ${this.#rules.show(bytes, at)}`;
    if (!(size > maxFrameBytes)) {
      const sense = Number.isNaN(size) ? "" : `, a frame of ${size} bytes but the minimum is ${droppedBytes}`;
      const known = Number.isNaN(size) ? undefined : size;
      throw this.#failed = new FrameError("malformed", `${found}${sense}; ${advice}`, {
        offset,
        size: known,
      });
    }
    const error = new FrameError(
      "too_large",
      `${found}, a frame of ${size} bytes, over maxFrameBytes, ${maxFrameBytes}; raise it, or ${advice}`,
      { offset, size, limit: maxFrameBytes },
    );
    if (!skip) throw this.#failed = error;
    return this.#report(error);
  }
}
