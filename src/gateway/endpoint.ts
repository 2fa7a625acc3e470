/**
 * What the gateway knows of one endpoint, be it a listener or a dialler.
 *
 * Implemented by `server_endpoint.ts` and `client_endpoint.ts`; used by the gateway, its control and its
 * admin endpoint.
 */
import type { Connection } from "../connection/connection.ts";
import type { Address } from "../core/transport.ts";
import type { CertificateInspection, Certificates } from "../core/tls/certificate_options.ts";
import type { ServerInspection } from "../server/inspection.ts";
import type { ServerState, ServerStats, ShutdownReport } from "../server/server_options.ts";

/** A connection of a gateway: frames are bytes. */
export type FrameConnection = Connection<Uint8Array, Uint8Array, undefined>;

/** What went between the sockets of an endpoint and the bus. */
export interface TrafficStats {
  /** Frames that the bus took. */
  readonly framesPublished: number;
  /** Messages from the bus that were handed to a connection, or to all; one that finds no room there, once there is. */
  readonly messagesSent: number;
  /**
   * Messages from the bus that could not be delivered: no such connection, no frame, or it ended before the kernel had
   * them, or its egress policy gave them up. Of those that had been handed over, counted when the connection ends.
   */
  readonly messagesUndelivered: number;
}

/** One endpoint of a running gateway, as its owner sees it. */
export interface GatewayEndpoint {
  /** As configured: part of its subjects, and the label `endpoint` of its metrics. */
  readonly name: string;
  /** A `server` listens, a `client` dials. */
  readonly mode: "server" | "client";
  /** Where it listens, the port that was chosen included; or where it dials. */
  readonly address: Address;
  /** What it is doing; `suspended` accepts nobody and keeps who is there. */
  readonly state: ServerState;
  /** It does what it is there for: it accepts, or it is connected. */
  readonly ready: boolean;
  /** Those that are open, by id: the `conn.id` of their frames. */
  readonly connections: ReadonlyMap<string, FrameConnection>;
  /** What its sockets have counted. */
  stats(): ServerStats;
  /** What went between its sockets and the bus. */
  traffic(): TrafficStats;
  /** Its connections one by one, as `/connections` shows them. */
  inspect(): ServerInspection;
  /** Those it shows to clients; none without TLS, and for one that dials. */
  certificates(): readonly CertificateInspection[];
  /** Those who may sign for its clients; undefined where no certificate is asked of them. None for one that dials. */
  clientAuthorities?(): ReturnType<NonNullable<Certificates["clientAuthorities"]>["inspect"]>;
  /** Drops one connection at once; `why` goes into its record. False when there is none of that id. */
  kill(
    id: string,
    why: { readonly reason?: string | undefined; readonly code?: string | undefined },
  ): boolean;
  /** Stops accepting. Undefined for one that dials. */
  suspend?(): Promise<void>;
  /** Accepts again on the same address. Rejects with `SocketError` when it is taken. Undefined for one that dials. */
  resume?(): Promise<void>;
  /** Finishes what there is within `deadlineMs`, then destroys the rest. Never rejects. Idempotent. */
  drain(deadlineMs: number): Promise<ShutdownReport>;
}
