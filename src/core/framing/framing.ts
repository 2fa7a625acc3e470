/**
 * What a framing is: the cutting of a byte stream into frames, and back.
 *
 * Each framing of this folder makes one of these; a user's own is an object of the same shape, used in
 * the same places (`serve({ framing })`, `FramerStream`, `assertFramer`).
 */
import type { FrameError } from "../errors.ts";
import type { Stage } from "../streams/stage.ts";
import type { TimerWheel } from "../time/timer_wheel.ts";

/**
 * Cuts bytes into frames, and writes frames as bytes. One value serves any number of connections; the state of one
 * connection is in its decoder.
 *
 * @typeParam Received what the handler gets
 * @typeParam Sent what `send` takes
 */
export interface Framing<Received, Sent = Received> {
  /** For messages, logs and `inspect()`, such as `"lines"`. */
  readonly name: string;
  /** What the bytes should look like, for the diagnosis of a wrong peer, which is less precise without it. */
  readonly hint?: FramingHint | undefined;
  /**
   * Makes a decoder for one connection. `report` is called with errors of skipped frames, which are not thrown. It
   * may return `false`, with the same meaning as for `next`.
   */
  decoder(report: (error: FrameError) => unknown): Decoder<Received>;
  /**
   * Writes one frame. It may throw at any time: what was written is discarded. The built-in framings throw a
   * `FrameError` (`malformed` or `too_large`, offset 0) for a frame that they cannot write.
   */
  encode(frame: Sent, out: ByteSink): void;
}

/**
 * Cuts the bytes of one connection: chunks of any size in, complete frames out. A frame may be a view of the chunk it
 * came in. Throws a `FrameError` when it cannot continue, and again at every later call; frames before the error were
 * passed on first. `flush` throws `truncated` when the input ends inside a frame.
 *
 * `next` may return `false` to stop. A decoder with `resume` then passes on nothing more, keeps the rest of the chunk
 * as bytes and returns `false`, unless nothing is left. `resume` continues with the rest, and `push` or `flush` are
 * only called after that. So a chunk of 65,536 empty lines stays 64 KiB until its frames are needed. A decoder
 * without `resume` passes on everything it finds, whatever `next` returns, and returns nothing; a connection gives it
 * at most 16 KiB at a time and can stop in between; {@linkcode mapFraming} does the same, and returns `false` behind the
 * last of them, too. `flush` passes on all that is whole, too, which is at most
 * what was held of one frame.
 */
export interface Decoder<Received> extends Stage<Uint8Array, Received> {
  /** Bytes held of an incomplete frame: at least 1 inside a frame, 0 at a boundary. */
  readonly buffered: number;
  /**
   * Offset in the stream of the frame that `next` was called with last. {@linkcode mapFraming} uses it in its errors;
   * without it they have the offset of the first frame that ends in the same chunk.
   */
  readonly frameOffset?: number | undefined;
  /**
   * How many bytes of the chunk wait for `resume`: those that have not been looked at, behind the `buffered` ones. Used by
   * `connection.reframe`; without it, a connection that is `reframable` gives the decoder one byte at a time, which is
   * slower.
   */
  readonly waiting?: number | undefined;
  /**
   * A decoder that ends frames by silence, or drops them: after how many milliseconds without a byte `silence` is
   * called. Such a decoder has `silence` and `resume`.
   */
  readonly gap?: number | undefined;
  /**
   * How `FramerStream`, which refuses a decoder that has `gap` alone, hears of silences; a connection has a clock of its
   * own. A decoder by hand uses that of a built-in one: `silence({ gap }).decoder(() => {}).watch!(owner, wheel)`.
   */
  watch?(
    owner: { readonly paused: boolean; silent(): void },
    wheel?: TimerWheel,
  ): { arrived(): void; resumed(): void; stop(): void } | undefined;
  /** Nothing has come for `gap`. The call of `resume` that follows passes on, or reports, what this has ended. */
  silence?(): void;
  /** Processes a chunk. Returns `false` if the rest of it waits for `resume`. */
  push(chunk: Uint8Array, next: (frame: Received) => unknown): void | boolean;
  /** Continues with the rest of the chunk, and returns the same as `push`. Only called after a `false`. */
  resume?(next: (frame: Received) => unknown): void | boolean;
}

/**
 * Where `encode` writes. Do not change the arrays passed in until `encode` returns: a large one may be used in place
 * instead of being copied.
 */
export interface ByteSink {
  /** Writes one byte, 0 to 255. */
  byte(value: number): void;
  /** Writes these bytes. */
  bytes(source: Uint8Array): void;
  /** Writes UTF-8. */
  text(source: string): void;
}

/** What to do with a frame that is too large or malformed. `skip` reports it and continues with the next frame. */
export type FrameErrorPolicy = "close" | "skip";

/** The largest frame that a framing accepts unless told otherwise, in bytes: 1 MiB. */
export const defaultMaxFrameBytes: number = 1024 * 1024;

/** The format of the bytes on the wire, as data. */
export type FramingHint =
  | {
    readonly kind: "delimited";
    /** Of several, the one that is sent. */
    readonly delimiter: Uint8Array;
    readonly position: "suffix" | "prefix";
    /** Frames include it. @default false */
    readonly kept?: boolean | undefined;
  }
  | {
    readonly kind: "length_field";
    readonly lengthOffset: number;
    readonly lengthBytes: number;
    readonly endian: "big" | "little";
    /** How much longer the whole frame is than its length field says. */
    readonly addedBytes: number;
    /** Bytes before the body; the minimum size of a frame. */
    readonly headerBytes: number;
    readonly maxFrameBytes: number;
  }
  | { readonly kind: "fixed"; readonly frameBytes: number }
  | { readonly kind: "raw" };
