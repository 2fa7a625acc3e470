/**
 * Framings as channels of Effect: bytes in and frames out, and back, away from a connection of ours, as `FramerStream` and
 * `EncoderStream` are for Web Streams.
 */
import type { NonEmptyReadonlyArray } from "effect/Array";
import * as Cause from "effect/Cause";
import * as Channel from "effect/Channel";
import * as Effect from "effect/Effect";
import { ByteWriter } from "../../core/bytes/bytes.ts";
import { FrameError, OptionsError } from "../../core/errors.ts";
import type { Framing } from "../../core/framing/framing.ts";
import { type StoppableDecoder, stoppableDecoder } from "../../core/framing/piecewise_decoder.ts";
import { failure, isDone } from "./connection_effects.ts";

/** Frames that are cut at once. */
const mostTogether = 1024;

/** What a channel gives from chunk to chunk. */
type Arrays<Item> = NonEmptyReadonlyArray<Item>;

/** A channel from arrays of one kind to arrays of another, which fails with what comes in fails with, or with `FrameError`. */
export type FramingChannel<Out, In, InError> = Channel.Channel<
  NonEmptyReadonlyArray<Out>,
  FrameError | InError,
  void,
  NonEmptyReadonlyArray<In>,
  InError,
  unknown
>;

/** Options of {@linkcode decode}. */
export interface DecodeOptions {
  /** Called for skipped frames, if `onFrameError` of the framing is `"skip"`. */
  readonly onFrameError?: ((error: FrameError) => void) | undefined;
}

/**
 * A channel that cuts bytes into frames, for `Stream.pipeThroughChannel` and `Channel.pipeTo`. Frames that arrive together come in
 * one array, at most 1,024; no further bytes are asked for before they are cut. Fails with `FrameError` for input that
 * cannot be cut or ends inside a frame, after the frames before it.
 *
 * @throws {OptionsError} `unsupported`, for a framing that ends frames by silence: that needs a connection
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import * as Stream from "effect/Stream";
 * import { lines } from "@millrace/millrace";
 * import { decode } from "@millrace/millrace/effect";
 *
 * const bytes = Stream.make("one\ntw", "o\n").pipe(Stream.encodeText);
 * const found = bytes.pipe(Stream.pipeThroughChannel(decode(lines({ encoding: "utf-8" }))), Stream.runCollect);
 * console.log((await Effect.runPromise(found)).join()); // one,two
 * ```
 */
export function decode<Received, InError = never>(
  framing: Framing<Received, never>,
  options: DecodeOptions = {},
): FramingChannel<Received, Uint8Array, InError> {
  const report = (error: FrameError) => void options.onFrameError?.(error);
  if (stoppableDecoder(framing, report).gap !== undefined) {
    const expected = "a framing without silences, whose frames end by their bytes; or frames(connection)";
    throw new OptionsError("unsupported", [{ path: "framing", found: framing.name, expected }]);
  }
  return Channel.fromTransform((upstream) =>
    Effect.sync(() => {
      const cutter = new Cutter(framing.name, stoppableDecoder(framing, report));
      const pull: Effect.Effect<Arrays<Received>, FrameError | InError | Cause.Done> = Effect.suspend(() => {
        const frames = cutter.cut();
        if (frames !== undefined) return frames;
        return Effect.matchCauseEffect(upstream as Effect.Effect<Arrays<Uint8Array>, InError | Cause.Done>, {
          onSuccess: (chunks) => {
            cutter.chunks.push(...chunks);
            return pull;
          },
          onFailure: (cause) => {
            if (!isDone(cause)) {
              return Effect.failCause(cause);
            }
            cutter.ended = true;
            return pull;
          },
        });
      });
      return pull;
    })
  );
}

/** Cuts the chunks that have come, as far as an array goes. */
class Cutter<Received> {
  chunks: Uint8Array[] = [];
  ended = false;
  readonly #name: string;
  readonly #decoder: StoppableDecoder<Received>;
  #stopped = false;
  #flushed = false;
  #position = 0;
  #at = 0;
  #fault: { readonly error: unknown } | undefined = undefined;

  constructor(name: string, decoder: StoppableDecoder<Received>) {
    this.#name = name;
    this.#decoder = decoder;
  }

  /** Frames, the error behind them, or the end; undefined where there are too few bytes. */
  cut(): Effect.Effect<Arrays<Received>, FrameError | Cause.Done> | undefined {
    const frames: Received[] = [];
    if (this.#fault === undefined) {
      try {
        this.#cutInto(frames);
      } catch (error) {
        this.#fault = { error };
      }
    }
    if (frames.length > 0) return Effect.succeed(frames as unknown as Arrays<Received>);
    if (this.#fault !== undefined) return failure(this.#fault.error);
    return this.ended ? Cause.done() : undefined;
  }

  #cutInto(frames: Received[]): void {
    const next = (frame: Received): boolean => frames.push(frame) < mostTogether;
    if (this.#stopped) this.#stopped = this.#decoder.resume(next) === false;
    while (!this.#stopped && this.#at < this.chunks.length && frames.length < mostTogether) {
      const chunk = this.chunks[this.#at++]!;
      this.#position += chunk.length;
      this.#stopped = this.#decoder.push(chunk, next) === false;
    }
    if (this.#at === this.chunks.length) {
      this.chunks = [];
      this.#at = 0;
    }
    if (this.#stopped || this.#at > 0 || !this.ended || this.#flushed || frames.length > 0) return;
    this.#flushed = true;
    const { buffered } = this.#decoder;
    if (this.#decoder.flush !== undefined) return this.#decoder.flush(next);
    if (buffered === 0) return;
    const offset = this.#position - buffered;
    const what =
      `cut a frame (${this.#name}) at offset ${offset}: the input ended ${buffered} bytes into the frame`;
    throw new FrameError("truncated", what, { offset, size: buffered });
  }
}

/**
 * A channel that writes frames as bytes, one chunk a frame. Fails with `FrameError` for a frame that the framing cannot
 * write, after the chunks before it.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import * as Stream from "effect/Stream";
 * import { lines } from "@millrace/millrace";
 * import { encode } from "@millrace/millrace/effect";
 *
 * const written = Stream.make("one", "two").pipe(
 *   Stream.pipeThroughChannel(encode(lines({ encoding: "utf-8" }))),
 *   Stream.decodeText,
 *   Stream.mkString,
 * );
 * console.log(JSON.stringify(await Effect.runPromise(written))); // "one\ntwo\n"
 * ```
 */
export function encode<Sent, InError = never>(
  framing: Framing<unknown, Sent>,
): FramingChannel<Uint8Array<ArrayBuffer>, Sent, InError> {
  return Channel.fromTransform((upstream) =>
    Effect.sync(() => {
      const writer = new ByteWriter();
      let fault: Effect.Effect<never, FrameError> | undefined;
      const write = (frames: Arrays<Sent>): Effect.Effect<Arrays<Uint8Array<ArrayBuffer>>, FrameError> => {
        const chunks: Uint8Array<ArrayBuffer>[] = [];
        try {
          for (const frame of frames) {
            framing.encode(frame, writer.reset());
            if (writer.length > 0) chunks.push(writer.take());
          }
        } catch (error) {
          fault = failure(error);
        }
        if (chunks.length > 0) return Effect.succeed(chunks as unknown as Arrays<Uint8Array<ArrayBuffer>>);
        return fault ?? pull as never;
      };
      const source = upstream as Effect.Effect<Arrays<Sent>, InError | Cause.Done>;
      const pull: Effect.Effect<Arrays<Uint8Array<ArrayBuffer>>, FrameError | InError | Cause.Done> = Effect
        .suspend(() => fault ?? Effect.flatMap(source, write));
      return pull;
    })
  );
}
