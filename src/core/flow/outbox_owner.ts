/** Who hears what happens in an outbox. Implemented by `connection/session.ts`. */
import type { LimitError } from "../errors.ts";

/** What the outbox tells its connection. Called synchronously. */
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
