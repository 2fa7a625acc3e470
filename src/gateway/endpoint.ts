/**
 * What the gateway knows of one endpoint, be it a listener or a dialler.
 *
 * Implemented by `server_endpoint.ts` and `client_endpoint.ts`; used by the gateway, its control and its
 * admin endpoint.
 */
import type { Connection } from "../connection/connection.ts";
import type { Address } from "../core/transport.ts";
import type { CertificateInspection, Certificates } from "../core/tls/certificate_options.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { KillOptions } from "../server/kill_options.ts";
import type { LiveOptions } from "../server/live_options.ts";
import type { ServerInspection } from "../server/inspection.ts";
import type { ServerState, ShutdownReport } from "../server/server_options.ts";
import type { ServerStats } from "../server/server_stats.ts";
import type { SpoolStats } from "./spool/spool.ts";

/** A connection of a gateway: frames are bytes. */
export type FrameConnection = Connection<Uint8Array, Uint8Array, undefined>;

/** Messages between the sockets of an endpoint and the bus. */
export interface TrafficStats {
  /** Frames published to the bus. */
  readonly framesPublished: number;
  /** Messages from the bus that were passed to a connection, or to all; if there is no room, once there is. */
  readonly messagesSent: number;
  /**
   * Messages from the bus that could not be delivered: there was no such connection, the payload is not a frame, the
   * connection ended before the message had reached the kernel, or its egress policy dropped it. Messages passed to a
   * connection are counted when it ends.
   */
  readonly messagesUndelivered: number;
  /** Frames of which the codec wanted nothing published, such as heartbeats. */
  readonly framesSkipped: number;
  /** Frames that the codec could not decode. */
  readonly decodeErrors: number;
  /** Messages that the codec could not encode; they are undelivered as well. */
  readonly encodeErrors: number;
  /** Link acknowledgements sent to peers; 0 without `acknowledge`. */
  readonly acksSent: number;
  /** Negative link acknowledgements sent to peers. */
  readonly naksSent: number;
  /** Link acknowledgements of peers to messages that they were sent. */
  readonly acksReceived: number;
  /** Negative ones. */
  readonly naksReceived: number;
  /** Of an endpoint with a spool: what is on its disk. */
  readonly spool?: SpoolStats | undefined;
}

/** One endpoint of a running gateway. */
export interface GatewayEndpoint {
  /** Its name: part of its subjects, and the label `endpoint` of its metrics. */
  readonly name: string;
  /** A `server` listens, a `client` connects. */
  readonly mode: "server" | "client";
  /** Where it listens, with the chosen port; or where it connects. */
  readonly address: Address;
  /** Its state; `suspended` accepts no connections and keeps the open ones. */
  readonly state: ServerState;
  /** It accepts connections, or is connected. */
  readonly ready: boolean;
  /** Open connections by id, the `conn.id` of their frames. */
  readonly connections: ReadonlyMap<string, FrameConnection>;
  /** Counters of its sockets. */
  stats(): ServerStats;
  /** Counters of messages between its sockets and the bus. */
  traffic(): TrafficStats;
  /** Whose its connections are; undefined where its configuration has no `identity`. */
  readonly identities?: {
    /** Whose connection this is, by its id; undefined while it is not known. */
    of(connectionId: string): string | undefined;
    /** The newest connection of a device. */
    find(identity: string): FrameConnection | undefined;
    /** All connections of a device, the newest last. */
    all(identity: string): readonly FrameConnection[];
    /** What has been counted. */
    stats(): {
      /** Connections with an identity now. */
      readonly identified: number;
      /** Connections that were closed because another one had, or got, their identity. */
      readonly identitiesReplaced: number;
      /** Connections that were closed because they did not say who they are. */
      readonly identitiesMissing: number;
    };
  } | undefined;
  /** Its connections as data, as in `/connections`. */
  inspect(): ServerInspection;
  /** Its certificates; none without TLS, and for a client. */
  certificates(): readonly CertificateInspection[];
  /** CAs that may sign client certificates; undefined if clients are not asked for one, and for a client. */
  clientAuthorities?(): ReturnType<NonNullable<Certificates["clientAuthorities"]>["inspect"]>;
  /** Of a client: attempts to connect, and how many of them, and of its connections, have failed or ended. */
  attempts?(): { readonly attempts: number; readonly failures: number };
  /**
   * Ends one connection, as `kill` of a server does; returns false if the id is unknown. For a client, `reason` and
   * `code` only.
   *
   * @throws {OptionsError} for options that are invalid, or not for this endpoint
   */
  kill(id: string, options: KillOptions<Uint8Array>): boolean;
  /** Bans an address, as `ban` of a server does. Undefined for a client. */
  ban?(
    address: string,
    duration: DurationInput,
    why?: Pick<KillOptions<never>, "reason" | "code" | "by">,
  ): void;
  /** Lifts a ban; returns false if there is none. Undefined for a client. */
  unban?(address: string, why?: Pick<KillOptions<never>, "reason" | "code" | "by">): boolean;
  /**
   * Changes limits, as `update` of a server does. Undefined for a client.
   *
   * @throws {OptionsError} for what is invalid or cannot change; nothing was changed then
   */
  update?(changes: LiveOptions, why?: Pick<KillOptions<never>, "reason" | "code" | "by">): void;
  /** Stops accepting. Undefined for a client. */
  suspend?(): Promise<void>;
  /**
   * Accepts again on the same address. Undefined for a client.
   *
   * @throws {SocketError} rejects when the address is taken
   */
  resume?(): Promise<void>;
  /** Drains within `deadlineMs`, then destroys the rest. Never rejects. Idempotent. */
  drain(deadlineMs: number): Promise<ShutdownReport>;
}
