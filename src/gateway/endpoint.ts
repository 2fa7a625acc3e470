/**
 * What the gateway knows of one endpoint, be it a listener or a dialler.
 *
 * Implemented by `server_endpoint.ts` and `client_endpoint.ts`; used by the gateway, its control and its
 * admin endpoint.
 */
import type { Connection } from "../connection/connection.ts";
import type { Address } from "../core/transport.ts";
import type { CertificateInspection } from "../server/certificate_options.ts";
import type { ServerInspection } from "../server/inspection.ts";
import type { ServerState, ServerStats, ShutdownReport } from "../server/server_options.ts";
import type { EndpointSettings } from "./config/endpoint_config.ts";
import type { TrafficStats } from "./traffic.ts";

/** A connection of a gateway: frames are bytes. */
export type FrameConnection = Connection<Uint8Array, Uint8Array, undefined>;

/** One endpoint at work. */
export interface Endpoint {
  readonly name: string;
  readonly mode: "server" | "client";
  readonly settings: EndpointSettings;
  /** Where it listens, the port that was chosen included; or where it dials. */
  readonly address: Address;
  readonly state: ServerState;
  /** It does what it is there for: it accepts, or it is connected. */
  readonly ready: boolean;
  readonly connections: ReadonlyMap<string, FrameConnection>;
  stats(): ServerStats;
  traffic(): TrafficStats;
  inspect(): ServerInspection;
  /** Those it shows to clients; none without TLS, and for one that dials. */
  certificates(): readonly CertificateInspection[];
  /** Drops one connection; false when there is none of that id. */
  kill(
    id: string,
    why: { readonly reason?: string | undefined; readonly code?: string | undefined },
  ): boolean;
  /** Stops accepting. Undefined for one that dials. */
  suspend?(): Promise<void>;
  resume?(): Promise<void>;
  /** Finishes what there is within `deadlineMs`, then destroys the rest. Never rejects. Idempotent. */
  drain(deadlineMs: number): Promise<ShutdownReport>;
  /** Destroys everything now, also in the middle of a drain. Never rejects. Idempotent. */
  close(): Promise<ShutdownReport>;
}
