/**
 * What waits to be written, in pieces: Node tells of a write only when the kernel has taken all of it, so a large one at
 * once would look as if the peer took nothing for as long.
 *
 * Used by `node/transport.ts` and `tls/transport.ts`, which have one piece under way at a time.
 */
import { Fifo } from "../core/bytes/fifo.ts";

/** Bytes of one piece at most: a frame of 64 KiB and what stands around it leave in one write. */
export const pieceSize: number = 68 * 1024;

/** Chunks in order, cut where they are too large. */
export class Pieces {
  readonly #chunks: Fifo<Uint8Array> = new Fifo();
  #head: Uint8Array | undefined = undefined;

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#head === undefined) this.#head = chunk;
    else this.#chunks.push(chunk);
  }

  /** The next piece, undefined when nothing waits. */
  next(): Uint8Array | undefined {
    const head = this.#head;
    if (head === undefined) return undefined;
    if (head.length > pieceSize) {
      this.#head = head.subarray(pieceSize);
      return head.subarray(0, pieceSize);
    }
    this.#head = this.#chunks.length > 0 ? this.#chunks.take() : undefined;
    return head;
  }
}
