/**
 * The seam between Millrace and a runtime: what an adapter gives, and what it is given.
 *
 * Implemented by `src/adapters/*`, used by everything above. Adapters translate and decide nothing:
 * framing, limits, timers and policies live above this line.
 */
import type { SocketError } from "./errors.ts";
import type { ProxyInfo } from "./proxy/proxy_info.ts";
import type { FileRights } from "./text/file_rights.ts";
import type {
  HandshakeObserver,
  TlsClientSettings,
  TlsInfo,
  TlsServerSettings,
  TlsUpgradeSettings,
} from "./tls/tls.ts";

/** Capabilities of a runtime's sockets, as data: an option that needs a missing one fails before any socket opens. */
export type Capability =
  /** `abort()` sends RST (otherwise the peer sees FIN). */
  | "reset"
  /** Several processes can listen on one port. */
  | "reusePort"
  /** The length of the accept queue can be set. */
  | "backlog"
  /** `::` can be told to refuse IPv4. */
  | "ipv6Only"
  /** It can listen on a descriptor that the process has inherited. */
  | "descriptor"
  /** Nagle's algorithm can be switched. */
  | "noDelay"
  /** OS TCP keepalive can be switched on and off. */
  | "keepAlive"
  /** The delay before the first OS keepalive probe can be set. */
  | "keepAliveDelay"
  /** Unix domain sockets. */
  | "unix"
  /** The permissions of a Unix socket's file can be chosen. */
  | "socketMode"
  /** The owner of a Unix socket's file can be chosen. */
  | "socketOwner"
  /** Reading stops at once and the peer's window closes. */
  | "pause"
  /** TLS of a listener or a connection. */
  | "tls"
  /** The ciphers of TLS 1.2 can be chosen. */
  | "tlsCiphers"
  /** And so can those of TLS 1.3. */
  | "tlsCipherSuites"
  /** Its sockets have TLS of their own, used where that does all that is asked for; elsewhere it is `node:tls`. */
  | "ownTls";

/** A TCP port of a host. */
export interface TcpAddress {
  /** Discriminant. */
  readonly transport: "tcp";
  /** The IP address, if it is known: a server that listens at a name shows the address that was bound. */
  readonly host: string;
  /** Its number, 1 to 65535; 0 asks for a free one. */
  readonly port: number;
  /** Not with a port. */
  readonly path?: undefined;
}

/** A Unix socket. */
export interface UnixAddress {
  /** Discriminant. */
  readonly transport: "unix";
  /** Its path in the file system. */
  readonly path: string;
  /** Not with a path. */
  readonly host?: undefined;
  /** Not with a path. */
  readonly port?: undefined;
}

/** Address of a listener, or of one end of a connection. */
export type Address = TcpAddress | UnixAddress;

/** The form of a server's address, from the types of the options `port`, `path` and `address`. */
export type AddressOf<Port, Path, Given = unknown> = [Port] extends [number] ? TcpAddress
  : [Path] extends [string] ? UnixAddress
  : Given extends TcpAddress ? TcpAddress
  : Given extends UnixAddress | `unix:${string}` ? UnixAddress
  : Given extends string ? string extends Given ? Address : TcpAddress
  : Address;

/** Both addresses of a connection. On a Unix socket, `ip` is `""`, `port` is 0, and `local` has the path. */
export interface Peer {
  /**
   * The peer's IP address as text, without a zone; an IPv4 address on a dual-stack listener is shown as IPv4. Empty
   * if the peer had reset the connection before its address could be read.
   */
  readonly ip: string;
  /** The peer's port. */
  readonly port: number;
  /** The local address. */
  readonly local: Address;
  /** What the TLS handshake negotiated; undefined on a plaintext connection. */
  readonly tls?: TlsInfo | undefined;
  /**
   * The proxy through which the connection came, and what else its PROXY protocol header says; undefined without one.
   * `ip` and `port` are then those of the client, unless the proxy does not know it.
   */
  readonly via?: ProxyInfo | undefined;
}

/**
 * Begins TLS on a transport that has been started in plaintext, from which nothing more is wanted. `head` has been read
 * from it and belongs to TLS; `peer` is who it is from now on.
 */
export type Secure = (head: Uint8Array, peer: Peer) => void;

/** Socket settings shared by listeners and outgoing connections. */
export interface SocketTuning {
  /** Send small writes at once (TCP_NODELAY). */
  readonly noDelay: boolean;
  /**
   * `"system"` keeps the default, `false` is off, `true` is on with the system's delay, a number is the delay to the
   * first probe in milliseconds.
   */
  readonly keepAlive: "system" | boolean | number;
}

/** Options of `listen`, checked and complete. */
export interface AdapterListenOptions extends SocketTuning {
  /** Where to listen; port 0 asks for a free one. */
  readonly address: Address;
  /**
   * A listening socket that the process has inherited, in the place of one that is bound at `address`, which says nothing
   * then. Its listener can pause, since a descriptor that is closed does not come back.
   */
  readonly descriptor?: number | undefined;
  /** Length of the kernel's accept queue; undefined for the runtime's default. */
  readonly backlog: number | undefined;
  /** Permissions and owner of a Unix socket's file, set before its path leads to it. */
  readonly rights?: FileRights | undefined;
  /** Several listeners may share the port (SO_REUSEPORT). */
  readonly reusePort: boolean;
  /** `::` accepts IPv6 only. */
  readonly ipv6Only: boolean;
  /** Every connection is secured before `accept` is called with it. */
  readonly tls: TlsServerSettings | undefined;
  /** Decides when handshakes begin, and is notified when they end; without it, all begin at once. */
  readonly handshakes?: HandshakeObserver | undefined;
  /** Its connections may be secured later, with `Transport.upgrade`. */
  readonly upgradable?: boolean | undefined;
  /**
   * With `tls`: called for each connection in plaintext instead of beginning its handshake. The transport may be started,
   * to read what comes before TLS. Either `secure` is called once, after which `accept` follows as usual, or the
   * transport goes on in plaintext.
   */
  readonly beforeTls?: ((plain: Transport, secure: Secure) => void) | undefined;
  /**
   * Called when the listener itself fails (never for one connection). `fatal` means that it accepts no more;
   * otherwise it continues, for example after too many open files.
   */
  failed(error: SocketError, fatal: boolean): void;
  /**
   * Called for a connection that its peer reset before it was accepted. If the runtime can still read what the peer
   * sent, `accept` is called as well, without an address.
   */
  lost?(error: SocketError): void;
}

/** Options of `connect`, checked and complete. */
export interface AdapterConnectOptions extends SocketTuning {
  /** Where to connect to. */
  readonly address: Address;
  /** Aborts the attempt; `connect` then rejects with a `SocketError` of reason `aborted`. */
  readonly signal: AbortSignal | undefined;
  /** Secures the connection before it is handed over; undefined for plaintext. */
  readonly tls: TlsClientSettings | undefined;
  /** It may be secured later, with `Transport.upgrade`. */
  readonly upgradable?: boolean | undefined;
  /** With `tls`: makes the bytes that are sent in plaintext before it. */
  readonly preface?: ((peer: Peer) => Uint8Array) | undefined;
}

/** One runtime's sockets. */
export interface Adapter {
  /** The runtime whose sockets these are. */
  readonly name: "bun" | "deno" | "node" | "workerd" | "memory";
  /** Capabilities of these sockets. An option that needs a missing one is refused before any socket opens. */
  readonly can: Readonly<Record<Capability, boolean>>;
  /** False on a host whose sockets can only connect: servers are refused there. */
  readonly listens?: boolean | undefined;
  /** The longest path of a Unix socket, in bytes; undefined for no limit. */
  readonly longestPath?: number | undefined;
  /**
   * Resolves when the socket is bound. `accept` runs synchronously for each connection and must not throw; it must
   * start or abort the transport, at once or later.
   *
   * @throws {SocketError} rejects when the address cannot be bound
   * @throws {TlsError} rejects when certificates cannot be used
   */
  listen(options: AdapterListenOptions, accept: (transport: Transport) => void): Promise<Listener>;
  /**
   * Resolves when connected, with `tls` after the handshake.
   *
   * @throws {SocketError} rejects when the connection cannot be made
   * @throws {TlsError} rejects when the handshake fails
   */
  connect(options: AdapterConnectOptions): Promise<Transport>;
}

/** A bound socket. */
export interface Listener {
  /** The address that was bound: port 0 is replaced by the chosen port. */
  readonly address: Address;
  /** The TLS implementation, such as `"node:tls"`; undefined without TLS. */
  readonly tls?: string | undefined;
  /** Its descriptor, for a process that shall inherit it; undefined where it is not known. */
  readonly descriptor?: number | undefined;
  /** Accepts no more until `resume`, and keeps the socket: connections wait in its queue. Only of an inherited one. */
  pause?(): Promise<void>;
  /** Accepts again after `pause`. */
  resume?(): Promise<void>;
  /** Stops accepting; open connections are not affected. Resolves once the port is free. Idempotent. */
  stop(): Promise<void>;
}

/** One open connection, silent until started. */
export interface Transport {
  /** Both ends of the connection. */
  readonly peer: Peer;
  /** The id of its connection, where that has been given one before: in the thread that has the socket. */
  readonly connectionId?: string | undefined;
  /** Begins delivery of events, which may start before this returns. Called at most once. */
  start(events: TransportEvents): void;
  /** Read again after `data` returned false. A no-op when reading or closed. */
  resume(): void;
  /**
   * Accepts the whole chunk, and holds in memory what the kernel does not accept. True: the kernel has accepted every
   * byte written so far, and the memory of the chunk may be reused. False: some bytes are still held, do not change
   * the chunk; `drain` follows when the kernel has accepted everything. After end, release, abort or close: false,
   * and the bytes are dropped.
   */
  write(chunk: Uint8Array): boolean;
  /**
   * How many of the bytes written so far the kernel has accepted at this moment. It only grows and is never too high:
   * where the runtime only reports whole writes, each piece of a large write, of at most 68 KiB, counts when it is
   * complete.
   */
  readonly taken: number;
  /**
   * Whether false from `write` means that the kernel is full. Otherwise it may mean that the kernel has not answered
   * yet, for example where each write is a promise.
   */
  readonly prompt: boolean;
  /**
   * Offers the chunk to the kernel at once, holds nothing, and returns how many bytes were accepted. Only when
   * nothing is held; missing where the runtime keeps what the kernel does not accept.
   */
  offer?(chunk: Uint8Array): number;
  /** Flushes what is held, then sends FIN; reading continues. Idempotent. */
  end(): void;
  /** Delivers nothing more until it is upgraded. Only if `upgradable` was set. */
  hold?(): void;
  /**
   * Secures the connection, once, and continues with the same events; data that is held, and all that arrives,
   * belongs to the handshake. There must be no unwritten data, and nothing may be written before `ready`, which is
   * called when the handshake is complete and `peer` shows what was negotiated. If `ready` rejects, the peer is
   * refused; nothing is delivered before it resolves. `end` waits for the handshake.
   *
   * @throws {TlsError} rejects when the handshake fails, or with what `ready` rejected with; call `abort` then, and
   * `close` follows
   */
  upgrade?(tls: TlsUpgradeSettings, signal: AbortSignal, ready: () => Promise<void>): Promise<void>;
  /**
   * Closes the descriptor normally. The kernel still delivers what it has accepted, then FIN; bytes that are held are
   * dropped, so call `end` and wait for the last `drain` first. Only `close` follows, without an error. After this
   * the kernel answers data from the peer with RST. Idempotent.
   */
  release(): void;
  /** Drops the connection and the held bytes; sends RST where `can.reset`. `close` follows. Idempotent. */
  abort(): void;
}

/**
 * Events of a transport: any number of `data`, then at most one `end`, then exactly one `close`, and nothing after
 * that. None of these may throw.
 */
export interface TransportEvents {
  /**
   * The receiver may keep the chunk. Returning false stops reading until `resume()`; no further chunk is delivered.
   */
  data(chunk: Uint8Array): boolean;
  /** The kernel has accepted everything that was written. Only after `write` returned false. */
  drain(): void;
  /** The peer sent FIN after its last byte. Writing is still possible. Not sent when the connection broke. */
  end(): void;
  /**
   * Both directions have ended and the descriptor is released. An error means that the connection broke, for example
   * with `reset`. A transport closes by itself once both FINs have been exchanged.
   */
  close(error?: SocketError): void;
}
