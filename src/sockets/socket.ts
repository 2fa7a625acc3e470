/**
 * The shapes of the sockets API of WinterTC, as its draft has them, and what is taken from a host that hands over sockets.
 *
 * Types alone. What implements them is `dialed_socket.ts`.
 */
import type { ByteChunk } from "../core/bytes/byte_chunk.ts";

/** Whether a connection is in plaintext (`off`), uses TLS from its start (`on`), or can be secured later (`starttls`). */
export type SecureTransportKind = "off" | "on" | "starttls";

/** Where to connect to. */
export interface SocketAddress {
  /** A host name, or an IP address. */
  readonly hostname: string;
  /** A TCP port, 1 to 65535. */
  readonly port: number;
}

/** Where to connect to: `"example.org:443"`, `"[::1]:443"`, or the two parts. */
export type AnySocketAddress = string | SocketAddress;

/** Options of {@linkcode Connect}. Members that the draft does not know are ignored, as WebIDL has it. */
export interface SocketOptions {
  /** TLS: from the start, later, or never. @default "off" */
  readonly secureTransport?: SecureTransportKind | undefined;
  /** After the peer's FIN, keep the connection open for writing. @default false */
  readonly allowHalfOpen?: boolean | undefined;
  /**
   * The name that the server's certificate must be for, and that is asked for (SNI). Only with `secureTransport` `"on"`
   * or `"starttls"`. @default the host name
   */
  readonly sni?: string | null | undefined;
  /** Application protocols to offer (ALPN), the preferred one first. Only with TLS, as `sni`. @default none */
  readonly alpn?: readonly string[] | undefined;
}

/** What is known of an open connection. */
export interface SocketInfo {
  /** The peer's address, such as `"192.0.2.1:443"`; null if it is not known. */
  readonly remoteAddress: string | null;
  /** The local address. */
  readonly localAddress: string | null;
  /** The application protocol that TLS has negotiated; null if there is none. */
  readonly alpn: string | null;
}

/** A socket of the draft. */
export interface Socket {
  /** What the peer sends, as a byte stream that supports BYOB readers. It can be read before `opened`. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * What is sent to the peer: bytes. A write resolves when the kernel has all of it; closing sends FIN, and aborting
   * drops the connection. It can be written to before `opened`.
   */
  readonly writable: WritableStream<ByteChunk>;
  /** Resolves when the connection is open, with TLS after the handshake. @throws {SocketError} rejects when that fails */
  readonly opened: Promise<SocketInfo>;
  /**
   * Resolves when `close` was called, and when a reader has read to the peer's FIN, unless `allowHalfOpen` is set, or to
   * where the connection broke. @throws {SocketError} rejects when the connection cannot be made
   */
  readonly closed: Promise<undefined>;
  /** `startTls` was called: another socket has the connection. */
  readonly upgraded: boolean;
  /**
   * Closes the connection: `readable` is cancelled, `writable` is aborted with the reason, and so is `opened` if it is
   * pending. Writes that have not resolved are lost, and the peer then sees a reset: await them before. Returns `closed`.
   */
  close(reason?: unknown): Promise<undefined>;
  /**
   * Secures a connection with `secureTransport` `"starttls"`, after what was written. Returns its new socket, and this
   * one is closed. @throws {SocketError} with another `secureTransport`, or if the socket is closed
   */
  startTls(): Socket;
}

/** A socket of `connectSocket`. */
export interface ConnectedSocket extends Socket {
  /** As in `connect`; `"on"` after `startTls`. Not of the draft: Cloudflare's sockets have it. */
  readonly secureTransport: SecureTransportKind;
  /** As in `Socket`. */
  startTls(): ConnectedSocket;
}

/**
 * Connects, as the draft has it: returns a socket at once, which is pending until `opened` resolves.
 *
 * @throws {SocketError} for an address or options that are not valid
 */
export type Connect = (address: AnySocketAddress, options?: SocketOptions) => ConnectedSocket;

/** What is needed of a socket that a host hands over: the draft's, or that of a host that is near to it, such as workerd. */
export interface HostSocket {
  /** Received bytes. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Bytes to send. */
  readonly writable: WritableStream<Uint8Array>;
  /** Resolves when it is open. */
  readonly opened: Promise<Partial<SocketInfo>>;
  /** `"on"` for one that is secured; undefined where it is not known. */
  readonly secureTransport?: string | undefined;
  /** Closes it. */
  close(reason?: unknown): Promise<unknown>;
}
