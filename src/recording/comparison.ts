/** What comes back in a replay, compared with what was recorded, chunk by chunk of any size. Used by `replay.ts`. */

/** One side's recorded bytes, and how far they have come again. */
export class Comparison {
  readonly expectedBytes: number;
  receivedBytes = 0;
  /** Offset of the first byte that is another. */
  differsAt: number | undefined = undefined;
  readonly #chunks: readonly Uint8Array[];
  readonly #open: boolean;
  #chunk = 0;
  #at = 0;

  /** With `open`, more than the chunks may come. */
  constructor(chunks: readonly Uint8Array[], open: boolean) {
    this.#chunks = chunks;
    this.#open = open;
    this.expectedBytes = chunks.reduce((sum, { length }) => sum + length, 0);
  }

  take(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length && this.differsAt === undefined;) {
      const chunk = this.#chunks[this.#chunk];
      if (chunk === undefined) {
        if (!this.#open) this.differsAt = this.receivedBytes + from;
        break;
      }
      const length = Math.min(bytes.length - from, chunk.length - this.#at);
      for (let each = 0; each < length; each++) {
        if (bytes[from + each] === chunk[this.#at + each]) continue;
        this.differsAt = this.receivedBytes + from + each;
        break;
      }
      from += length;
      this.#at += length;
      if (this.#at < chunk.length) continue;
      this.#chunk++;
      this.#at = 0;
    }
    this.receivedBytes += bytes.length;
  }
}
