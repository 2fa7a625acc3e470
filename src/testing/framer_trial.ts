/**
 * One decoder and what it did with one stream: frames, errors and states, byte by byte.
 *
 * Used by `assert_framer.ts`, which decides what was to be expected.
 */
import { counted } from "../core/text/counted.ts";
import { FrameError, type FrameErrorReason } from "../core/errors.ts";
import type { Decoder, Framing } from "../core/framing/framing.ts";
import { show } from "./sameness.ts";

/** Facts of an error that was raised or reported. */
export interface TrialError {
  readonly reason: FrameErrorReason;
  readonly offset: number;
  readonly size: number | undefined;
  readonly limit: number | undefined;
}

/** What stands before and after each chunk in memory, to be found out when it gets into a frame. */
const margin = 8;
const poison = 0xa5;

/** A decoder under test. */
export class FramerTrial<Received> {
  readonly frames: Received[] = [];
  readonly skipped: TrialError[] = [];
  error: TrialError | undefined = undefined;
  readonly #label: string;
  readonly #decoder: Decoder<Received>;
  readonly #next: (frame: Received) => boolean = (frame) => {
    // A frame that comes after push has returned is no frame.
    if (this.#inside) this.frames.push(frame);
    return this.#more();
  };
  /** It takes one frame, or one that is refused, at a time; only of a decoder that can stop. */
  readonly stops: boolean;
  #enough = false;
  /** What is whole at the end is passed on in one go. */
  #ending = false;
  #inside = false;
  #fed = 0;
  /** For each count of bytes: frames, skipped frames, whether a frame was open, whether it had failed. */
  readonly #states = new Map<number, string>();
  #last: string | undefined = undefined;

  constructor(framing: Framing<Received, never>, label: string, stopping = false) {
    this.#label = label;
    this.#decoder = framing.decoder((error) => {
      this.skipped.push(this.#details(error, "reported"));
      return this.#more();
    });
    this.stops = stopping && this.#decoder.resume !== undefined;
    this.#note();
  }

  /** Gives the decoder the bytes up to `end`. */
  feed(bytes: Uint8Array, end: number): void {
    if (this.error !== undefined) return;
    const piece = bytes.subarray(this.#fed, end);
    const memory = new Uint8Array(piece.length + 2 * margin).fill(poison);
    memory.set(piece, margin);
    const chunk = memory.subarray(margin, margin + piece.length);
    let left = this.#run(() => this.#decoder.push(chunk, this.#next));
    while (left === false) {
      if (!this.#enough) this.fail("push", "false, though it was not told to stop", "nothing, or true");
      left = this.#run(() => this.#decoder.resume!(this.#next));
    }
    this.#fed = end;
    if (this.error !== undefined) this.#assertStaysFailed();
    else this.#assertBuffered();
    this.#note();
  }

  /** Ends the input. */
  finish(bytes: Uint8Array): void {
    if (this.error !== undefined) return;
    if (this.#fed !== bytes.length) throw new RangeError("a split must end where the bytes end");
    const { buffered } = this.#decoder;
    this.#ending = true;
    this.#run(() =>
      this.#decoder.flush === undefined ? this.#endUnflushed() : this.#decoder.flush(this.#next)
    );
    const ended = this.error as TrialError | undefined;
    if (ended?.reason === "truncated" && buffered === 0) {
      this.fail("buffered", "0 where the end of input is an error", "1 or more inside a frame");
    }
  }

  /** As connections and streams do for a decoder that does not look at the end itself. */
  #endUnflushed(): void {
    const size = this.#decoder.buffered;
    if (size === 0) return;
    throw new FrameError("truncated", "the input ended inside a frame", { offset: this.#fed - size, size });
  }

  /** Compares what is known after `fed` bytes with what another split made of the same. */
  compareWith(reference: FramerTrial<Received>, fed: number): void {
    const found = this.#states.get(fed);
    const expected = reference.#states.get(fed) ?? reference.#last;
    if (found === undefined || found === expected) return;
    this.fail(`after ${fed} bytes`, found, `${expected}, as when they come byte by byte`);
  }

  /** For messages: how the stream ended, if not well. */
  get ending(): string {
    return this.error === undefined ? "" : `, then ${show(this.error)}`;
  }

  fail(what: string, found: string, expected: string): never {
    throw new Error(`${this.#label}: ${what}: found ${found}, expected ${expected}`);
  }

  /** Says whether to go on; what comes after a "no" is a fault. */
  #more(): boolean {
    if (this.#enough && !this.#ending) {
      this.fail("a frame", "passed on after next had answered false", "the rest, kept for resume");
    }
    this.#enough = this.stops;
    return !this.#enough;
  }

  #run(step: () => unknown): unknown {
    this.#inside = true;
    this.#enough = false;
    let result: unknown;
    try {
      result = step();
    } catch (error) {
      this.error = this.#details(error, "threw");
    }
    this.#inside = false;
    return result;
  }

  #details(error: unknown, did: string): TrialError {
    if (error instanceof FrameError) {
      const { reason, offset, size, limit } = error;
      return { reason, offset, size, limit };
    }
    throw new Error(`${this.#label}: the decoder ${did} ${error}, expected a FrameError`, { cause: error });
  }

  #assertStaysFailed(): void {
    const { length } = this.frames;
    try {
      this.#decoder.push(new Uint8Array([0]), () => {});
    } catch (error) {
      if (this.#details(error, "threw").reason === this.error?.reason && this.frames.length === length) {
        return;
      }
      this.fail("bytes after the error", show(this.#details(error, "threw")), show(this.error));
    }
    this.fail("bytes after the error", "taken", "the error again, because nothing can be cut after it");
  }

  #assertBuffered(): void {
    const { buffered } = this.#decoder;
    if (Number.isInteger(buffered) && buffered >= 0 && buffered <= this.#fed) return;
    this.fail(
      `buffered after ${this.#fed} bytes`,
      String(buffered),
      `a whole number, 0 to ${this.#fed}`,
    );
  }

  #note(): void {
    const state = this.error !== undefined
      ? `${counted(this.frames.length, "frame")}, then ${this.error.reason} at offset ${this.error.offset}`
      : `${counted(this.frames.length, "frame")}, ${this.#decoder.buffered > 0 ? "one open" : "none open"}`;
    const passed = this.skipped.length > 0 ? `, ${this.skipped.length} skipped` : "";
    this.#last = state + passed;
    this.#states.set(this.#fed, this.#last);
  }
}
