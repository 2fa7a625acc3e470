/** What became of one frame that was given to `send`, `deliver` or `broadcast`, and what an outbox tells its connection. */
import type { LimitError, MillraceError } from "../errors.ts";

/** What happens to a frame that does not fit under the egress limit of its connection. */
export type EgressPolicy = "wait" | "drop-newest" | "drop-oldest" | "close";

/**
 * The outcome of one frame. `sent` means that the kernel has accepted its last byte, not that the peer has read it.
 * `failed` with `kernel: "none"` means that no byte of it left this process; `"unknown"` means that the connection
 * died while it was being handed over, so the peer may have received some or all of it.
 */
export type SendOutcome =
  | { readonly status: "sent" }
  | { readonly status: "dropped"; readonly policy: "drop-newest" | "drop-oldest" }
  | { readonly status: "failed"; readonly kernel: "none" | "unknown"; readonly error: MillraceError };

/** Hears the outcome of one frame, once. Must not throw. */
export type OutcomeListener = (outcome: SendOutcome) => void;

/** What the outbox tells its connection, `connection/session.ts`. Called synchronously. */
export interface OutboxOwner {
  /** The kernel took bytes: as far as writing goes, the peer is alive. */
  wrote(): void;
  /** Held bytes went above the egress limit (true), or fell back to half of it (false). */
  congested(full: boolean): void;
  /** Policy `close`: a frame did not fit. */
  overflowed(error: LimitError): void;
  /** Nothing is held any more, by us or by the transport. */
  emptied(): void;
}
