/** A connection that a pool has lent: until it is given back, or destroyed. */
import type { Connection } from "../../connection/connection.ts";

/** A borrowed connection. At the end of `using` it is given back. */
export interface Borrowed<Received, in Sent = Received, Context = undefined> extends Disposable {
  /** Use it until `release`, and not after that. */
  readonly connection: Connection<Received, Sent, Context>;
  /**
   * Gives it back, to be lent again. It is closed instead when it has ended, is too old or over what the pool keeps, and when unread frames are
   * left on it, which the next borrower would take for its own. Idempotent.
   */
  release(): void;
  /** Drops it, as one that is in no state to be used again. Idempotent. */
  destroy(): void;
}

/** Takes back what it lent. */
interface Lender<Entry> {
  back(entry: Entry, usable: boolean): void;
}

/** One that knows whether it has been given back. */
export class Lease<
  Received,
  Sent,
  Context,
  Entry extends { readonly session: { readonly connection: Connection<Received, Sent, Context> } },
> implements Borrowed<Received, Sent, Context> {
  readonly connection: Connection<Received, Sent, Context>;
  readonly #lender: Lender<Entry>;
  #entry: Entry | undefined;

  constructor(lender: Lender<Entry>, entry: Entry) {
    this.connection = entry.session.connection;
    this.#lender = lender;
    this.#entry = entry;
  }

  release(): void {
    this.#end(true);
  }

  destroy(): void {
    this.#end(false);
  }

  [Symbol.dispose](): void {
    this.#end(true);
  }

  #end(usable: boolean): void {
    const entry = this.#entry;
    this.#entry = undefined;
    if (entry !== undefined) this.#lender.back(entry, usable);
  }
}
