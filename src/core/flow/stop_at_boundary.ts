/**
 * Where reading is to stop, at the end of a frame: behind everything that came before it was decided.
 *
 * Used by `pipeline.ts`. Counts chunks and frames, and holds none.
 */

/** One decision to stop. */
export class StopAtBoundary {
  /** Chunks that came before it, and are not cut up yet. */
  #chunks: number;
  /** How many frames there were then: the next one that is complete ends at a boundary. */
  #frames: number;

  constructor(chunks: number, frames: number) {
    this.#chunks = chunks;
    this.#frames = frames;
  }

  /** The end of a chunk that was done with is to be cut again. */
  chunkAgain(): void {
    if (this.#chunks > 0) this.#chunks++;
  }

  /** A chunk is done with, and so many bytes of a frame and so many frames are there: is this the boundary? */
  reached(buffered: number, frames: number): boolean {
    if (this.#chunks > 0) {
      if (--this.#chunks > 0) return false;
      this.#frames = frames;
    }
    return buffered === 0 || frames > this.#frames;
  }
}
