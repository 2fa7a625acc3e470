/** A server and its connections as data (F-52), for an admin page or a log. */
import type { ConnectionState } from "../connection/connection_options.ts";
import type { Registry } from "../connection/registry.ts";
import type { Address } from "../core/transport.ts";
import type { RateSampler } from "./rates.ts";
import type { ConnectionRates, ServerState, ServerStats } from "./server_options.ts";

/** The server as data. */
export interface ServerInspection {
  readonly address: Address;
  readonly state: ServerState;
  /** The runtime whose sockets are used. */
  readonly runtime: string;
  /** Name of the framing. */
  readonly framing: string;
  readonly stats: ServerStats;
  readonly connections: readonly ConnectionInspection[];
}

/** One connection as data. */
export interface ConnectionInspection {
  readonly id: string;
  readonly ip: string;
  readonly port: number;
  readonly local: Address;
  readonly state: ConnectionState;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly ageMs: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly framesReceived: number;
  readonly framesSent: number;
  readonly framesDropped: number;
  /** Frames that wait for the handler. */
  readonly inboxFrames: number;
  /** Bytes that wait for the peer. */
  readonly outboxBytes: number;
  /** Over the last second; present while rates are sampled. */
  readonly rates?: ConnectionRates;
}

/** Takes the picture. */
export function inspect<Received, Sent, Context>(
  server: Pick<ServerInspection, "address" | "state" | "runtime"> & { stats(): ServerStats },
  registry: Registry<Received, Sent, Context>,
  framing: string,
  sampler: RateSampler<Received, Sent, Context> | undefined,
): ServerInspection {
  const connections = [...registry.connections.values()].map((connection): ConnectionInspection => ({
    id: connection.id,
    ip: connection.peer.ip,
    port: connection.peer.port,
    local: connection.peer.local,
    state: connection.state,
    startedAt: connection.startedAt,
    ...connection.stats(),
    ...(sampler && { rates: sampler.connection(connection.id) }),
  }));
  const { address, state, runtime } = server;
  return { address, state, runtime, framing, stats: server.stats(), connections };
}
