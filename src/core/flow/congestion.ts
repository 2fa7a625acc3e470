/**
 * What an outbox has when frames do not just leave: senders that wait for room, frames that can still be dropped, and the
 * reasons for which it takes none.
 *
 * Used by `outbox.ts`, which decides about all of it.
 */
import { ByteWriter } from "../bytes/bytes.ts";
import { Fifo } from "../bytes/fifo.ts";
import { type Deferred, deferred, refused } from "../deferred.ts";
import { LimitError, type MillraceError } from "../errors.ts";
import type { Framing } from "../framing/framing.ts";
import { Deadline } from "../time/deadline.ts";
import type { TimerWheel } from "../time/timer_wheel.ts";
import type { EgressPolicy, OutcomeListener } from "./outcome.ts";

/** Milliseconds after which no answer means that the kernel is full. */
const answerTime = 100;

/** The time in which more than the limit is held, until half of that is free again. */
export class Congestion {
  /** The kernel is known to be full: what does not fit is the peer's doing and no burst of ours. */
  slow = false;
  #answer: Deadline | undefined = undefined;
  #room: Deferred | undefined = undefined;

  /** Calls `overdue`, once, if this is not over before the kernel should have answered. */
  await(wheel: TimerWheel, overdue: () => void): void {
    this.#answer = new Deadline(wheel, () => {
      this.#answer = undefined;
      overdue();
    });
    this.#answer.set(answerTime);
  }

  /** True from `await` until the time for the answer is over. */
  get awaiting(): boolean {
    return this.#answer !== undefined;
  }

  /** What senders wait for, all of them for the same. */
  get room(): Promise<void> {
    return (this.#room ??= deferred()).promise;
  }

  /** There is room, or never will be: then for this reason. */
  over(error?: Error): void {
    this.#answer?.unset();
    if (error === undefined) this.#room?.resolve();
    else this.#room?.reject(error);
  }
}

/** A frame in memory of ours. */
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

/** Frames that are kept apart and whole while the kernel takes nothing, so that each of them can still be dropped. */
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

/** The reason in force, made into an error for later sends. */
export class Refusal {
  /** Makes the error; undefined while frames are taken. */
  reason: (() => MillraceError) | undefined = undefined;
  /** What is refused only for a while, and is then `reason` too. */
  #passing: (() => MillraceError) | undefined = undefined;

  /** Until `release`. */
  hold(reason: () => MillraceError): void {
    this.reason ??= this.#passing = reason;
  }

  /** True from `hold` to `release`. */
  get held(): boolean {
    return this.#passing !== undefined;
  }

  /** Frames are taken again, unless they are refused for good by now. */
  release(): void {
    if (this.reason === this.#passing) this.reason = undefined;
    this.#passing = undefined;
  }

  /** For good; the first reason stays. */
  always(reason: () => MillraceError): void {
    if (this.reason === this.#passing) this.reason = reason;
  }
}

/** Tells the outcome, and rejects; nobody's process goes down because nobody awaits it. */
export function refuse(error: MillraceError, listen: OutcomeListener | undefined): Promise<void> {
  listen?.({ status: "failed", kernel: "none", error });
  return refused(error);
}

/** The error for a frame of `size` bytes that does not fit beside `pending` bytes. */
export function overLimit(policy: EgressPolicy, limit: number, pending: number, size: number): LimitError {
  const held =
    `send a frame: ${pending} bytes wait for a slow peer, and ${size} more exceed egressLimit ${limit}`;
  if (policy === "close") {
    return new LimitError("egress", limit, `${held}; egressPolicy "close" closes the connection`);
  }
  const hint = "; await the promise that send returns, or choose another egressPolicy";
  return new LimitError("waiting_sends", limit, held + hint);
}
