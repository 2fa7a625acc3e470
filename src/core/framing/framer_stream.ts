/**
 * Framings as standard streams: bytes in and frames out, and back (F-11).
 *
 * For use with `pipeThrough`, away from a server of this package. A connection does not use them: there the
 * decoder runs by plain calls.
 */
import { ByteWriter } from "../bytes.ts";
import type { FrameError } from "../errors.ts";
import type { Stage } from "../stage.ts";
import type { Framing } from "./framing.ts";
import { OrderedPair } from "./ordered_pair.ts";

/** Options of {@linkcode FramerStream}. */
export interface FramerStreamOptions<Received> {
  /** Hears of frames that were passed over, where the framing's `onFrameError` is `"skip"`. */
  readonly onFrameError?: ((error: FrameError) => void) | undefined;
  /** How many chunks may wait to be cut. @default one chunk */
  readonly writableStrategy?: QueuingStrategy<Uint8Array> | undefined;
  /**
   * How many frames may wait to be read before no further chunk is cut. A chunk is always cut whole, so more
   * than that may wait, as many as one chunk has. @default none
   */
  readonly readableStrategy?: QueuingStrategy<Received> | undefined;
}

/**
 * Cuts bytes into frames: `socket.readable.pipeThrough(new FramerStream(lines()))`.
 *
 * Input that cannot be cut, or that ends inside a frame, errors both sides with a `FrameError`; the frames
 * before the fault can still be read.
 */
export class FramerStream<Received> implements TransformStream<Uint8Array, Received> {
  /** The frames. */
  readonly readable: ReadableStream<Received>;
  /** Takes the bytes, in chunks of any size. They must not be changed afterwards: frames may be views of them. */
  readonly writable: WritableStream<Uint8Array>;

  /** Cuts by `framing`, whose limits hold here too. */
  constructor(framing: Framing<Received, never>, options: FramerStreamOptions<Received> = {}) {
    const { onFrameError = ignore, writableStrategy, readableStrategy } = options;
    const stage = framing.decoder(onFrameError);
    const pair = new OrderedPair({ stage, writable: writableStrategy, readable: readableStrategy });
    this.readable = pair.readable;
    this.writable = pair.writable;
  }
}

/** Options of {@linkcode EncoderStream}. */
export interface EncoderStreamOptions<Sent> {
  /** How many frames may wait to be written. @default one frame */
  readonly writableStrategy?: QueuingStrategy<Sent> | undefined;
  /** How many chunks may wait to be read before no further frame is written. @default none */
  readonly readableStrategy?: QueuingStrategy<Uint8Array> | undefined;
}

/**
 * Writes frames as bytes, one chunk a frame: `frames.pipeThrough(new EncoderStream(lines()))`.
 *
 * A frame that the framing cannot write errors both sides with a `FrameError`; the chunks before it can still
 * be read.
 */
export class EncoderStream<Sent> implements TransformStream<Sent, Uint8Array<ArrayBuffer>> {
  /** The bytes. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Takes the frames. */
  readonly writable: WritableStream<Sent>;

  /** Writes by `framing`. */
  constructor(framing: Framing<unknown, Sent>, options: EncoderStreamOptions<Sent> = {}) {
    const { writableStrategy, readableStrategy } = options;
    const writer = new ByteWriter();
    const stage: Stage<Sent, Uint8Array<ArrayBuffer>> = {
      push(frame, next) {
        writer.reset();
        framing.encode(frame, writer);
        if (writer.length > 0) next(writer.take());
      },
    };
    const pair = new OrderedPair({ stage, writable: writableStrategy, readable: readableStrategy });
    this.readable = pair.readable;
    this.writable = pair.writable;
  }
}

function ignore(): void {}
