/** Who may connect, as users say it: limits, rates, lists and the farewell. A part of `ServeOptions`. */
import type { Peer } from "../core/transport.ts";

/** Why a connection was rejected. */
export type RejectReason =
  /** `maxConnections` are open. */
  | "max_connections"
  /** `memoryBudget` is exceeded. */
  | "memory_budget"
  /** The server is suspended, shutting down, or has stopped. */
  | "draining"
  /** The address has `maxConnectionsPerAddress` connections. */
  | "address_connections"
  /** More connect than `acceptRate` allows. */
  | "accept_rate"
  /** The address connects more often than `acceptRatePerAddress` allows. */
  | "address_rate"
  /** The address is not in `allow`. */
  | "not_allowed"
  /** The address is in `deny`. */
  | "denied"
  /** The address is banned, by `kill` or `ban`. */
  | "banned"
  /** `proxyProtocol`: the address is not one of those that may send a header. */
  | "proxy_untrusted"
  /** `proxyProtocol`: the connection does not begin with a header. */
  | "proxy_missing"
  /** `proxyProtocol`: the header is malformed, too long, or has a wrong checksum. */
  | "proxy_malformed"
  /** `proxyProtocol`: the header was not complete in time. */
  | "proxy_timeout"
  /** `firstBytes`: in time there were not enough bytes to tell the protocol, or to answer a health check. */
  | "first_bytes_timeout"
  /** `maxPending` peers have not said what they are. */
  | "max_pending";

/** Who may connect. Addresses are those of `connection.peer`. */
export interface AdmissionOptions {
  /**
   * Maximum number of open connections; further ones are rejected. `Infinity`, or 0, for no limit. @default 4096
   */
  readonly maxConnections?: number | undefined;
  /**
   * Maximum number of open connections of one address (see `addressPrefix`), its TLS handshakes included; further
   * ones are rejected. Not for Unix sockets, whose peers have no address without `proxyProtocol`. `Infinity`, or 0,
   * for no limit. @default Infinity
   */
  readonly maxConnectionsPerAddress?: number | undefined;
  /**
   * How many connections are accepted in a second, of all peers together; further ones are rejected. It is a token
   * bucket, of which each connection that is accepted takes one. @default no limit
   */
  readonly acceptRate?: {
    /** On average, above 0; not necessarily whole. `Infinity` for no limit. */
    readonly perSecond: number;
    /** Accepted at once after a quiet time, 1 or more. @default one second's worth, at least 1 */
    readonly burst?: number | undefined;
  } | undefined;
  /**
   * The same for each address (see `addressPrefix`); further ones are rejected. An address
   * is remembered until its burst is available again. Of those without a connection, 65,536 are remembered: past
   * that the one that connected least recently is forgotten, so it starts with a full burst. Not for Unix sockets, as
   * above.
   * @default no limit
   */
  readonly acceptRatePerAddress?: {
    /** On average, above 0; not necessarily whole. `Infinity` for no limit. */
    readonly perSecond: number;
    /** Accepted at once after a quiet time, 1 or more. @default one second's worth, at least 1 */
    readonly burst?: number | undefined;
  } | undefined;
  /**
   * How many bits of an address make it one address, for limits, rates and bans: `ipv4` 8 to 32, `ipv6` 16 to 128.
   * Providers give each customer a whole IPv6 network, of 64 bits or fewer. @default { ipv4: 32, ipv6: 64 }
   */
  readonly addressPrefix?:
    | { readonly ipv4?: number | undefined; readonly ipv6?: number | undefined }
    | undefined;
  /**
   * IP addresses and ranges in CIDR notation that may connect, such as `["10.0.0.0/8", "::1"]`; others are rejected,
   * with `[]` all. `0.0.0.0/0` is all of IPv4, `::/0` all of IPv6. Not for Unix sockets, as above. @default everyone
   */
  readonly allow?: readonly string[] | undefined;
  /** The same for those that may not connect, also if they are in `allow`. @default no one */
  readonly deny?: readonly string[] | undefined;
  /**
   * Bytes sent to a rejected connection before it is closed, or a function of the reason that returns them, or
   * undefined for none. At most 256 rejected peers receive it at one time, each for at most a second; further ones
   * are dropped. Nothing is sent to a peer that is rejected before its TLS handshake. What the function throws is
   * logged. @default none
   */
  readonly farewell?:
    | Uint8Array
    | string
    | ((reason: RejectReason, peer: Peer) => Uint8Array | string | undefined)
    | undefined;
  /** Called when a connection is rejected. */
  readonly onReject?: ((peer: Peer, reason: RejectReason) => void) | undefined;
}

/** One rate, as users say it. */
export type AcceptRate = NonNullable<AdmissionOptions["acceptRate"]>;

const known: Readonly<Record<RejectReason, true>> = {
  max_connections: true,
  memory_budget: true,
  draining: true,
  address_connections: true,
  accept_rate: true,
  address_rate: true,
  not_allowed: true,
  denied: true,
  banned: true,
  proxy_untrusted: true,
  proxy_missing: true,
  proxy_malformed: true,
  proxy_timeout: true,
  first_bytes_timeout: true,
  max_pending: true,
};

/** All of them. */
export const rejectReasons: readonly RejectReason[] = Object.keys(known) as RejectReason[];
