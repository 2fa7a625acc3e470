/**
 * The part of a frame that has come so far: gathered chunk by chunk, joined once when the frame is whole.
 *
 * Used by the decoders of this folder. What it holds grows with what has arrived, never with what a peer
 * claims, and every byte is moved at most twice, however small the chunks are.
 */

import { adjoined, concatBytes, lentBytes, view } from "./bytes.ts";

/** Pieces at least this long are kept as they came; shorter ones are copied, so as not to hold their chunk. */
const referenceFrom = 4096;
const firstBlock = 256;
const largestBlock = 64 * 1024;

/** Bytes of one frame, in pieces. */
export class HeldBytes {
  /** Bytes held. */
  length = 0;
  readonly #pieces: Uint8Array[] = [];
  /** Own memory that is being filled; what is used of it is not among the pieces yet. */
  #block: Uint8Array | undefined = undefined;
  #used = 0;

  /** The last byte held, or undefined. */
  get last(): number | undefined {
    if (this.#used > 0) return this.#block![this.#used - 1];
    const piece = this.#pieces.at(-1);
    return piece?.[piece.length - 1];
  }

  /** Holds `source` from `from` on. */
  add(source: Uint8Array, from: number): void {
    const size = source.length - from;
    if (size === 0) return;
    if (this.#block !== undefined && size <= this.#block.length - this.#used) this.#copy(source, from, size);
    else if (size >= referenceFrom) this.adopt(view(source, from, source.length));
    else if (this.length === 0) this.adopt(new Uint8Array(source.subarray(from)));
    else {
      this.#seal();
      this.#block = new Uint8Array(Math.max(size, Math.min(Math.max(this.length, firstBlock), largestBlock)));
      this.#copy(source, from, size);
    }
  }

  /** Holds an array that is ours alone, or large enough to keep as it is. */
  adopt(piece: Uint8Array): void {
    this.#seal();
    const pieces = this.#pieces;
    const before = pieces.at(-1);
    // One stretch of memory that was read into piece by piece stays one.
    const both = before !== undefined && before.length >= referenceFrom ? adjoined(before, piece) : undefined;
    if (both === undefined) pieces.push(piece);
    else pieces[pieces.length - 1] = both;
    this.length += piece.length;
  }

  /**
   * Everything held followed by `source` from `from` to `to`, as one array; nothing is held afterwards. With `lent`, its
   * memory may be used again as soon as anything else is joined.
   */
  join(source: Uint8Array, from: number, to: number, lent = false): Uint8Array {
    if (to > from) this.adopt(from === 0 && to === source.length ? source : source.subarray(from, to));
    else this.#seal();
    const pieces = this.#pieces;
    const joined = pieces.length === 1
      ? pieces[0]!
      : concatBytes(pieces, lent ? lentBytes(this.length) : undefined);
    this.clear();
    return joined;
  }

  /** Forgets everything. */
  clear(): void {
    this.length = 0;
    this.#pieces.length = 0;
    this.#block = undefined;
    this.#used = 0;
  }

  #copy(source: Uint8Array, from: number, size: number): void {
    if (size === 1) this.#block![this.#used] = source[from]!;
    else this.#block!.set(from === 0 ? source : source.subarray(from), this.#used);
    this.#used += size;
    this.length += size;
  }

  #seal(): void {
    if (this.#used > 0) this.#pieces.push(this.#block!.subarray(0, this.#used));
    this.#block = undefined;
    this.#used = 0;
  }
}
