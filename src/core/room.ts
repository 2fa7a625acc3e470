/**
 * What a sender gets from a full outbox: a promise of room, or a refusal. Neither brings the process down when nobody
 * awaits it. Used by `outbox.ts`.
 */
import type { MillraceError } from "./errors.ts";
import type { OutcomeListener } from "./outcome.ts";

/** A wait for room, which all senders of one connection share. */
export interface Room {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A wait that begins. */
export function makeRoom(): Room {
  let resolve!: () => void, reject!: (error: Error) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(ignore);
  return { promise, resolve, reject };
}

/** What `send` returns for a frame that is not accepted. */
export function refuse(error: MillraceError, listen: OutcomeListener | undefined): Promise<void> {
  listen?.({ status: "failed", kernel: "none", error });
  const refused = Promise.reject(error);
  refused.catch(ignore);
  return refused;
}

function ignore(): void {}
