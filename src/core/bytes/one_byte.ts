/**
 * A single byte to look for in a stream, of which nothing is ever matched in part.
 *
 * Used by `lines.ts`, which is so much smaller without the search for longer ones in `pattern.ts`.
 */
import { indexOfByte } from "./byte_search.ts";
import type { Sought } from "./pattern.ts";

/** One byte. */
export class OneByte implements Sought {
  readonly bytes: Uint8Array;
  readonly length: number = 1;
  readonly first: number;

  constructor(byte: number) {
    this.bytes = Uint8Array.of(byte);
    this.first = byte;
  }

  find(chunk: Uint8Array, from: number): number {
    return indexOfByte(chunk, this.first, from);
  }

  advance(_matched: number, byte: number): number {
    return byte === this.first ? 1 : 0;
  }

  matchTail(): number {
    return 0;
  }
}
