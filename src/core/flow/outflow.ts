/**
 * What of one connection's frames the kernel has taken: bytes, whole frames, and their outcomes, counted together.
 *
 * Used by `outbox.ts`. A connection of which nothing is under way holds no ledger.
 */
import type { MillraceError } from "../errors.ts";
import { giveLedger, type Ledger, takeLedger } from "./ledger.ts";
import type { OutcomeListener } from "./outcome.ts";

/** The counters of one connection. */
export class Outflow {
  /** Bytes that the kernel has taken. */
  bytes = 0;
  /** Frames that the kernel has taken whole. */
  frames = 0;
  /** Bytes that were handed to the transport and are not known to be in the kernel. */
  underWay = 0;
  #ledger: Ledger | undefined = undefined;

  /** Frames that were added and are not whole in the kernel. */
  get framesLeft(): number {
    return this.#ledger?.frames ?? 0;
  }

  /** One frame behind the others. */
  add(length: number, listen: OutcomeListener | undefined): void {
    (this.#ledger ??= takeLedger(this.bytes)).add(length, listen);
  }

  /** The kernel has taken so many more bytes of those under way. */
  take(bytes: number): void {
    this.underWay -= bytes;
    const position = this.bytes += bytes;
    const ledger = this.#ledger;
    if (ledger === undefined) return;
    this.frames += ledger.takenTo(position);
    const empty = ledger.frames === 0;
    if (empty) this.#ledger = undefined;
    ledger.settle(position);
    if (empty) giveLedger(ledger);
  }

  /** The connection is over, and nothing more will be taken. */
  fail(error: () => MillraceError): void {
    this.#ledger?.fail(this.bytes + this.underWay, error);
  }
}
