/** What `serve` takes, and what it reports back. */
import type { Backoff } from "../core/time/backoff.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { Adapter, Address, Peer } from "../core/transport.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { Connection } from "../connection/connection.ts";
import type { ConnectionOptions, Handler, OnFrame } from "../connection/connection_options.ts";
import type { FirstBytesOptions, ProxyProtocolOptions } from "./preface/preface_options.ts";
import type { ShutdownTimeoutError, SocketError } from "../core/errors.ts";
import type { TlsError } from "../core/tls/tls_error.ts";
import type { AuditEvent } from "./audit.ts";
import type { AdmissionOptions } from "./admission_options.ts";
import type { Certificates } from "../core/tls/certificate_options.ts";
import type { RateSample } from "./server_stats.ts";
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
      /** Not with `address`. */
      readonly fd?: undefined;
    }
    | {
      /**
       * A listening socket that this process has inherited, by the number of its descriptor, instead of an address:
       * TCP or Unix, from systemd (`systemdSockets`), a supervisor or a parent process. Connections wait in its queue
       * while no process accepts, so a restart refuses none. `server.address` shows where it is bound; for a Unix
       * socket its path is `""` where the system does not tell (outside Linux, and on Deno without `--allow-all`).
       * `suspend` pauses and keeps the socket: newcomers wait until `resume`. Closing the server closes the descriptor, in
       * this process only. A listener that fails is not bound again. Rejects with `SocketError` `bad_descriptor` for
       * one that is not open, or is no socket that could listen. On Windows, `OptionsError`.
       */
      readonly fd: number;
      /** Not with `fd`. */
      readonly port?: undefined;
      /** Not with `fd`. */
      readonly host?: undefined;
      /** Not with `fd`. */
      readonly path?: undefined;
      /** Not with `fd`. */
      readonly address?: undefined;
      /** Not with `fd`. */
      readonly mode?: undefined;
      /** Not with `fd`. */
      readonly owner?: undefined;
      /** Not with `fd`. */
      readonly ipv6Only?: false | undefined;
      /** Not with `fd`. */
      readonly reusePort?: false | undefined;
      /** Not with `fd`. */
      readonly bindRetry?: false | undefined;
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
      readonly fd?: undefined;
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
      readonly fd?: undefined;
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
  | "fd"
  | "bindRetry"
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
  readonly fd?: number | undefined;
  readonly bindRetry?: boolean | Backoff | undefined;
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
