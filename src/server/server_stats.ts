/** What a server counts, as its statistics show it. `stats.ts` makes them. */
import type { ConnectionRates } from "../connection/connection_options.ts";
import type { CloseReason } from "../connection/termination.ts";
import type { SocketError } from "../core/errors.ts";
import type { TlsErrorReason } from "../core/tls/tls_error.ts";
import type { RejectReason } from "./admission_options.ts";

/** What a server has counted since it started, and what it holds now. */
export interface ServerStats {
  /** Connections open now. */
  readonly connectionsActive: number;
  /** Connections accepted. */
  readonly connectionsAccepted: number;
  /** Connections rejected. */
  readonly connectionsRejected: number;
  /** Rejected connections by reason. */
  readonly connectionsRejectedByReason: Readonly<Partial<Record<RejectReason, number>>>;
  /**
   * Connections reset by the peer before they were accepted. On Bun and Node, data that such a peer sent is still
   * read, so it also counts as accepted, with the address `""`; on Deno it does not.
   */
  readonly connectionsLost: number;
  /** Connections that were accepted and have ended. */
  readonly connectionsClosed: number;
  /** Peers that have not sent their PROXY protocol header or their first bytes yet. */
  readonly pendingActive: number;
  /** HTTP health checks answered on the port itself; they do not count as connections. */
  readonly healthChecks: number;
  /** TLS handshakes in progress, including upgrades. */
  readonly handshakesActive: number;
  /** TLS handshakes that succeeded. */
  readonly handshakesCompleted: number;
  /** TLS handshakes that failed or timed out. */
  readonly handshakesFailed: number;
  /** Failed handshakes by reason. */
  readonly handshakesFailedByReason: Readonly<Partial<Record<TlsErrorReason, number>>>;
  /**
   * Failures of the listener by reason of the `SocketError`, as `onListenerError` is told of them. A shortage of
   * descriptors or memory counts once for as long as it lasts.
   */
  readonly listenerErrorsByReason: Readonly<Partial<Record<SocketError["reason"], number>>>;
  /** Ended connections by reason. */
  readonly closedByReason: Readonly<Partial<Record<CloseReason, number>>>;
  /**
   * Peers that connected, sent nothing and left, as health checks of load balancers do: ended connections with the
   * reason `probe`, and with `tls` those that left before their handshake began, which is no failed handshake.
   */
  readonly probes: number;
  /** Bytes received. */
  readonly bytesReceived: number;
  /** Bytes handed to the kernel. */
  readonly bytesSent: number;
  /** Complete frames received. */
  readonly framesReceived: number;
  /** Frames handed to the kernel completely. */
  readonly framesSent: number;
  /** Frames dropped by the egress policy. */
  readonly framesDropped: number;
  /** Frames that were accepted for sending and had not completely reached the kernel when their connection ended. */
  readonly framesLost: number;
  /** Bad frames, skipped ones included. */
  readonly frameErrors: number;
  /** Times that a handler or hook threw or rejected. */
  readonly handlerErrors: number;
  /** Connections closed because they were idle. */
  readonly idleCloses: number;
  /** Bytes waiting to be sent to slow peers, on all connections. */
  readonly outboxBytes: number;
  /**
   * Bytes that the buffers of all connections hold: frames waiting for handlers, incomplete frames, and bytes waiting to
   * be sent.
   */
  readonly heldBytes: number;
  /** Whether `memoryBudget` is exceeded, so that new connections are rejected. */
  readonly memoryExceeded: boolean;
  /** How many times it was exceeded. */
  readonly memoryEpisodes: number;
  /** Duration of the last drain in milliseconds; 0 before the first. */
  readonly drainMs: number;
  /** Connections that have sent a first byte. */
  readonly firstByteCount: number;
  /** Sum of their times from accept to first byte, in milliseconds. */
  readonly firstByteMs: number;
  /** Stalls of the event loop longer than a timer tick allows. */
  readonly stalls: number;
}

/** Rates of a server over the last whole second. */
export interface RateSample extends ConnectionRates {
  /** Wall-clock time of the sample, in milliseconds since 1970. */
  readonly at: number;
  /** Connections accepted. */
  readonly connectionsPerSecond: number;
  /** Connections open at that time. */
  readonly connectionsActive: number;
  /** Bytes waiting to be sent to slow peers at that time. */
  readonly outboxBytes: number;
}
