/**
 * What became of one frame that was given to `send`, `deliver` or `broadcast` (F-67).
 */
import type { MillraceError } from "../errors.ts";

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
