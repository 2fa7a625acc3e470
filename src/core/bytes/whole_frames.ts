/**
 * Frames that are kept apart and whole while the kernel takes nothing, so that each of them can still be dropped.
 *
 * Used by `outbox.ts`, which decides when.
 */
import { ByteWriter } from "./bytes.ts";
import type { MillraceError } from "../errors.ts";
import { Fifo } from "./fifo.ts";
import type { Framing } from "../framing/framing.ts";
import type { OutcomeListener } from "../flow/outcome.ts";

/** One of them, in memory of ours. */
interface WholeFrame {
  readonly bytes: Uint8Array;
  readonly listen: OutcomeListener | undefined;
}

const scratch = new ByteWriter();

/** The bytes of one frame, which nobody else holds. */
export function encodeWhole<Sent>(framing: Framing<unknown, Sent>, frame: Sent): Uint8Array {
  scratch.reset();
  framing.encode(frame, scratch);
  return scratch.take();
}

/** The frames, in order. */
export class WholeFrames {
  /** Frames that were dropped so far. */
  dropped = 0;
  readonly #frames: Fifo<WholeFrame> = new Fifo();

  get length(): number {
    return this.#frames.length;
  }

  push(frame: WholeFrame): void {
    this.#frames.push(frame);
  }

  /** Takes the oldest; only when there is one. */
  take(): WholeFrame {
    return this.#frames.take();
  }

  /** Drops frames from one end until so many bytes are gone, or all frames are. Returns the bytes of those dropped. */
  drop(excess: number, policy: "drop-newest" | "drop-oldest"): number {
    let freed = 0;
    while (freed < excess && this.#frames.length > 0) {
      const { bytes, listen } = policy === "drop-oldest" ? this.#frames.take() : this.#frames.takeNewest();
      freed += bytes.length;
      this.dropped++;
      listen?.({ status: "dropped", policy });
    }
    return freed;
  }

  /** The connection is over. */
  fail(error: () => MillraceError): void {
    while (this.#frames.length > 0) {
      this.#frames.take().listen?.({ status: "failed", kernel: "none", error: error() });
    }
  }
}
