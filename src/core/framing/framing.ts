/**
 * What a framing is: the cutting of a byte stream into frames, and back.
 *
 * Each framing of this folder makes one of these; a user's own is an object of the same shape, used in
 * the same places (`serve({ framing })`, `FramerStream`, `assertFramer`).
 */
import type { FrameError } from "../errors.ts";
import type { Stage } from "../streams/stage.ts";

/**
 * A way to cut bytes into frames and to write frames as bytes. One value serves any number of
 * connections; what belongs to one connection lives in the decoder.
 *
 * @typeParam Received what the handler gets
 * @typeParam Sent what `send` takes
 */
export interface Framing<Received, Sent = Received> {
  /** For messages, logs and `inspect()`, such as `"lines"`. */
  readonly name: string;
  /** What the bytes should look like, for the diagnosis of a wrong peer. Without it less can be told. */
  readonly hint?: FramingHint | undefined;
  /**
   * A new decoder for one connection. `report` hears of frame errors that were skipped, not thrown. It may answer
   * `false`, which means the same as from `next`.
   */
  decoder(report: (error: FrameError) => unknown): Decoder<Received>;
  /**
   * Writes one frame. Throw before or after writing: whatever was written is taken back. The framings of this
   * package throw a `FrameError` (`malformed` or `too_large`, offset 0) for a frame that they cannot write.
   */
  encode(frame: Sent, out: ByteSink): void;
}

/**
 * Cuts one connection's bytes: chunks of any size in, whole frames out. A frame may be a view of the
 * chunk it came in. Throws `FrameError` when it cannot go on, and again whenever it is given more; frames
 * found before the fault were passed on first.
 * `flush` throws `truncated` when the input ends inside a frame.
 *
 * `next` may answer `false`: enough for now. A decoder with `resume` then passes on nothing more, keeps the rest
 * of the chunk as bytes and answers `false` itself, unless nothing is left; `resume` goes on with what it kept, and
 * only then comes `push` or `flush` again. So a peer's chunk of 65,536 empty lines is 64 KiB until somebody wants
 * them. A decoder without `resume` passes on all that it finds, whatever `next` answers, and returns nothing; a
 * connection gives it its bytes in pieces of 16 KiB, between which it can wait.
 */
export interface Decoder<Received> extends Stage<Uint8Array, Received> {
  /** Bytes held of a frame that has begun and is not complete, at least 1 inside a frame; 0 at a boundary. */
  readonly buffered: number;
  /**
   * Where in the stream the frame begins that `next` was given last. {@linkcode mapFraming} names it in its errors; without
   * it they name the first frame that ends in the same chunk.
   */
  readonly frameOffset?: number | undefined;
  /** Takes a chunk. `false`: the rest of it waits for `resume`. */
  push(chunk: Uint8Array, next: (frame: Received) => unknown): void | boolean;
  /** Goes on with the rest of the chunk, and answers as `push` does. Called only after a `false`. */
  resume?(next: (frame: Received) => unknown): void | boolean;
}

/**
 * Where `encode` writes. What it is given is the caller's again when `encode` is done, not before: a large array may be
 * taken where it lies instead of being copied.
 */
export interface ByteSink {
  /** Writes one byte, 0 to 255. */
  byte(value: number): void;
  /** Writes these bytes. */
  bytes(source: Uint8Array): void;
  /** Writes UTF-8. */
  text(source: string): void;
}

/** What to do with a frame that is too large or malformed. `skip` reports it and finds the next frame. */
export type FrameErrorPolicy = "close" | "skip";

/** The largest frame that a framing accepts unless told otherwise, in bytes: 1 MiB. */
export const defaultMaxFrameBytes: number = 1024 * 1024;

/** The shape of the bytes on the wire, as data. */
export type FramingHint =
  | { readonly kind: "delimited"; readonly delimiter: Uint8Array; readonly position: "suffix" | "prefix" }
  | {
    readonly kind: "length_field";
    readonly lengthOffset: number;
    readonly lengthBytes: number;
    readonly endian: "big" | "little";
    /** The whole frame is this much longer than the length field says. */
    readonly addedBytes: number;
    /** Bytes before the body; no frame is shorter. */
    readonly headerBytes: number;
    readonly maxFrameBytes: number;
  }
  | { readonly kind: "fixed"; readonly frameBytes: number }
  | { readonly kind: "raw" };
