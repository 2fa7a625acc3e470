/**
 * The seam between Millrace and a runtime: what an adapter gives, and what it is given.
 *
 * Implemented by `src/adapters/*`, used by everything above. Adapters translate and decide nothing:
 * framing, limits, timers and policies live above this line.
 */
import type { SocketError } from "./errors.ts";
import type { FileRights } from "./text/file_rights.ts";
import type {
  HandshakeObserver,
  TlsClientSettings,
  TlsInfo,
  TlsServerSettings,
  TlsUpgradeSettings,
} from "./tls/tls.ts";

/** What a runtime's sockets can do, as data: an option that needs a missing one fails before any socket opens. */
export type Capability =
  /** `abort()` sends RST (otherwise the peer sees FIN). */
  | "reset"
  /** Several processes can listen on one port. */
  | "reusePort"
  /** The length of the accept queue can be set. */
  | "backlog"
  /** `::` can be told to refuse IPv4. */
  | "ipv6Only"
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
  /** Tells it from the other one. */
  readonly transport: "tcp";
  /** An IP address where it is known: listening at a name shows the address that was bound. */
  readonly host: string;
  /** Its number, 1 to 65535; 0 asks for a free one. */
  readonly port: number;
  /** No path beside a port. */
  readonly path?: undefined;
}

/** A Unix socket. */
export interface UnixAddress {
  /** Tells it from the other one. */
  readonly transport: "unix";
  /** Its path in the file system. */
  readonly path: string;
  /** No host beside a path. */
  readonly host?: undefined;
  /** No port beside a path. */
  readonly port?: undefined;
}

/** Where a listener is bound, or one end of a connection. */
export type Address = TcpAddress | UnixAddress;

/** The form of a server's address, by the types of the options `port` and `path`. */
export type AddressOf<Port, Path> = [Port] extends [number] ? TcpAddress
  : [Path] extends [string] ? UnixAddress
  : Address;

/** Both ends of one connection. On a Unix socket `ip` is `""`, `port` 0, and `local` says so. */
export interface Peer {
  /**
   * The peer's IP address as text, without a zone; an IPv4 address on a dual-stack listener is shown as IPv4. Empty where
   * the peer had reset the connection before some runtimes could ask who it was.
   */
  readonly ip: string;
  /** The peer's port. */
  readonly port: number;
  /** Our own end. */
  readonly local: Address;
  /** What the TLS handshake agreed on; undefined on a plain connection. */
  readonly tls?: TlsInfo | undefined;
}

/** Socket settings shared by listeners and outgoing connections. */
export interface SocketTuning {
  /** Send small writes at once (TCP_NODELAY). */
  readonly noDelay: boolean;
  /**
   * `"system"` leaves the default alone, `false` is off, `true` is on with the delay of the system, a number is the delay
   * to the first probe in ms.
   */
  readonly keepAlive: "system" | boolean | number;
}

/** What `listen` is given; checked and complete. */
export interface AdapterListenOptions extends SocketTuning {
  /** Where to listen; port 0 asks for a free one. */
  readonly address: Address;
  /** Length of the kernel's accept queue; undefined leaves the runtime's default. */
  readonly backlog: number | undefined;
  /** Who may use the file of a Unix socket, from the first moment at which its path leads to it. */
  readonly rights?: FileRights | undefined;
  /** Several listeners may share the port (SO_REUSEPORT). */
  readonly reusePort: boolean;
  /** `::` is for IPv6 alone, not for IPv4 too. */
  readonly ipv6Only: boolean;
  /** Every connection is secured before `accept` hears of it. */
  readonly tls: TlsServerSettings | undefined;
  /** Lets handshakes begin and hears how they end; without one all may. */
  readonly handshakes?: HandshakeObserver | undefined;
  /** Its connections may be secured later, with `Transport.upgrade`. */
  readonly upgradable?: boolean | undefined;
  /**
   * Hears of a failure of the listener itself (never of one connection). `fatal` means that it accepts no
   * more; otherwise it goes on, as after too many open files.
   */
  failed(error: SocketError, fatal: boolean): void;
  /**
   * Hears of a connection that its peer had reset before it was accepted. Where the runtime can still read what the peer
   * had sent, `accept` gets it all the same, without an address.
   */
  lost?(error: SocketError): void;
}

/** What `connect` is given; checked and complete. */
export interface AdapterConnectOptions extends SocketTuning {
  /** Where to connect to. */
  readonly address: Address;
  /** Aborts the attempt; `connect` then rejects with a `SocketError` of reason `aborted`. */
  readonly signal: AbortSignal | undefined;
  /** Secures the connection before it is handed over; undefined for plain text. */
  readonly tls: TlsClientSettings | undefined;
  /** It may be secured later, with `Transport.upgrade`. */
  readonly upgradable?: boolean | undefined;
}

/** One runtime's sockets. */
export interface Adapter {
  /** The runtime whose sockets these are. */
  readonly name: "bun" | "deno" | "node" | "workerd" | "memory";
  /** What these sockets can do. An option that asks for more is refused before any socket opens. */
  readonly can: Readonly<Record<Capability, boolean>>;
  /** False on a host whose sockets connect only: servers are refused there. */
  readonly listens?: boolean | undefined;
  /** The longest path of a Unix socket, in bytes; undefined for no limit. */
  readonly longestPath?: number | undefined;
  /**
   * Resolves when the socket is bound; rejects with a `SocketError`. `accept` runs synchronously per
   * connection and must not throw; whoever gets the transport must start or abort it, now or later. With `tls`,
   * certificates that cannot be used reject with a `TlsError`.
   */
  listen(options: AdapterListenOptions, accept: (transport: Transport) => void): Promise<Listener>;
  /**
   * Resolves when connected, and after the handshake where `tls` is set; rejects with a `SocketError`, or a
   * `TlsError` when the handshake fails.
   */
  connect(options: AdapterConnectOptions): Promise<Transport>;
}

/** A bound socket. */
export interface Listener {
  /** The address really bound: port 0 is replaced by the port that was chosen. */
  readonly address: Address;
  /** Whose TLS it is, such as `"node:tls"`; undefined without TLS. */
  readonly tls?: string | undefined;
  /** Accept no more; open connections are left alone. Resolves once the port is free. Idempotent. */
  stop(): Promise<void>;
}

/** One open connection, silent until started. */
export interface Transport {
  /** Both ends of the connection. */
  readonly peer: Peer;
  /** Begins delivery of events, which may start before this returns. Called at most once. */
  start(events: TransportEvents): void;
  /** Read again after `data` returned false. A no-op when reading or closed. */
  resume(): void;
  /**
   * Takes all of the chunk, into memory where the kernel is full. True: the kernel has taken every byte
   * written so far, and the chunk's memory may be used again. False: some is still held, hands off the
   * chunk, and `drain` will tell when the kernel has it all. After end, release, abort or close: false, bytes dropped.
   */
  write(chunk: Uint8Array): boolean;
  /**
   * How many of the bytes written so far the kernel has taken, at this moment. It only grows, and is never more than that:
   * where the runtime tells only of whole writes, each piece of a large one counts when it is through, of 68 KiB at most.
   */
  readonly taken: number;
  /**
   * Whether `write` answers for the kernel: false then means that it is full. Otherwise it may only not have answered
   * yet, as where each write is a promise.
   */
  readonly prompt: boolean;
  /**
   * Hands the kernel what it takes of this chunk at once, holds nothing, and says how many bytes that was. Only where
   * nothing is held, and missing where a runtime keeps what the kernel does not take.
   */
  offer?(chunk: Uint8Array): number;
  /** Flush what is held, then send FIN; reading goes on. Idempotent. */
  end(): void;
  /** Delivers nothing more until it is upgraded. Only where `upgradable` was asked for. */
  hold?(): void;
  /**
   * Secures the connection, once, and goes on under the same events; what was held, and all that comes, is for the
   * handshake. Nothing may be unwritten, and nothing written before `ready`. That is called when the handshake is over
   * and `peer` says what it agreed on; what it rejects with refuses the peer, and nothing is delivered before it
   * resolves. `end` waits for the handshake. Rejects with a `TlsError`, or with what `ready` did; then `abort` is due,
   * which `close` follows.
   */
  upgrade?(tls: TlsUpgradeSettings, signal: AbortSignal, ready: () => Promise<void>): Promise<void>;
  /**
   * Close the descriptor in the ordinary way. What the kernel has taken is still delivered, and FIN behind it; bytes that
   * are held are dropped, so `end` and the last `drain` come first. Nothing more is told than `close`, without an error,
   * later or at once. What the peer sends from now on makes the kernel answer with RST. Idempotent.
   */
  release(): void;
  /** Drop now, held bytes included; RST where `can.reset`. `close` follows, later or at once. Idempotent. */
  abort(): void;
}

/**
 * What a transport reports: any number of `data`, then at most one `end`, then exactly one `close`,
 * after which nothing. None of these may throw.
 */
export interface TransportEvents {
  /** The chunk is the receiver's to keep. Returning false stops reading until `resume()`: not one chunk more. */
  data(chunk: Uint8Array): boolean;
  /** The kernel has taken everything that was written. Only after a `write` returned false. */
  drain(): void;
  /** The peer sent FIN after its last byte. Writing is still possible. Not sent when the connection broke. */
  end(): void;
  /**
   * Both directions are over and the descriptor is released. An error says that it broke: `reset`, say. A
   * transport closes by itself once both FINs are through.
   */
  close(error?: SocketError): void;
}
