/** A server and its connections as data (F-52), for an admin page or a log. */
import type { Connection, ConnectionState, ConnectionStats } from "../connection/connection.ts";
import type { ConnectionRates } from "../connection/connection_options.ts";
import type { Registry } from "../connection/registry.ts";
import type { TlsInfo } from "../core/tls/tls.ts";
import type { Address } from "../core/transport.ts";
import type { RateSampler } from "./rates.ts";
import type { ServerState, ServerStats } from "./server_options.ts";
import type { TlsInspection } from "./server_tls.ts";

/** The server as data. */
export interface ServerInspection {
  /** Where it listens. */
  readonly address: Address;
  /** Where it is in its life. */
  readonly state: ServerState;
  /** The runtime whose sockets are used. */
  readonly runtime: string;
  /** Name of the framing. */
  readonly framing: string;
  /** Its TLS; undefined where connections are not secured from the start. */
  readonly tls: TlsInspection | undefined;
  /** What it has counted, and holds now. */
  readonly stats: ServerStats;
  /** The open connections, oldest first. */
  readonly connections: readonly ConnectionInspection[];
}

/** One connection as data, its counters among it. */
export interface ConnectionInspection extends ConnectionStats {
  /** Id of the connection, as in logs. */
  readonly id: string;
  /** Address of the peer; empty for a Unix socket. */
  readonly ip: string;
  /** Port of the peer; 0 for a Unix socket. */
  readonly port: number;
  /** What its TLS handshake agreed on; undefined without TLS. */
  readonly tls: TlsInfo | undefined;
  /** Our end. */
  readonly local: Address;
  /** Where it is in its life. */
  readonly state: ConnectionState;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Over the last second; present while rates are sampled, zeros until they have been asked for over a whole second. */
  readonly rates?: ConnectionRates;
}

/** The picture of one connection. */
export function inspectConnection<Received, Sent, Context>(
  connection: Connection<Received, Sent, Context>,
): ConnectionInspection {
  return {
    id: connection.id,
    ip: connection.peer.ip,
    port: connection.peer.port,
    tls: connection.peer.tls,
    local: connection.peer.local,
    state: connection.state,
    startedAt: connection.startedAt,
    ...connection.stats(),
  };
}

/** The picture of a server. */
export function inspect<Received, Sent, Context>(
  server: Pick<ServerInspection, "address" | "state" | "runtime"> & { stats(): ServerStats },
  registry: Registry<Received, Sent, Context>,
  framing: string,
  sampler: RateSampler<Received, Sent, Context> | undefined,
  tls: TlsInspection | undefined,
): ServerInspection {
  const connections = [...registry.sessions].map((session): ConnectionInspection => ({
    ...inspectConnection(session.connection),
    ...(sampler && { rates: sampler.connection(session) }),
  }));
  const { address, state, runtime } = server;
  return { address, state, runtime, framing, tls, stats: server.stats(), connections };
}
