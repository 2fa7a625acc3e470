/**
 * Why an outbox takes no frames: for good, or for a while. And what `send` says then.
 *
 * Used by `outbox.ts`.
 */
import { refused } from "../deferred.ts";
import { LimitError, type MillraceError } from "../errors.ts";
import type { EgressPolicy, OutcomeListener } from "./outcome.ts";

/** The reason in force, made into an error for whoever still sends. */
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
