/**
 * Any framing, whose frames are torn when their rest does not come.
 *
 * For links that lose bytes and connections that do not know of it, such as serial lines behind a converter.
 */
import { FrameError } from "../errors.ts";
import { OptionsCheck } from "../options.ts";
import type { DurationInput } from "../time/duration.ts";
import type { Decoder, Framing } from "./framing.ts";
import { type StoppableDecoder, stoppableDecoder } from "./piecewise_decoder.ts";
import type { SilenceOwner, SilenceWatch } from "../time/silence_watch.ts";
import type { TimerWheel } from "../time/timer_wheel.ts";
import { checkGap } from "./silence.ts";
import { watchSilence } from "./silence_clock.ts";

/** Options of {@linkcode discardAfterSilence}. */
export interface DiscardAfterSilenceOptions {
  /** How long nothing may come within a frame, such as `"50ms"`. Above 0, and not `Infinity`. */
  readonly gap: DurationInput;
}

/**
 * The same framing, with frames that are torn when nothing comes for `gap` inside them: what has come of such a frame is
 * dropped and reported to `onFrameError` as a `FrameError` `truncated`, and the next byte begins a new frame. So a peer
 * that loses the end of a frame costs that frame, and not all that follow.
 *
 * The time is measured as by {@linkcode silence}. `frameTimeout` ends the connection instead, however many bytes come
 * meanwhile. Offsets in later errors count from where the new frame began.
 *
 * @example
 * ```ts
 * import { discardAfterSilence, lengthField } from "@millrace/millrace";
 *
 * const framing = discardAfterSilence(lengthField({ lengthBytes: 2 }), { gap: "50ms" });
 * console.log(framing.name); // lengthField
 * ```
 *
 * @throws {OptionsError} `invalid`, for an invalid option, and for a framing that ends frames by silence itself
 */
export function discardAfterSilence<Received, Sent>(
  framing: Framing<Received, Sent>,
  options: DiscardAfterSilenceOptions,
): Framing<Received, Sent> {
  const check = new OptionsCheck();
  check.keys(options, ["gap"]);
  const gap = checkGap(check, options.gap);
  if (typeof framing?.decoder !== "function" || framing.decoder(() => {}).gap !== undefined) {
    check.refuse("framing", framing, "a framing that does not end frames by silence itself, such as lines()");
  }
  check.done();
  return {
    name: framing.name,
    hint: framing.hint,
    decoder: (report) => new TearingDecoder(framing, gap, report),
    encode: framing.encode.bind(framing),
  };
}

/** One connection's frames. */
class TearingDecoder<Received> implements Decoder<Received> {
  readonly gap: number;
  readonly #framing: Framing<Received, never>;
  readonly #report: (error: FrameError) => unknown;
  #decoder: StoppableDecoder<Received>;
  /** Bytes that came. */
  #position = 0;
  #torn = false;

  constructor(framing: Framing<Received, never>, gap: number, report: (error: FrameError) => unknown) {
    this.#framing = framing;
    this.gap = gap;
    this.#report = report;
    this.#decoder = stoppableDecoder(framing, report);
  }

  get buffered(): number {
    return this.#decoder.buffered;
  }

  get waiting(): number | undefined {
    return this.#decoder.waiting;
  }

  get frameOffset(): number | undefined {
    return this.#decoder.frameOffset;
  }

  push(chunk: Uint8Array, next: (frame: Received) => unknown): void | boolean {
    this.#position += chunk.length;
    return this.#decoder.push(chunk, next);
  }

  watch(owner: SilenceOwner, wheel?: TimerWheel): SilenceWatch {
    return watchSilence(this.gap, owner, wheel);
  }

  silence(): void {
    this.#torn = this.#decoder.buffered > 0;
  }

  resume(next: (frame: Received) => unknown): void | boolean {
    if (this.#torn) this.#discard();
    else return this.#decoder.resume(next);
  }

  flush(next: (frame: Received) => unknown): void {
    const { buffered } = this.#decoder;
    if (this.#decoder.flush !== undefined) this.#decoder.flush(next);
    else if (buffered > 0) throw this.#truncated(buffered, "the input ended");
  }

  #discard(): void {
    this.#torn = false;
    const error = this.#truncated(this.#decoder.buffered, `nothing came for ${this.gap} ms`);
    this.#decoder = stoppableDecoder(this.#framing, this.#report);
    this.#report(error);
  }

  #truncated(size: number, how: string): FrameError {
    const offset = this.#position - size;
    const what =
      `cut a frame (${this.#framing.name}) at offset ${offset}: ${how}, ${size} bytes into the frame`;
    return new FrameError("truncated", what, { offset, size });
  }
}
