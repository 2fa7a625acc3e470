/** What `pool` and `balancer` take in common: the targets, how one of them is chosen, and when one is left alone. */
import type { Connection } from "../../connection/connection.ts";
import type { ConnectionOptions } from "../../connection/connection_options.ts";
import type { TlsClientOptions } from "../../connection/tls/options.ts";
import type { Backoff } from "../../core/time/backoff.ts";
import type { DurationInput } from "../../core/time/duration.ts";
import type { Address } from "../../core/transport.ts";
import type { ConnectOptions } from "../connect_options.ts";
import type { PoolEvent } from "./pool_event.ts";

/** How a target is chosen. */
export type Balance = "round-robin" | "least-connections" | "rendezvous";

/** A server to connect to. */
export interface Target {
  /** As `connect` takes it: `"example.org:3034"`, `"unix:/run/echo.sock"`, or in the form of `server.address`. */
  readonly address: string | Address;
  /** Its share beside the others, a whole number from 1 to 1000. @default 1 */
  readonly weight?: number | undefined;
}

/** When a target is left alone, and for how long. */
export interface BreakerOptions {
  /**
   * Failures without a success between them that open the breaker: attempts to connect, health checks, and connections
   * that break while they are lent. @default 5
   */
  readonly failures?: number | undefined;
  /**
   * How long it stays open; then one connection is tried, and its failure makes the next wait longer.
   * @default { initial: "1 second", factor: 2, max: "30 seconds", jitter: 0.2 }
   */
  readonly reopen?: Omit<Backoff, "attempts" | "for"> | undefined;
}

/** How it is found out whether a target is well. */
export interface HealthCheckOptions<Received, Sent, Context> {
  /** Time from the end of one check of a target to its next. @default "10 seconds" */
  readonly every?: DurationInput | undefined;
  /** Time limit for a check, and for another one to connect. @default "5 seconds" */
  readonly timeout?: DurationInput | undefined;
  /**
   * Asks over a connection, such as with a ping. Failed are false, a rejection, and no answer within `timeout`. Without
   * it, being able to connect is enough.
   */
  readonly test?:
    | ((connection: Connection<Received, Sent, Context>, signal: AbortSignal) => unknown)
    | undefined;
}

/** Options of every connection to one of several targets, and about the targets. */
export type TargetsOptions<Received, Sent = Received, Context = undefined> =
  & Omit<ConnectionOptions<Received, Sent, Context>, "upgradable">
  & Pick<ConnectOptions<Received, Sent, Context>, "connectTimeout" | "adapter" | "clock">
  & {
    /** The servers. */
    readonly targets: readonly (string | Address | Target)[];
    /**
     * How one is chosen: in turn; the one with the fewest connections in use; or by `key`, so that a key has the same
     * target until that is unavailable, and few keys move when targets come and go. All heed weights.
     * @default "round-robin"
     */
    readonly balance?: Balance | undefined;
    /** Maximum number of targets tried for one connection. @default 3 */
    readonly attempts?: number | undefined;
    /**
     * Makes each address of a name a target, and looks names up again: new addresses join, and those that are gone get no
     * more connections. Otherwise a name is one target, looked up for every connection. On Deno it needs `--allow-net`
     * without a list. @default false
     */
    readonly resolve?:
      | boolean
      | {
        /** Time from one look-up to the next. @default "30 seconds" */
        readonly every?: DurationInput | undefined;
        /** Gives the IP addresses of a name. @default that of the system */
        readonly lookup?: ((host: string) => Promise<readonly string[]>) | undefined;
      }
      | undefined;
    /** A circuit breaker for each target; `false` for none. @default {} */
    readonly breaker?: false | BreakerOptions | undefined;
    /**
     * Checks in the background, over connections that are not in use or made for it; a PROXY protocol header says `LOCAL`
     * there, and of the functions only `setup` and `context` are called. With it, connections are only made to
     * targets whose breaker is closed: the checks close it again. @default none
     */
    readonly healthCheck?: HealthCheckOptions<Received, Sent, Context> | undefined;
    /** Called with what happens to targets. What it throws is ignored. */
    readonly onEvent?: ((event: PoolEvent) => void) | undefined;
  };

/** TLS from the start or later. */
export type SecureTargets =
  | { readonly upgradable: true; readonly tls?: undefined }
  | {
    readonly upgradable?: false | undefined;
    /** TLS, as of `connect`; a certificate is checked against the name of the target. @default none */
    readonly tls?: true | TlsClientOptions | undefined;
  };
