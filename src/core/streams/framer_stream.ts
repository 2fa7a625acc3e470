/**
 * Framings as standard streams: bytes in and frames out, and back.
 *
 * For use with `pipeThrough`, away from a server of this package. A connection does not use them: there the
 * decoder runs by plain calls.
 */
import { type ByteChunk, bytesOf, type Unshared } from "../bytes/byte_chunk.ts";
import { ByteWriter } from "../bytes/bytes.ts";
import { FrameError } from "../errors.ts";
import { OptionsCheck } from "../options.ts";
import { checkStrategies, strategyKeys } from "./stream_strategies.ts";
import type { Framing } from "../framing/framing.ts";
import { OrderedPair, type StoppableStage } from "./ordered_pair.ts";
import { type StoppableDecoder, stoppableDecoder } from "../framing/piecewise_decoder.ts";
import type { TimerWheel } from "../time/timer_wheel.ts";

/** Options of {@linkcode FramerStream}. */
export interface FramerStreamOptions<Received> {
  /** Called for skipped frames, if `onFrameError` of the framing is `"skip"`. */
  readonly onFrameError?: ((error: FrameError) => void) | undefined;
  /** How many chunks may wait to be cut. @default one chunk */
  readonly writableStrategy?: QueuingStrategy<Uint8Array> | undefined;
  /**
   * How many frames may wait to be read before no further chunk is cut. Of a chunk with more frames, up to 1,024 are
   * cut ahead, and the rest waits as bytes; a framing without `resume` cuts it in pieces of 16 KiB.
   * @default none
   */
  readonly readableStrategy?: QueuingStrategy<Received> | undefined;
  /** Timer wheel to use, for framings that end frames by silence. @default a shared one */
  readonly wheel?: TimerWheel | undefined;
}

/**
 * Cuts bytes into frames: `socket.readable.pipeThrough(new FramerStream(lines()))`.
 *
 * Input that cannot be cut, or that ends inside a frame, errors both sides with a `FrameError`, and a chunk that is
 * not bytes with a `TypeError`; the frames before the error can still be read.
 *
 * A framing that ends frames by silence does so here too. Time during which a chunk waits, because the reader has not
 * taken earlier frames, does not count.
 *
 * @example
 * ```ts
 * import { FramerStream, lines } from "@millrace/millrace/streams";
 *
 * const frames = new Blob(["one\ntwo\n"]).stream()
 *   .pipeThrough(new FramerStream(lines({ encoding: "utf-8" })));
 * for await (const line of frames) console.log(line);
 * // one
 * // two
 * ```
 */
export class FramerStream<Received> implements TransformStream<ByteChunk, Unshared<Received>> {
  /** The frames. Byte frames are never in shared memory, so any stream accepts them. */
  readonly readable: ReadableStream<Unshared<Received>>;
  /**
   * Accepts the bytes, in chunks of any size: arrays, views or buffers. Do not change them afterwards: frames may be
   * views of them.
   */
  readonly writable: WritableStream<ByteChunk>;

  /**
   * Uses `framing` and its limits.
   *
   * @throws {OptionsError} `invalid`, for an invalid option
   */
  constructor(framing: Framing<Received, never>, options: FramerStreamOptions<Received> = {}) {
    const check = checkFramer(framing, "decoder", options, ["onFrameError", "wheel", ...strategyKeys]);
    check.functions(options, ["onFrameError"]);
    check.done();
    const { onFrameError = ignore, writableStrategy, readableStrategy, wheel } = options;
    const decoder = stoppableDecoder(framing, (error) => void onFrameError(error));
    const stage = new Cutting(framing.name, decoder);
    const pair = new OrderedPair<ByteChunk, Received>({
      stage,
      writable: writableStrategy as QueuingStrategy<ByteChunk>,
      readable: readableStrategy,
    });
    if (decoder.gap !== undefined && !stage.watch(pair, wheel)) {
      check.refuse(
        "framing",
        framing,
        "a decoder with watch, as it has gap",
      );
      check.done();
    }
    this.readable = pair.readable as ReadableStream<Unshared<Received>>;
    this.writable = pair.writable;
  }
}

/** A decoder that is given bytes in any shape. */
class Cutting<Received> implements StoppableStage<ByteChunk, Received> {
  readonly #name: string;
  readonly #decoder: StoppableDecoder<Received>;
  #silence: ReturnType<NonNullable<StoppableDecoder<Received>["watch"]>> = undefined;
  #position = 0;

  constructor(name: string, decoder: StoppableDecoder<Received>) {
    this.#name = name;
    this.#decoder = decoder;
  }

  /** Of a framing that ends frames by silence; false where it cannot be heard. */
  watch(pair: OrderedPair<ByteChunk, Received>, wheel: TimerWheel | undefined): boolean {
    const decoder = this.#decoder;
    this.#silence = decoder.watch?.({
      get paused() {
        return pair.writeWaits;
      },
      silent() {
        decoder.silence?.();
        pair.resume();
      },
    }, wheel);
    return this.#silence !== undefined;
  }

  stop(): void {
    this.#silence?.stop();
  }

  push(chunk: ByteChunk, next: (frame: Received) => boolean): void | boolean {
    const bytes = bytesOf(chunk, "cut frames");
    this.#silence?.arrived();
    // Read before: the frame's receiver may transfer the memory.
    this.#position += bytes.length;
    return this.#decoder.push(bytes, next);
  }

  resume(next: (frame: Received) => boolean): void | boolean {
    this.#silence?.resumed();
    return this.#decoder.resume(next);
  }

  flush(next: (frame: Received) => void): void {
    this.stop();
    if (this.#decoder.flush !== undefined) return this.#decoder.flush(next);
    // A framing of the user's own need not complain itself, here no more than on a connection.
    const { buffered } = this.#decoder;
    if (buffered === 0) return;
    const offset = this.#position - buffered;
    const what = `the input ended ${buffered} bytes into the frame`;
    throw new FrameError("truncated", `cut a frame (${this.#name}) at offset ${offset}: ${what}`, {
      offset,
      size: buffered,
    });
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
 *
 * @example
 * ```ts
 * import { EncoderStream, lines } from "@millrace/millrace/streams";
 *
 * const source = new ReadableStream<string>({
 *   start(controller) {
 *     controller.enqueue("hello");
 *     controller.close();
 *   },
 * });
 * const bytes = source.pipeThrough(new EncoderStream(lines({ encoding: "utf-8" })));
 * console.log(JSON.stringify(await new Response(bytes).text())); // "hello\n"
 * ```
 */
export class EncoderStream<Sent> implements TransformStream<Sent, Uint8Array<ArrayBuffer>> {
  /** The bytes. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Accepts the frames. */
  readonly writable: WritableStream<Sent>;

  /**
   * Uses `framing`.
   *
   * @throws {OptionsError} `invalid`, for an invalid option
   */
  constructor(framing: Framing<unknown, Sent>, options: EncoderStreamOptions<Sent> = {}) {
    checkFramer(framing, "encode", options, strategyKeys).done();
    const { writableStrategy, readableStrategy } = options;
    const writer = new ByteWriter();
    const stage: StoppableStage<Sent, Uint8Array<ArrayBuffer>> = {
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

function checkFramer(
  framing: Partial<Framing<unknown, never>> | undefined,
  part: "decoder" | "encode",
  options: object,
  known: readonly string[],
): OptionsCheck {
  const check = new OptionsCheck();
  check.keys(options, known);
  checkStrategies(check, options);
  if (typeof framing?.[part] !== "function") check.refuse("framing", framing, "a framing, such as lines()");
  return check;
}

function ignore(): void {}
