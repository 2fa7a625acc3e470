/** A pool as users see it. `lending_pool.ts` is what implements it. */
import type { Connection } from "../../connection/connection.ts";
import type { ClosingOptions, ClosingReport } from "./closing.ts";
import type { Borrowed } from "./lease.ts";
import type { PoolInspection } from "./pool_inspection.ts";
import type { BorrowOptions } from "./pool_options.ts";

/** A pool of connections to one or several targets. */
export interface Pool<Received, in Sent = Received, Context = undefined> extends AsyncDisposable {
  /**
   * Lends a connection: one that is idle, the one used last first, or a new one; or waits for one, in the order of the
   * calls.
   *
   * Rejects with a `TimeoutError` `borrow` after `borrowTimeout`, with a `LimitError` `waiting_borrows` when too many
   * wait, with a `SocketError` `no_target` when all breakers are open, `aborted` by the signal or `closed`, and as
   * `connect` does when all `attempts` have failed.
   */
  borrow(options?: BorrowOptions): Promise<Borrowed<Received, Sent, Context>>;
  /**
   * Lends a connection for one call, whose result it resolves with. If the call throws, the connection is destroyed,
   * since answers may still be under way on it. Rejects as `borrow` does, and with what the call throws.
   */
  use<Result>(
    run: (connection: Connection<Received, Sent, Context>) => Result | Promise<Result>,
    options?: BorrowOptions,
  ): Promise<Result>;
  /** Resolves once `min` connections are open for the first time; rejects when it is closed before that. */
  readonly ready: Promise<void>;
  /** Its numbers and targets at this moment. */
  inspect(): PoolInspection;
  /**
   * Lends no more, closes what is idle, and waits for what is lent to be given back. At the deadline it is destroyed.
   * Idempotent.
   */
  close(options?: ClosingOptions): Promise<ClosingReport>;
}
