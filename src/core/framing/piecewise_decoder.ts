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
}

/** The most bytes that are cut at once: a network's chunk is most often no larger. */
const pieceBytes = 16 * 1024;
const nothing = new Uint8Array(0);

/**
 * A decoder of this framing that can stop: its own, or one that gives its own the chunks in pieces. `next` and `report`
 * may answer `false` in either case. An `exact` one stops behind the very frame, and says how many bytes are `waiting`.
 */
export function stoppableDecoder<Received>(
  framing: Framing<Received, never>,
  report: (error: FrameError) => unknown,
  exact: boolean = false,
): StoppableDecoder<Received> {
  let pieces: Pieces<Received> | undefined;
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
  const Kind = decoder.flush === undefined ? Pieces : FlushedPieces;
  return pieces = new Kind(decoder, exact ? 1 : pieceBytes);
}

function canStop<Received>(decoder: Decoder<Received>): decoder is StoppableDecoder<Received> {
  return typeof decoder.resume === "function";
}

class Pieces<Received> implements StoppableDecoder<Received> {
  readonly #decoder: Decoder<Received>;
  readonly #pieceBytes: number;
  #rest: Uint8Array | undefined = undefined;
  #at = 0;
  #next: (frame: Received) => unknown = ignore;
  #enough = false;
  #silent = false;
  readonly #pass = (frame: Received): void => {
    if (this.#next(frame) === false) this.#enough = true;
  };

  constructor(decoder: Decoder<Received>, pieceBytes: number) {
    this.#decoder = decoder;
    this.#pieceBytes = pieceBytes;
  }

  get buffered(): number {
    return this.#decoder.buffered;
  }

  get gap(): number | undefined {
    return this.#decoder.gap;
  }

  watch(
    ...given: Parameters<NonNullable<Decoder<unknown>["watch"]>>
  ): ReturnType<NonNullable<Decoder<unknown>["watch"]>> {
    return this.#decoder.watch?.(...given);
  }

  silence(): void {
    this.#decoder.silence?.();
    this.#silent = true;
  }

  /** Where pieces are larger than a byte, some of it may have been looked at and cut. */
  get waiting(): number | undefined {
    if (this.#pieceBytes > 1) return undefined;
    return this.#rest === undefined ? 0 : this.#rest.length - this.#at;
  }

  get frameOffset(): number | undefined {
    return this.#decoder.frameOffset;
  }

  push(chunk: Uint8Array, next: (frame: Received) => unknown): boolean {
    if (this.#rest !== undefined) throw restWaits("your own");
    return this.#cut(chunk, 0, next);
  }

  resume(next: (frame: Received) => unknown): boolean {
    if (this.#silent) {
      this.#silent = false;
      this.#next = next;
      this.#decoder.resume?.(this.#pass);
    }
    const rest = this.#rest;
    if (rest === undefined) return true;
    this.#rest = undefined;
    return this.#cut(rest, this.#at, next);
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
      this.#decoder.push(to - from === length ? chunk : chunk.subarray(from, to), this.#pass);
      from = to;
      if (!this.#enough) continue;
      // Also behind the last piece: otherwise each chunk that follows would have its first one cut, wanted or not.
      this.#rest = from === length ? nothing : chunk;
      this.#at = from === length ? 0 : from;
      return false;
    }
    return true;
  }
}

/** Of a decoder that itself says what an end inside a frame is; for one that does not, its user does. */
class FlushedPieces<Received> extends Pieces<Received> {
  readonly #whole: Decoder<Received>;

  constructor(decoder: Decoder<Received>, pieceBytes: number) {
    super(decoder, pieceBytes);
    this.#whole = decoder;
  }

  flush(next: (frame: Received) => unknown): void {
    this.#whole.flush!(next);
  }
}

function ignore(): void {}
