/**
 * Gathers bytes until it is told that nothing more has come for a while: then they are a frame.
 *
 * The engine of `silence.ts`. Knows no time: whoever feeds it watches that.
 */
import { FrameError } from "../errors.ts";
import { HeldBytes } from "../bytes/held_bytes.ts";
import type { SilenceOwner, SilenceWatch } from "../time/silence_watch.ts";
import type { TimerWheel } from "../time/timer_wheel.ts";
import type { Decoder } from "./framing.ts";
import { watchSilence } from "./silence_clock.ts";

const none = new Uint8Array(0);

/** What one framing's decoders share. */
interface SilenceRules {
  readonly gap: number;
  readonly maxFrameBytes: number;
  readonly skip: boolean;
}

/** One connection's frames. */
export class SilenceDecoder implements Decoder<Uint8Array> {
  readonly waiting = 0;
  frameOffset = 0;
  readonly #rules: SilenceRules;
  readonly #report: (error: FrameError) => unknown;
  readonly #held: HeldBytes = new HeldBytes();
  /** Bytes that came. */
  #position = 0;
  #ended = false;
  /** The frame was refused: its bytes are dropped up to the next silence. */
  #skipping = false;
  #failed: FrameError | undefined = undefined;

  constructor(rules: SilenceRules, report: (error: FrameError) => unknown) {
    this.#rules = rules;
    this.#report = report;
  }

  get gap(): number {
    return this.#rules.gap;
  }

  get buffered(): number {
    return this.#skipping ? 1 : this.#held.length;
  }

  push(chunk: Uint8Array): void {
    if (this.#failed !== undefined) throw this.#failed;
    this.#position += chunk.length;
    if (this.#skipping) return;
    const held = this.#held;
    held.add(chunk, 0);
    if (held.length > this.#rules.maxFrameBytes) this.#refuse(held.length);
  }

  watch(owner: SilenceOwner, wheel?: TimerWheel): SilenceWatch {
    return watchSilence(this.gap, owner, wheel);
  }

  silence(): void {
    this.#ended = this.#held.length > 0;
    this.#skipping = false;
  }

  resume(next: (frame: Uint8Array) => unknown): void {
    if (this.#ended) this.flush(next);
  }

  /** The end of the input is a silence, too. */
  flush(next: (frame: Uint8Array) => unknown): void {
    if (this.#failed !== undefined) throw this.#failed;
    const { length } = this.#held;
    this.#ended = false;
    if (length === 0) return;
    this.frameOffset = this.#position - length;
    next(this.#held.join(none, 0, 0));
  }

  #refuse(size: number): void {
    const { maxFrameBytes, skip } = this.#rules;
    const offset = this.#position - size;
    this.#held.clear();
    this.#skipping = true;
    const error = new FrameError(
      "too_large",
      `cut a frame (silence) at offset ${offset}: found ${size} bytes without a silence, over maxFrameBytes, ` +
        `${maxFrameBytes}; raise it, or check that the peer is silent between frames for longer than the gap`,
      { offset, size, limit: maxFrameBytes },
    );
    if (!skip) throw this.#failed = error;
    this.#report(error);
  }
}
