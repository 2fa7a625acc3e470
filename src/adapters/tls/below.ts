/**
 * What is below TLS: the socket that `node:tls` is laid over, carrying ciphertext. Each runtime has its own.
 *
 * Used by the handshakes of both sides, then by `tls/transport.ts`. Knows the end of the connection, not of the
 * TLS within it.
 */
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { SocketError } from "../../core/errors.ts";
import type { Peer, Transport } from "../../core/transport.ts";

/** What is below the TLS of one connection. */
export interface Lower {
  readonly peer: Peer;
  owner: LowerOwner;
  /** What `node:tls` is laid over. */
  readonly stream: Duplex;
  /** Begins to read. */
  start(): void;
  /** Gives back the first chunk, for TLS that is about to begin. */
  giveBack(chunk: Uint8Array): void;
  /** TLS has been laid over it, and is about to begin. */
  lay(socket: TLSSocket): void;
  /** The handshake is over. Returns what destroys the TLS. */
  attach(socket: TLSSocket): () => unknown;
  /** Whether to stop reading. */
  hold(on: boolean): void;
  /** TLS has read all that is for it; what still comes is for nobody. */
  discard(): void;
  /** Every byte of ours has gone through TLS: calls `ready` when close_notify may follow. */
  beforeEnd(ready: () => void): void;
  /** Closes the descriptor in the ordinary way, once close_notify and FIN have gone. */
  release(): void;
  /** Drops the connection now: RST where the runtime can. */
  abort(): void;
}

/** Is notified of what happens below. */
export interface LowerOwner {
  /** The peer's FIN; what came before it has not gone through TLS yet. */
  belowEnded(): void;
  /** Bytes out of TLS, where they can be had past its stream; says whether to go on. */
  belowRead?(chunk: Uint8Array): boolean;
  belowClosed(error: SocketError | undefined): void;
}

/** Lays ground for TLS over a transport; with `first`, waits for the first chunk and gives it there. */
export type MakeLower = (
  transport: Transport,
  owner: LowerOwner,
  first?: (chunk: Uint8Array) => void,
) => Lower;
