/** A server and its connections as data, for an admin page or a log. */
import type { Connection, ConnectionState, ConnectionStats } from "../connection/connection.ts";
import type { ConnectionRates } from "../connection/connection_options.ts";
import type { CertificateInspection, Certificates } from "../core/tls/certificate_options.ts";
import type { Registry } from "../connection/registry.ts";
import type { ProxyInfo } from "../core/proxy/proxy_info.ts";
import { hexText } from "../core/text/hex.ts";
import type { TlsInfo } from "../core/tls/tls.ts";
import type { Address } from "../core/transport.ts";
import type { LiveOptions } from "./live_options.ts";
import type { RateSampler } from "./rates.ts";
import type { ServerState } from "./server_options.ts";
import type { ServerStats } from "./server_stats.ts";
import type { ServerSecurity } from "./server_tls.ts";

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
  /** Its TLS; undefined where connections start in plaintext. */
  readonly tls: {
    /**
     * Which TLS implementation is used: `"node:tls"`, or the name of the runtime for that of its own sockets.
     * Undefined for a client without a connection.
     */
    readonly engine: string | undefined;
    /** The lowest version allowed. */
    readonly minVersion: string;
    /** The highest version allowed. */
    readonly maxVersion: string;
    /** OpenSSL cipher list; undefined for the runtime's default. */
    readonly ciphers: string | undefined;
    /** Application protocols, the preferred one first. */
    readonly alpn: readonly string[];
    /** On a server: whether clients are asked for a certificate. */
    readonly clientCertificates?: "none" | "request" | "require";
    /** On a server: its certificates. */
    readonly certificates?: readonly CertificateInspection[];
    /** On a server: the CAs that may sign client certificates, if they are in a file. */
    readonly clientAuthorities?: ReturnType<NonNullable<Certificates["clientAuthorities"]>["inspect"]>;
    /** On a client: any certificate is accepted. */
    readonly insecureSkipVerify?: boolean;
  } | undefined;
  /** Who may connect now, and who may not; undefined for a client. */
  readonly admission?: {
    /** The limits in force, as `serve` and `update` take them, but for durations, which are in milliseconds. */
    readonly limits:
      & {
        readonly [
          Name in
            | "maxConnections"
            | "maxConnectionsPerAddress"
            | "maxHandshakes"
            | "idleTimeout"
            | "readIdleTimeout"
            | "writeIdleTimeout"
            | "firstFrameTimeout"
            | "frameTimeout"
            | "closeTimeout"
            | "lingerTimeout"
            | "shutdownDeadline"
        ]: number;
      }
      & Pick<LiveOptions, "acceptRate" | "acceptRatePerAddress" | "allow" | "deny">
      & { readonly addressPrefix: { readonly ipv4: number; readonly ipv6: number } };
    /** Addresses that are remembered, for limits and rates per address. */
    readonly addresses: number;
    /** Addresses that are banned. */
    readonly bans: readonly {
      /** The address, or the network of an IPv6 address: `192.0.2.7`, `2001:db8:0:1::/64`. */
      readonly address: string;
      /** When it began, in milliseconds since 1970. */
      readonly since: number;
      /** When it ends, in milliseconds since 1970; `Infinity` for one that only `unban` ends. */
      readonly until: number;
      /** The reason that was given. */
      readonly reason: string | undefined;
      /** The code that was given. */
      readonly code: string | undefined;
      /** Who ordered it, as far as was said. */
      readonly by: string | undefined;
      /** Connections rejected since. */
      readonly rejected: number;
    }[];
  } | undefined;
  /** Counters, and what is held now. */
  readonly stats: ServerStats;
  /** The open connections, oldest first, and their counters. */
  readonly connections: readonly (ConnectionStats & {
    /** Id of the connection, as in logs. */
    readonly id: string;
    /** Address of the peer; empty for a Unix socket. */
    readonly ip: string;
    /** Port of the peer; 0 for a Unix socket. */
    readonly port: number;
    /** The proxy that it came through, and what that told; undefined without a PROXY protocol header. */
    readonly via:
      | Omit<ProxyInfo, "uniqueId" | "tlvs"> & {
        /** Id of the connection, given by the first proxy, in hexadecimal. */
        readonly uniqueId: string | undefined;
      }
      | undefined;
    /** Its protocol, as named in `firstBytes.protocols`; undefined for the server's own. */
    readonly protocol: string | undefined;
    /** What its TLS handshake negotiated; undefined without TLS. */
    readonly tls: TlsInfo | undefined;
    /** The local address. */
    readonly local: Address;
    /** Where it is in its life. */
    readonly state: ConnectionState;
    /** Milliseconds since 1970. */
    readonly startedAt: number;
    /** Over the last second; present while rates are sampled, zero during the first second. */
    readonly rates?: ConnectionRates;
  })[];
}

/** One connection as data. */
type ConnectionInspection = ServerInspection["connections"][number];

/** Who may connect to a server, as data. */
export type AdmissionInspection = NonNullable<ServerInspection["admission"]>;

/** TLS of a server or a client, as data. */
export type TlsInspection = NonNullable<ServerInspection["tls"]>;

/** The picture of one connection. */
export function inspectConnection<Received, Sent, Context>(
  connection: Connection<Received, Sent, Context>,
): ConnectionInspection {
  return {
    id: connection.id,
    ip: connection.peer.ip,
    port: connection.peer.port,
    via: connection.peer.via && inspectProxy(connection.peer.via),
    protocol: connection.protocol,
    tls: connection.peer.tls,
    local: connection.peer.local,
    state: connection.state,
    startedAt: connection.startedAt,
    ...connection.stats(),
  };
}

/** Without bytes, which are not for a page. */
function inspectProxy({ tlvs: _, uniqueId, ...facts }: ProxyInfo): ConnectionInspection["via"] {
  return { ...facts, uniqueId: uniqueId && hexText(uniqueId) };
}

/** The picture of a server. */
export function inspect<Received, Sent, Context>(
  server: Pick<ServerInspection, "address" | "state" | "runtime" | "tls"> & { stats(): ServerStats },
  registry: Registry<Received, Sent, Context>,
  framing: string,
  sampler: RateSampler<Received, Sent, Context> | undefined,
  admission: AdmissionInspection,
): ServerInspection {
  const connections = [...registry.sessions].map((session): ConnectionInspection => ({
    ...inspectConnection(session.connection),
    ...(sampler && { rates: sampler.connection(session) }),
  }));
  const { address, state, runtime, tls } = server;
  return { address, state, runtime, framing, tls, admission, stats: server.stats(), connections };
}

/** What is shown of a server's TLS. */
export function inspectTls({ tls, certificates }: ServerSecurity, engine: string): TlsInspection {
  const { minVersion, maxVersion, ciphers, alpn, clientCertificates } = tls;
  const facts = { minVersion, maxVersion, ciphers, alpn, clientCertificates };
  const inFile = certificates.clientAuthorities?.inspect();
  return {
    engine,
    ...facts,
    certificates: certificates.inspect(),
    ...(inFile && { clientAuthorities: inFile }),
  };
}
