/** What `serve` takes, and what it reports back. */
import type { Backoff } from "../core/time/backoff.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { Adapter, Address, Peer } from "../core/transport.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { Connection } from "../connection/connection.ts";
import type {
  ConnectionOptions,
  ConnectionRates,
  Handler,
  OnFrame,
} from "../connection/connection_options.ts";
import type { FirstBytesOptions, ProxyProtocolOptions } from "./preface/preface_options.ts";
import type { CloseReason } from "../connection/termination.ts";
import type { ShutdownTimeoutError, SocketError } from "../core/errors.ts";
import type { TlsError, TlsErrorReason } from "../core/tls/tls_error.ts";
import type { AuditEvent } from "./audit.ts";
import type { AdmissionOptions, RejectReason } from "./admission_options.ts";
import type { Certificates } from "../core/tls/certificate_options.ts";
import type { TlsServerOptions } from "../connection/tls/options.ts";

/**
 * Options of `serve`: settings, one address to listen on, and either `handler` or `onFrame`. Options that contradict
 * each other do not compile.
 *
 * @typeParam Handling a handler, of the kind that the entry point takes
 */
export type ServeOptions<
  Received,
  Sent = Received,
  Context = undefined,
  Handling = Handler<Received, Sent, Context>,
> =
  & ConnectionOptions<Received, Sent, Context>
  & AdmissionOptions
  & {
    /**
     * Permissions of the Unix socket's file, which decide who may connect: a number or octal digits as text. `0o660`
     * and `"0660"` allow its user and its group. They are set before the path leads to the socket, regardless of the
     * umask. On Windows, `OptionsError`. @default what the process's umask leaves
     */
    readonly mode?: number | `0${number}` | undefined;
    /**
     * User and group of the Unix socket's file, by number, either or both. They are set before `path` leads to the
     * socket. Only root, or a process with CAP_CHOWN, can change the user; any process can choose one of its own
     * groups. Rejects with `SocketError` `permission_denied` where the system does not allow it. @default those of
     * the process
     */
    readonly owner?: { readonly uid?: number | undefined; readonly gid?: number | undefined } | undefined;
    /** Length of the kernel's accept queue, where the runtime can set it. @default the runtime's */
    readonly backlog?: number | undefined;
    /** Let other processes listen on the same port, where the runtime can. @default false */
    readonly reusePort?: boolean | undefined;
    /** On `"::"`, refuse IPv4. @default false */
    readonly ipv6Only?: boolean | undefined;
    /**
     * TLS for every connection: one certificate, the result of `certificates()`, or that with further settings.
     * @default none
     */
    readonly tls?: TlsServerOptions | Certificates | undefined;
    /**
     * Maximum number of concurrent TLS handshakes, including upgrades. They do not count as connections. Further ones
     * are dropped (`TlsError` `too_many_handshakes`). `Infinity`, or 0, for no limit. @default 1024
     */
    readonly maxHandshakes?: number | undefined;
    /**
     * Accepts the PROXY protocol of load balancers: from these addresses a connection begins with a header that says who
     * the client is, before TLS. It is shown in `connection.peer`, and the proxy in `peer.via`. Connections without one
     * are rejected; so are those from other addresses. @default none
     */
    readonly proxyProtocol?: ProxyProtocolOptions | undefined;
    /**
     * Serves several protocols on this port, told apart by the first bytes of a connection: plaintext beside TLS, an HTTP
     * health check, other framings. What was read to tell is not lost. @default none
     */
    readonly firstBytes?: FirstBytesOptions<Received, Sent, Handling, Context> | undefined;
    /**
     * Maximum number of peers that have not sent their PROXY protocol header or their first bytes yet. They do not count as
     * connections. Further ones are rejected. `Infinity`, or 0, for no limit. @default 1024
     */
    readonly maxPending?: number | undefined;
    /** How long `close` waits for connections to finish unless it is given a deadline. @default "30 seconds" */
    readonly shutdownDeadline?: DurationInput | undefined;
    /**
     * Over how long `close` tells the connections that they end, evenly, so that their peers do not all come back at
     * once: 1,000 connections over 10 seconds are one every 10 ms. Those that are not told yet go on as before. At most
     * half the deadline, so that the last ones have as long to finish. @default 0, all at once
     */
    readonly drainSpread?: DurationInput | undefined;
    /**
     * Called when a TLS handshake fails: the peer did not become a connection, or its `upgrade` ended the connection.
     * Not called for handshakes that `maxHandshakes` drops. @default logged
     */
    readonly onTlsError?: ((error: TlsError, peer: Pick<Peer, "ip" | "port">) => void) | undefined;
    /**
     * Called once for each open connection when a shutdown begins to drain it; frames can still be sent. What it
     * throws is counted and logged, and the connection drains all the same. Not called by `destroy()`.
     */
    readonly onDrain?: ((connection: Connection<Received, Sent, Context>) => void) | undefined;
    /**
     * Called for each order that was carried out: by `kill`, `ban`, `unban` and `update`, with who gave it and why.
     * What it throws is logged. @default logged
     */
    readonly onAudit?: ((event: AuditEvent) => void) | undefined;
    /** Called when the server changes its state. */
    readonly onState?: ((state: ServerState) => void) | undefined;
    /** Called with the rates of every second. What it throws is logged. */
    readonly onStats?: ((sample: RateSample) => void) | undefined;
    /**
     * Retries binding when the address is in use or not there yet, instead of rejecting at once: `true`, or the waits
     * between the attempts. `serve` then rejects with the last error. A listener that fails later is bound again by
     * the same waits, while connections continue (`server.state` is `"binding"`); when they are over, the server is
     * `suspended`, and `resume` tries again. Parts that are left out: `initial` "100 ms", `factor` 2, `max` "5
     * seconds", `jitter` 0.2, `attempts` `Infinity`, `for` "1 minute". @default no retry at the start; a listener that
     * fails later is bound again by these waits without an end
     */
    readonly bindRetry?: boolean | Backoff | undefined;
    /**
     * Aborts the start, also while it waits to bind: `serve` rejects with `SocketError` `aborted`. Without effect once
     * the server listens. @default none
     */
    readonly signal?: AbortSignal | undefined;
    /** Called when the listener itself fails; `server.state` tells what becomes of it. @default logged */
    readonly onListenerError?: ((error: SocketError) => void) | undefined;
    /**
     * Receives structured log records. @default warnings and errors as JSON lines on standard error, where records
     * that cannot be written are dropped and counted
     */
    readonly logger?: Logger | undefined;
    /** Sockets to use. @default those of this runtime */
    readonly adapter?: Adapter | undefined;
    /** Clock to use, for tests. @default the system's */
    readonly clock?: Clock | undefined;
  }
  // Where nothing tells which form was meant, compilers speak of the last one, so that the ordinary one is last.
  & (
    | {
      /**
       * Where to listen, instead of `port`, `host` and `path`: `"127.0.0.1:3034"`, `"[::]:3034"`,
       * `"unix:/run/echo.sock"`, or an address in the form of `server.address`. A port alone means 127.0.0.1. `:3034`
       * is refused, because elsewhere it means every address of the machine.
       */
      readonly address: string | Address;
      /** Not with `address`. */
      readonly port?: undefined;
      /** Not with `address`. */
      readonly host?: undefined;
      /** Not with `address`. */
      readonly path?: undefined;
    }
    | {
      /**
       * Path of a Unix socket, instead of `port`: at most 107 bytes (103 outside Linux), none of them zero (abstract
       * sockets are not supported). The file of a server that was killed is replaced. If a running server has the
       * path, `serve` rejects with `SocketError` `address_in_use`. Stopping removes only its own file. The socket is
       * created under another name in the same directory first, so this process must be allowed to create files there
       * (on Deno, `--allow-read` and `--allow-write` for the directory in addition to `--allow-net`).
       */
      readonly path: string;
      /** Not with `path`. */
      readonly port?: undefined;
      /** Not with `path`. */
      readonly host?: undefined;
      /** Not with `path`. */
      readonly address?: undefined;
      /** Not with `path`. */
      readonly ipv6Only?: false | undefined;
      /** Not with `path`. */
      readonly reusePort?: false | undefined;
    }
    | {
      /** TCP port; with 0 the system chooses a free one, shown in `server.address`. */
      readonly port: number;
      /**
       * Address to bind: `"::"` for IPv6 and IPv4, `"0.0.0.0"` for all of IPv4. `server.address` shows what a name
       * resolved to. IPv6 may be in brackets, link-local addresses need a zone (`fe80::1%eth0`), IPv4 has four
       * numbers without leading zeros. @default "127.0.0.1"
       */
      readonly host?: string | undefined;
      /** Not with `port`. */
      readonly path?: undefined;
      /** Not with `port`. */
      readonly address?: undefined;
      /** Not with `port`. */
      readonly mode?: undefined;
      /** Not with `port`. */
      readonly owner?: undefined;
    }
  )
  & (
    | { readonly upgradable: true; readonly tls?: undefined }
    | { readonly upgradable?: false | undefined }
  )
  & (
    | { readonly onFrame: OnFrame<Received, Sent, Context>; readonly handler?: undefined }
    | {
      /** Runs once per connection. */
      readonly handler: Handling;
      readonly onFrame?: undefined;
      readonly allowHalfOpen?: false | undefined;
    }
  );

type Contradicting =
  | "port"
  | "host"
  | "path"
  | "address"
  | "reusePort"
  | "ipv6Only"
  | "upgradable"
  | "tls"
  | "handler"
  | "onFrame"
  | "allowHalfOpen";

/** The same before the check, which says what contradicts what. */
export interface UncheckedServeOptions<Received, Sent = Received, Context = undefined>
  extends
    Omit<ServeOptions<Received, Sent, Context>, Contradicting>,
    Pick<ConnectionOptions<Received, Sent, Context>, "upgradable" | "onFrame" | "allowHalfOpen"> {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly path?: string | undefined;
  readonly address?: string | Address | undefined;
  readonly reusePort?: boolean | undefined;
  readonly ipv6Only?: boolean | undefined;
  readonly tls?: TlsServerOptions | Certificates | undefined;
  readonly handler?: Handler<Received, Sent, Context> | undefined;
}

/**
 * `created` → `running` ⇄ `suspended` → `draining` → `stopped`. `binding` is between attempts to listen: before
 * `running` with the option `bindRetry`, and again after the listener has failed.
 */
export type ServerState = "created" | "binding" | "running" | "suspended" | "draining" | "stopped";

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

/** Result of a shutdown. */
export interface ShutdownReport {
  /** Connections that were open when it began. */
  readonly open: number;
  /** How many of these ended within the deadline. */
  readonly drained: number;
  /** Ids of the connections that were destroyed at the deadline. */
  readonly destroyed: readonly string[];
  /** What is known of these connections, in the same order. */
  readonly unfinished: ShutdownTimeoutError["unfinished"];
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}
