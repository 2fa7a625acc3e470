/**
 * Makes a decoder that cannot stop within a chunk stop between pieces of it.
 *
 * Used by the pipeline and `FramerStream`, for framings of the user's own. What one piece gives is passed on, wanted
 * or not, so a piece is what bounds the frames that wait.
 */
import type { FrameError } from "../errors.ts";
import type { Decoder, Framing } from "./framing.ts";
import { restWaits } from "./refusal.ts";

/** A decoder that goes on with the rest of a chunk when it is asked to. */
export interface StoppableDecoder<Received> extends Decoder<Received> {
  resume(next: (frame: Received) => unknown): void | boolean;
  /** Where the boundaries of frames are known elsewhere: told to stop at the next one, in the place of the pipeline. */
  stop?(): void;
}

/** The most bytes that are cut at once: a network's chunk is most often no larger. */
const pieceBytes = 16 * 1024;
const nothing = new Uint8Array(0);

/**
 * A decoder of this framing that can stop: its own, or one that gives its own the chunks in pieces. `next` and `report`
 * may answer `false` in either case. With `exact` it stops behind the very frame, and says how many bytes are `waiting`.
 */
export function stoppableDecoder<Received>(
  framing: Framing<Received, never>,
  report: (error: FrameError) => unknown,
  exact?: new (decoder: Decoder<Received>) => PiecewiseDecoder<Received>,
): StoppableDecoder<Received> {
  let pieces: PiecewiseDecoder<Received> | undefined;
  let stops = false;
  const decoder = framing.decoder((error) => {
    const more = report(error);
    // One that cannot stop may be made of one that can, and would lose what that keeps.
    if (stops || more !== false) return more;
    pieces?.stop();
    return true;
  });
  if (canStop(decoder) && !(exact && decoder.waiting === undefined)) {
    stops = true;
    return decoder;
  }
  return pieces = new (exact ?? PiecewiseDecoder)(decoder);
}

function canStop<Received>(decoder: Decoder<Received>): decoder is StoppableDecoder<Received> {
  return typeof decoder.resume === "function";
}

/** Gives a decoder that cannot stop its chunks in pieces. */
export class PiecewiseDecoder<Received> implements StoppableDecoder<Received> {
  /** What an end inside a frame is, a decoder that has this says itself; for one that has not, its user does. */
  readonly flush?: (next: (frame: Received) => unknown) => void;
  protected readonly decoder: Decoder<Received>;
  protected rest: Uint8Array | undefined = undefined;
  protected at = 0;
  readonly #pieceBytes: number;
  #next: (frame: Received) => unknown = ignore;
  #enough = false;
  readonly #pass = (frame: Received): void => {
    if (this.#next(frame) === false) this.#enough = true;
  };

  constructor(decoder: Decoder<Received>, bytes: number = pieceBytes) {
    this.decoder = decoder;
    this.#pieceBytes = bytes;
    if (decoder.flush !== undefined) this.flush = decoder.flush.bind(decoder);
  }

  get buffered(): number {
    return this.decoder.buffered;
  }

  get frameOffset(): number | undefined {
    return this.decoder.frameOffset;
  }

  push(chunk: Uint8Array, next: (frame: Received) => unknown): boolean {
    if (this.rest !== undefined) throw restWaits("your own");
    return this.#cut(chunk, 0, next);
  }

  resume(next: (frame: Received) => unknown): boolean {
    const { rest } = this;
    if (rest === undefined) return true;
    this.rest = undefined;
    return this.#cut(rest, this.at, next);
  }

  /** Enough, after this piece. */
  stop(): void {
    this.#enough = true;
  }

  #cut(chunk: Uint8Array, start: number, next: (frame: Received) => unknown): boolean {
    this.#next = next;
    this.#enough = false;
    const { length } = chunk;
    for (let from = start; from < length;) {
      const to = Math.min(from + this.#pieceBytes, length);
      this.decoder.push(to - from === length ? chunk : chunk.subarray(from, to), this.#pass);
      from = to;
      if (!this.#enough) continue;
      // Also behind the last piece: otherwise each chunk that follows would have its first one cut, wanted or not.
      this.rest = from === length ? nothing : chunk;
      this.at = from === length ? 0 : from;
      return false;
    }
    return true;
  }
}

function ignore(): void {}
