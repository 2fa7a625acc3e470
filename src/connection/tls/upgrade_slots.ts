/**
 * The place of upgrades among the handshakes of a server: they share its slots and its counters, and take their turn.
 *
 * Asked by `upgrade.ts`; a server's own is handed down with its connections' profile. A client has none.
 */
import type { TlsError } from "../../core/tls/tls_error.ts";
import type { Peer } from "../../core/transport.ts";

/** Slots for handshakes. None of its methods may throw. */
export interface UpgradeSlots {
  /** One for the time of an upgrade; undefined when none is free, which is counted. */
  take(peer: Peer): UpgradeSlot | undefined;
}

/** A slot in use, until one of the last three is called; what is called after that does nothing. */
export interface UpgradeSlot {
  /** Calls back when the costly part may begin: at once, or in a later turn. */
  pace(proceed: () => void): void;
  /** The connection is secured. */
  succeed(): void;
  /** It is not, and why. */
  fail(error: TlsError): void;
  /** The connection has ended for a reason of its own: nothing is counted. */
  giveBack(): void;
}
