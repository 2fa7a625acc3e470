/**
 * One connection on Deno: its promises of reads and writes, as a transport.
 *
 * Used by `deno.ts`. A read needs its buffer when it is asked for, and what was read is the receiver's to keep.
 * So reads go into a slab that is handed out in successive views, small while the traffic is small.
 */
import type { Peer, Transport, TransportEvents } from "../core/transport.ts";
import { brokenConnection } from "./address.ts";

/** The slice of Deno's connection that is used here. */
export interface DenoConn {
  readonly localAddr: DenoAddr;
  readonly remoteAddr: DenoAddr;
  read(buffer: Uint8Array): Promise<number | null>;
  write(chunk: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  /** Missing on Unix sockets. */
  setNoDelay?(on: boolean): void;
  setKeepAlive?(on: boolean): void;
}

/** An address as Deno tells it. */
export type DenoAddr =
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string | null };

const smallestSlab = 2 * 1024;
/** Above this Deno reads no faster, and a slab costs more to make than it saves. */
const largestSlab = 256 * 1024;

/** One open connection of Deno. */
export class DenoTransport implements Transport {
  readonly peer: Peer;
  readonly #conn: DenoConn;
  #events: TransportEvents | undefined = undefined;
  #paused = true;
  #slab: Uint8Array | undefined = undefined;
  #slabSize = smallestSlab;
  #used = 0;
  /** The chunk that the kernel is taking, and those behind it. */
  #sending: Uint8Array | undefined = undefined;
  #queue: Uint8Array[] | undefined = undefined;
  #ended = false;
  #finSent = false;
  #peerEnded = false;
  #closed = false;
  #failure: { readonly cause: unknown } | undefined = undefined;
  readonly #onRead = (length: number | null): void => this.#received(length);
  readonly #onWritten = (length: number): void => this.#taken(length);
  readonly #onFailed = (cause: unknown): void => this.#failed(cause);

  constructor(conn: DenoConn, peer: Peer) {
    this.peer = peer;
    this.#conn = conn;
  }
}
