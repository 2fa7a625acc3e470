/** What `balancer` takes. */
import type { ProxyHeaderOptions } from "../proxy_header_options.ts";
import type { SecureTargets, TargetsOptions } from "./targets_options.ts";

/** Options of `balancer`: those of every connection, and those of targets. */
export type BalancerOptions<Received, Sent = Received, Context = undefined> =
  & TargetsOptions<Received, Sent, Context>
  & SecureTargets
  & {
    /** A PROXY protocol header for every connection, whose client is the `source` of `connect`. @default none */
    readonly proxyHeader?:
      | { readonly version: 1 }
      | { readonly version: 2; readonly tlvs?: Extract<ProxyHeaderOptions, { readonly version: 2 }>["tlvs"] }
      | undefined;
  };

/** Options of `connect` of a balancer. */
export interface BalancedConnectOptions {
  /**
   * On whose behalf: such as the `peer` of an accepted connection. It goes into the PROXY protocol header, and its address
   * is the key where there is none. @default this side itself
   */
  readonly source?: Exclude<ProxyHeaderOptions["source"], string>;
  /** What chooses the target, with `balance: "rendezvous"` and only then. @default the IP address of `source` */
  readonly key?: string | undefined;
  /** Ends the attempt (`SocketError` `aborted`), and drops the connection once it is open. */
  readonly signal?: AbortSignal | undefined;
}
