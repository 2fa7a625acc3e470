/**
 * A byte string to look for in a stream: at full speed inside a chunk, byte by byte across chunks.
 *
 * Used by `delimited_decoder.ts`. Knows nothing of frames.
 */
import { indexOfByte } from "./byte_search.ts";

/** What a stream is searched for. */
export interface Sought {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly first: number;
  /** Where it first occurs in `chunk` at or after `from`; -1 if nowhere. */
  find(chunk: Uint8Array, from: number): number;
  /** How many bytes of it are matched after `byte`, when `matched` (not all) were before it. */
  advance(matched: number, byte: number): number;
  /** How many bytes of it the chunk's end matches, when `matched` were before `from`. */
  matchTail(chunk: Uint8Array, from: number, matched: number): number;
}

/** A byte string, and how to go on after a partial match of it (Knuth, Morris and Pratt). */
export class Pattern implements Sought {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly first: number;
  /** For each count of matched bytes, the longest shorter match that ends at the same place. */
  readonly #shorter: readonly number[];

  /** `bytes` is not empty, and is not changed afterwards. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.length = bytes.length;
    this.first = bytes[0]!;
    const shorter = [0, 0];
    for (let count = 2; count < bytes.length; count++) {
      let length = shorter[count - 1]!;
      while (length > 0 && bytes[length] !== bytes[count - 1]) length = shorter[length]!;
      shorter.push(bytes[length] === bytes[count - 1] ? length + 1 : 0);
    }
    this.#shorter = shorter;
  }

  find(chunk: Uint8Array, from: number): number {
    const at = indexOfByte(chunk, this.first, from);
    return this.length === 1 || at < 0 ? at : this.#findLong(chunk, at);
  }

  /** No byte is looked at more than twice, however much of the pattern the chunk repeats. */
  #findLong(chunk: Uint8Array, first: number): number {
    const { bytes, length } = this;
    const shorter = this.#shorter;
    const end = chunk.length;
    for (let at = first; at >= 0;) {
      let matched = 1;
      let i = at + 1;
      for (; i < end && matched > 0; i++) {
        const byte = chunk[i];
        while (matched > 0 && bytes[matched] !== byte) matched = shorter[matched]!;
        if (bytes[matched] === byte && ++matched === length) return i + 1 - length;
      }
      // Nothing is matched: on to where the pattern can begin, at full speed.
      at = matched > 0 ? -1 : indexOfByte(chunk, this.first, i);
    }
    return -1;
  }

  advance(matched: number, byte: number): number {
    let length = matched;
    while (length > 0 && this.bytes[length] !== byte) length = this.#shorter[length]!;
    return this.bytes[length] === byte ? length + 1 : 0;
  }

  matchTail(chunk: Uint8Array, from: number, matched: number): number {
    const tail = chunk.length - this.length + 1;
    let length = tail > from ? 0 : matched;
    for (let i = Math.max(from, tail); i < chunk.length; i++) length = this.advance(length, chunk[i]!);
    return length;
  }
}

/** Whether a frame followed by the pattern is cut right after the frame, and nowhere before. */
export function follows(pattern: Sought, frame: Uint8Array): boolean {
  if (pattern.find(frame, 0) >= 0) return false;
  let length = pattern.matchTail(frame, 0, 0);
  for (let i = 0; i < pattern.length; i++) {
    length = pattern.advance(length, pattern.bytes[i]!);
    if (length === pattern.length) return i === pattern.length - 1;
  }
  return false;
}
