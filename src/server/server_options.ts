/** What `serve` takes, and what it reports back. */
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
import type { CloseReason } from "../connection/termination.ts";
import type { SocketError } from "../core/errors.ts";
import type { TlsError, TlsErrorReason } from "../core/tls/tls_error.ts";
import type { Certificates } from "../core/tls/certificate_options.ts";
import type { TlsServerOptions } from "../connection/tls/options.ts";

/**
 * What `serve` takes: settings, one place to listen, one way to take frames. Options that contradict each other do not
 * compile.
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
  & {
    /**
     * Permissions of the Unix socket's file, which say who may connect, as a number or as octal digits in text: `0o660` and
     * `"0660"` let its user and its group. They are set before the path leads to the socket, whatever the umask. Windows has
     * none: there it is refused with `OptionsError`. @default what the process's umask leaves
     */
    readonly mode?: number | `0${number}` | undefined;
    /**
     * User and group that the Unix socket's file belongs to, by their numbers, with one of them or both. They are set before
     * `path` leads to the socket. Only root, or who has CAP_CHOWN, can give files away; a group of this process may be named
     * by anybody. `SocketError` with reason `permission_denied` where the system does not let it. @default those of the process
     */
    readonly owner?: { readonly uid?: number | undefined; readonly gid?: number | undefined } | undefined;
    /** Length of the kernel's accept queue, where the runtime can set it. @default the runtime's */
    readonly backlog?: number | undefined;
    /** Let other processes listen on the same port, where the runtime can. @default false */
    readonly reusePort?: boolean | undefined;
    /** On `"::"`, refuse IPv4. @default false */
    readonly ipv6Only?: boolean | undefined;
    /** Connections at one time; one more is rejected. `Infinity`, or 0, is no limit. @default 4096 */
    readonly maxConnections?: number | undefined;
    /** Secures every connection: one certificate, what `certificates()` returns, or more of both. @default none */
    readonly tls?: TlsServerOptions | Certificates | undefined;
    /**
     * TLS handshakes at one time, upgrades that are under way among them; they take no slots of connections. One more is
     * dropped (`TlsError`, reason `too_many_handshakes`). `Infinity`, or 0, is no limit. @default 1024
     */
    readonly maxHandshakes?: number | undefined;
    /** Bytes sent to a rejected connection before it is closed. @default none */
    readonly farewell?: Uint8Array | string | undefined;
    /** How long `close` lets connections finish when it is not told otherwise. @default "30 seconds" */
    readonly shutdownDeadline?: DurationInput | undefined;
    /** A connection was turned away. */
    readonly onReject?: ((peer: Peer, reason: RejectReason) => void) | undefined;
    /**
     * A TLS handshake failed: whoever it was has not become a connection, or its `upgrade` has ended it. Not called for
     * those that `maxHandshakes` drops. @default logged
     */
    readonly onTlsError?: ((error: TlsError, peer: Pick<Peer, "ip" | "port">) => void) | undefined;
    /**
     * Called once for each connection that a shutdown finds open, when it begins to drain: frames can still be sent. What
     * it throws is counted and logged, and the connection drains all the same. `destroy()` drains nobody.
     */
    readonly onDrain?: ((connection: Connection<Received, Sent, Context>) => void) | undefined;
    /** The server changed its state. */
    readonly onState?: ((state: ServerState) => void) | undefined;
    /** Takes the rates of every second. What it throws is logged. */
    readonly onStats?: ((sample: RateSample) => void) | undefined;
    /** Hears of failures of the listener itself. @default logged */
    readonly onListenerError?: ((error: SocketError) => void) | undefined;
    /** Takes structured log records. @default warnings and errors to standard error, one JSON line each, left out and counted while nobody reads it */
    readonly logger?: Logger | undefined;
    /** Sockets to use. @default those of the runtime it runs on */
    readonly adapter?: Adapter | undefined;
    /** Time to use, for tests. @default the system's */
    readonly clock?: Clock | undefined;
  }
  // Where nothing tells which form was meant, compilers speak of the last one, so that the ordinary one is last.
  & (
    | {
      /**
       * Where to listen, in the place of `port`, `host` and `path`: `"127.0.0.1:3034"`, `"[::]:3034"`, `"unix:/run/echo.sock"`, or
       * an address as `server.address` shows one. A port alone is one of 127.0.0.1. `:3034` is refused, since elsewhere it
       * means every address of the machine.
       */
      readonly address: string | Address;
      /** Not beside `address`. */
      readonly port?: undefined;
      /** Not beside `address`. */
      readonly host?: undefined;
      /** Not beside `address`. */
      readonly path?: undefined;
    }
    | {
      /**
       * Path of a Unix socket, instead of `port`: at most 107 bytes (103 outside Linux), none of them zero, so that sockets
       * without a file are not supported. What a server left that was killed is taken over; a living one keeps its path
       * (`SocketError`, reason `address_in_use`), and stopping removes no file but its own. The socket is made under another
       * name in the same directory, in which this process must be allowed to make files (on Deno `--allow-read` and
       * `--allow-write` of the directory, beside `--allow-net`).
       */
      readonly path: string;
      /** Not beside `path`. */
      readonly port?: undefined;
      /** Not beside `path`. */
      readonly host?: undefined;
      /** Not beside `path`. */
      readonly address?: undefined;
      /** Not beside `path`. */
      readonly ipv6Only?: false | undefined;
      /** Not beside `path`. */
      readonly reusePort?: false | undefined;
    }
    | {
      /** TCP port; 0 lets the system choose, see `server.address`. */
      readonly port: number;
      /**
       * Address to bind: `"::"` takes IPv6 and IPv4, `"0.0.0.0"` all of IPv4; `server.address` shows what a name has become.
       * IPv6 may stand in brackets, link-local addresses need a zone (`fe80::1%eth0`), IPv4 has four numbers without leading
       * zeros. @default "127.0.0.1"
       */
      readonly host?: string | undefined;
      /** Not beside `port`. */
      readonly path?: undefined;
      /** Not beside `port`. */
      readonly address?: undefined;
      /** Not beside `port`. */
      readonly mode?: undefined;
      /** Not beside `port`. */
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

/** `created` → `running` ⇄ `suspended` → `draining` → `stopped`. */
export type ServerState = "created" | "running" | "suspended" | "draining" | "stopped";

/** Why a connection was rejected. */
export type RejectReason = "max_connections" | "draining";

/** What a server has counted since it started, and what it holds now. */
export interface ServerStats {
  /** Connections open now. */
  readonly connectionsActive: number;
  /** Connections that were let in. */
  readonly connectionsAccepted: number;
  /** Connections rejected. */
  readonly connectionsRejected: number;
  /**
   * Connections that their peers had reset before they were accepted. On Bun and Node what such a peer had sent is still
   * read, so each is among those let in too, with the address `""`; on Deno nothing is left of it.
   */
  readonly connectionsLost: number;
  /** Connections that were let in and have ended. */
  readonly connectionsClosed: number;
  /** TLS handshakes on their way, those of upgrades among them. */
  readonly handshakesActive: number;
  /** TLS handshakes that succeeded. */
  readonly handshakesCompleted: number;
  /** TLS handshakes that failed, or ran out of time. */
  readonly handshakesFailed: number;
  /** Failed handshakes by reason. */
  readonly handshakesFailedByReason: Readonly<Partial<Record<TlsErrorReason, number>>>;
  /** Ended connections by reason. */
  readonly closedByReason: Readonly<Partial<Record<CloseReason, number>>>;
  /** Bytes that came from peers. */
  readonly bytesReceived: number;
  /** Bytes that the kernel took. */
  readonly bytesSent: number;
  /** Whole frames that came from peers. */
  readonly framesReceived: number;
  /** Frames that the kernel took whole. */
  readonly framesSent: number;
  /** Frames given up by a drop policy. */
  readonly framesDropped: number;
  /** Frames that were accepted, and not whole in the kernel when their connection ended. */
  readonly framesLost: number;
  /** Bad frames, skipped ones included. */
  readonly frameErrors: number;
  /** Times that a handler or hook threw or rejected. */
  readonly handlerErrors: number;
  /** Connections ended for their silence. */
  readonly idleCloses: number;
  /** Bytes that wait for slow peers, all connections together. */
  readonly outboxBytes: number;
  /** Duration of the last drain in milliseconds; 0 before one. */
  readonly drainMs: number;
  /** Connections that have sent a first byte. */
  readonly firstByteCount: number;
  /** The sum of their waits from accept to first byte, in milliseconds. */
  readonly firstByteMs: number;
  /** Times that the event loop stood still for longer than a timer tick allows. */
  readonly stalls: number;
}

/** Rates of a server over the last whole second. */
export interface RateSample extends ConnectionRates {
  /** Wall-clock time of the sample. */
  readonly at: number;
  /** Connections let in. */
  readonly connectionsPerSecond: number;
  /** Connections open at that time. */
  readonly connectionsActive: number;
  /** Bytes that waited for slow peers at that time. */
  readonly outboxBytes: number;
}

/** How a shutdown went. */
export interface ShutdownReport {
  /** Connections that were open when it began. */
  readonly open: number;
  /** Of these, how many ended by themselves within the deadline. */
  readonly drained: number;
  /** Ids of those that were destroyed at the deadline. */
  readonly destroyed: readonly string[];
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}
