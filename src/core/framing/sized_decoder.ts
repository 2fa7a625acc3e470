/**
 * Cuts bytes into frames whose size is known from their first bytes.
 *
 * The engine of `length_field.ts`, `fixed_length.ts` and the presets; knows nothing of how a size is written.
 * Nothing is allocated for a size that is only claimed: what is held is what has arrived.
 */
import { view } from "../bytes.ts";
import { FrameError } from "../errors.ts";
import type { Decoder } from "./framing.ts";
import { HeldBytes } from "./held_bytes.ts";

/** What one framing's decoders share. */
export interface SizeRules {
  readonly name: string;
  /** So many bytes are needed to know a frame's size. At least 1. */
  readonly headerBytes: number;
  /** No frame is smaller. At least `headerBytes` and `strip`. */
  readonly minFrameBytes: number;
  readonly maxFrameBytes: number;
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
  readonly #report: (error: FrameError) => void;
  /** Offset in the stream of the next chunk's first byte. */
  #position = 0;
  #held: HeldBytes | undefined = undefined;
  /** Size of the frame that is held in part; 0 while its header is not complete. */
  #size = 0;
  /** Bytes still to come of a frame that was refused. */
  #skipping = 0;
  #failed: FrameError | undefined = undefined;

  constructor(rules: SizeRules, report: (error: FrameError) => void) {
    this.#rules = rules;
    this.#report = report;
  }

  get buffered(): number {
    return this.#skipping > 0 ? 1 : this.#held?.length ?? 0;
  }

  push(chunk: Uint8Array, next: (frame: Uint8Array) => void): void {
    if (this.#failed !== undefined) throw this.#failed;
    const rules = this.#rules;
    const { headerBytes, minFrameBytes, maxFrameBytes, strip } = rules;
    const { length } = chunk;
    let start = this.buffered > 0 ? this.#endFrame(chunk, next) : 0;
    while (length - start >= headerBytes) {
      const size = rules.size(chunk, start);
      if (!(size >= minFrameBytes && size <= maxFrameBytes)) {
        this.#refuse(size, chunk, start, this.#position + start);
        start = this.#skip(length, start, size);
      } else if (size <= length - start) {
        next(view(chunk, start + strip, start + size));
        start += size;
      } else {
        this.#size = size;
        break;
      }
    }
    if (start < length) (this.#held ??= new HeldBytes()).add(chunk, start);
    this.#position += length;
  }

  flush(): void {
    if (this.#failed !== undefined) throw this.#failed;
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

  /** Goes on with the frame that an earlier chunk began; returns where in this chunk the next one starts. */
  #endFrame(chunk: Uint8Array, next: (frame: Uint8Array) => void): number {
    if (this.#skipping > 0) return this.#skip(chunk.length, 0, this.#skipping);
    const { headerBytes, minFrameBytes, maxFrameBytes, strip } = this.#rules;
    const held = this.#held!;
    let from = 0;
    if (this.#size === 0) {
      from = headerBytes - held.length;
      if (chunk.length < from) return this.#hold(chunk, 0);
      const offset = this.#position - held.length;
      const header = held.join(chunk, 0, from);
      const size = this.#rules.size(header, 0);
      if (!(size >= minFrameBytes && size <= maxFrameBytes)) {
        this.#refuse(size, header, 0, offset);
        return this.#skip(chunk.length, from, size - headerBytes);
      }
      held.adopt(header);
      this.#size = size;
    }
    const end = from + this.#size - held.length;
    if (chunk.length < end) return this.#hold(chunk, from);
    this.#size = 0;
    const frame = held.join(chunk, from, end);
    next(strip === 0 ? frame : frame.subarray(strip));
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

  /** Throws, unless the frame is only too large and the policy is to skip it. */
  #refuse(size: number, bytes: Uint8Array, at: number, offset: number): void {
    const { name, minFrameBytes, maxFrameBytes, skip, advice } = this.#rules;
    const found = `cut a frame (${name}) at offset ${offset}: found ${this.#rules.show(bytes, at)}`;
    if (!(size > maxFrameBytes)) {
      const sense = Number.isNaN(size)
        ? ""
        : `, a frame of ${size} bytes where none is shorter than ${minFrameBytes}`;
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
    this.#report(error);
  }
}
