/** What `pool` takes, and its methods. */
import type { Connection } from "../../connection/connection.ts";
import type { DurationInput } from "../../core/time/duration.ts";
import type { ProxyHeaderOptions } from "../proxy_header_options.ts";
import type { HealthCheckOptions, SecureTargets, TargetsOptions } from "./targets_options.ts";

/** Options of `pool`: those of every connection, those of targets, and limits. */
export type PoolOptions<Received, Sent = Received, Context = undefined> =
  & Omit<TargetsOptions<Received, Sent, Context>, "healthCheck" | "maxLifetime">
  & SecureTargets
  & {
    /** Connections that are kept open when they are not needed. @default 0 */
    readonly min?: number | undefined;
    /** Maximum number of connections to all targets, those included that are being made or closed. @default 10 */
    readonly max?: number | undefined;
    /** How long `borrow` waits for a connection (`TimeoutError` `borrow`). @default "10 seconds" */
    readonly borrowTimeout?: DurationInput | undefined;
    /** Maximum number of borrowers that wait (`LimitError` `waiting_borrows`). @default 1000 */
    readonly maxWaiting?: number | undefined;
    /** Connections over `min` that were not used for this long are closed. @default "1 minute" */
    readonly maxIdle?: DurationInput | undefined;
    /**
     * The longest that a connection is kept. It is closed when it is given back or idle, never while it is lent. Each
     * life is shorter by up to a tenth, or by `jitter`. @default Infinity
     */
    readonly maxLifetime?:
      | DurationInput
      | {
        /** The longest life. */
        readonly after: DurationInput;
        /** The part of `after`, 0 to 1, by which a life may be shorter, at random. @default 0.1 */
        readonly jitter?: number | undefined;
      }
      | undefined;
    /**
     * Prepares a new connection before it is lent for the first time, such as by logging on, within `connectTimeout`. If
     * it rejects, the connection is dropped, as one that could not be made.
     */
    readonly setup?:
      | ((connection: Connection<Received, Sent, Context>, signal: AbortSignal) => unknown)
      | undefined;
    /**
     * A PROXY protocol header for every connection. Connections are shared by all borrowers, so it cannot name a client of
     * theirs: `balancer` makes one connection for each client. @default none
     */
    readonly proxyHeader?:
      | (ProxyHeaderOptions & { readonly source?: "own" | "local" | undefined })
      | undefined;
    /** Checks in the background, and before a connection is lent. @default none */
    readonly healthCheck?:
      | (HealthCheckOptions<Received, Sent, Context> & {
        /**
         * A connection that was idle for this long is asked with `test` before it is lent; 0 for always. @default Infinity
         */
        readonly onBorrow?: DurationInput | undefined;
      })
      | undefined;
  };

/** Options of `borrow` and `use`. */
export interface BorrowOptions {
  /** What chooses the target, with `balance: "rendezvous"` and only then. */
  readonly key?: string | undefined;
  /** Ends the wait (`SocketError` `aborted`). */
  readonly signal?: AbortSignal | undefined;
  /** In the place of `borrowTimeout`. */
  readonly timeout?: DurationInput | undefined;
}
