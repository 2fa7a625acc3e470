/** Frames that were sent while there was no connection: a bounded queue, each with who waits for its outcome. */
import { Fifo } from "../../core/bytes/fifo.ts";
import { type Deferred, deferred } from "../../core/deferred.ts";
import { LimitError, type MillraceError, SocketError } from "../../core/errors.ts";
import { refuse } from "../../core/flow/congestion.ts";
import type { OutcomeListener } from "../../core/flow/outcome.ts";
import type { QueueSettings } from "./reconnect_settings.ts";

/** One encoded frame, in memory of ours. */
interface QueuedFrame {
  readonly bytes: Uint8Array;
  readonly listen: OutcomeListener | undefined;
}

/** The queue of one client. */
export class SendQueue {
  bytes = 0;
  dropped = 0;
  readonly #settings: QueueSettings;
  readonly #frames: Fifo<QueuedFrame> = new Fifo();
  /** Senders that wait for room, all for the same. */
  #room: Deferred | undefined = undefined;

  constructor(settings: QueueSettings) {
    this.#settings = settings;
  }

  get length(): number {
    return this.#frames.length;
  }

  /** Accepts a frame, or does with it what the policy says. A promise means: wait before sending more. */
  push(frame: QueuedFrame): void | Promise<void> {
    const { maxFrames, maxBytes, policy } = this.#settings;
    const { length } = frame.bytes;
    if (policy === "fail") {
      return refuse(new SocketError("closed", "send a frame: there is no connection"), frame.listen);
    }
    const full = (): boolean =>
      this.length > 0 && (this.length >= maxFrames || this.bytes + length > maxBytes);
    while (policy === "drop-oldest" && full()) {
      this.dropped++;
      this.take().listen?.({ status: "dropped", policy });
    }
    if (full()) {
      const byCount = this.length >= maxFrames;
      const held = `${this.length} frames of ${this.bytes} bytes wait for a connection`;
      const limit = byCount ? `queue.maxFrames ${maxFrames}` : `queue.maxBytes ${maxBytes}`;
      const hint = "await the promise that send returns, or choose another policy";
      const text = `send a frame: ${held}, and ${length} bytes more exceed ${limit}; ${hint}`;
      return refuse(new LimitError("waiting_sends", byCount ? maxFrames : maxBytes, text), frame.listen);
    }
    this.#frames.push(frame);
    this.bytes += length;
    if (policy === "keep" && !this.#roomy) return (this.#room ??= deferred()).promise;
  }

  /** Takes the oldest; only when there is one. */
  take(): QueuedFrame {
    const frame = this.#frames.take();
    this.bytes -= frame.bytes.length;
    if (this.#room !== undefined && this.#roomy) {
      this.#room.resolve();
      this.#room = undefined;
    }
    return frame;
  }

  /** There will be no connection. Returns how many frames that concerns. */
  fail(error: MillraceError): number {
    const { length } = this;
    this.#room?.reject(error);
    this.#room = undefined;
    while (this.length > 0) this.take().listen?.({ status: "failed", kernel: "none", error });
    return length;
  }

  get #roomy(): boolean {
    const { maxFrames, maxBytes } = this.#settings;
    return 2 * this.length <= maxFrames && 2 * this.bytes <= maxBytes;
  }
}
