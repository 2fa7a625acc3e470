/**
 * Leaves out frames of another decoder, such as empty lines.
 *
 * Used by framings that are made of others; knows nothing of how frames are cut.
 */
import type { FrameError } from "../errors.ts";
import type { Framing } from "./framing.ts";
import { type StoppableDecoder, stoppableDecoder } from "./piecewise_decoder.ts";

/** One connection's frames. */
export class FilteredDecoder<Frame> implements StoppableDecoder<Frame> {
  readonly #frames: StoppableDecoder<Frame>;
  readonly #pass: (frame: Frame) => unknown;
  #next: (frame: Frame) => unknown = nowhere;

  constructor(
    framing: Framing<Frame, never>,
    leavesOut: (frame: Frame) => boolean,
    report: (error: FrameError) => unknown,
  ) {
    this.#frames = stoppableDecoder(framing, report);
    this.#pass = (frame) => leavesOut(frame) || this.#next(frame);
  }

  get buffered(): number {
    return this.#frames.buffered;
  }

  get frameOffset(): number | undefined {
    return this.#frames.frameOffset;
  }

  get waiting(): number | undefined {
    return this.#frames.waiting;
  }

  push(chunk: Uint8Array, next: (frame: Frame) => unknown): void | boolean {
    this.#next = next;
    return this.#frames.push(chunk, this.#pass);
  }

  resume(next: (frame: Frame) => unknown): void | boolean {
    this.#next = next;
    return this.#frames.resume(this.#pass);
  }

  flush(next: (frame: Frame) => unknown): void {
    this.#next = next;
    this.#frames.flush?.(this.#pass);
  }
}

function nowhere(): void {}
