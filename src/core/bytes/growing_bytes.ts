/**
 * Bytes gathered as one array, for those who have to look at all of them each time that more arrive.
 *
 * Used by `framing/found_decoder.ts`. Bytes that arrive one by one are moved a few times each, not once for every byte that
 * follows: there is room behind them.
 */

const firstBlock = 256;

/** Bytes of one frame, in one array. */
export class GrowingBytes {
  /** Bytes held. */
  length = 0;
  #block: Uint8Array | undefined = undefined;
  #start = 0;

  /** Holds all of `source` too, and returns everything held. What was returned before stays as it is. */
  extend(source: Uint8Array): Uint8Array {
    const start = this.#start;
    const end = start + this.length;
    let total = end + source.length;
    let block = this.#block;
    if (block === undefined || total > block.length) {
      total -= start;
      const larger = new Uint8Array(Math.max(total + (total >> 1), firstBlock));
      if (block !== undefined) larger.set(block.subarray(start, end));
      this.#block = block = larger;
      this.#start = 0;
    }
    block.set(source, total - source.length);
    this.length += source.length;
    return block.subarray(this.#start, total);
  }

  /** Forgets the first of them. */
  drop(bytes: number): void {
    this.#start += bytes;
    this.length -= bytes;
  }

  /** Holds nothing any more. What was returned before is the caller's. */
  clear(): void {
    this.length = 0;
    this.#start = 0;
    this.#block = undefined;
  }
}
