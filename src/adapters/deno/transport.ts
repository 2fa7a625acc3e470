/**
 * One connection on Deno: its promises of reads and writes, as a transport.
 *
 * Used by `deno/adapter.ts`. A read needs its buffer when it is asked for, and what was read is the receiver's to keep.
 * So reads go into a slab, small while the traffic is small, that is handed out in successive views; what is large is copied.
 */
import { concatBytes } from "../../core/bytes/bytes.ts";
import type { SocketError } from "../../core/errors.ts";
import type { Peer, Transport, TransportEvents } from "../../core/transport.ts";
import { brokenConnection } from "../address.ts";

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

/** What a connection at rest holds, since its next read needs a buffer. */
const smallestSlab = 768;
/** Few frames lie across two of these, and have to be joined. A connection that falls silent is left holding one. */
const largestSlab = 260 * 1024;
/**
 * So much at once is handed out as a copy, and the slab is read into again. Slabs that are handed out piece by piece live
 * longer than what V8 collects cheaply: freeing them was a third of the work for large frames.
 */
const copiedFrom = 8 * 1024;

/** One open connection of Deno. */
export class DenoTransport implements Transport {
  readonly peer: Peer;
  taken = 0;
  readonly prompt = false;
  readonly #conn: DenoConn;
  #events: TransportEvents | undefined = undefined;
  /** Reading is stopped by the receiver, or not begun. */
  #paused = true;
  #slab: ArrayBuffer | undefined = undefined;
  #slabSize: number = smallestSlab;
  #used = 0;
  /** The chunk that the kernel is taking, and those behind it. */
  #sending: Uint8Array | undefined = undefined;
  #waiting: Uint8Array[] | undefined = undefined;
  /** The kernel took the last byte before anyone could be told. */
  #drainOwed = false;
  /** No more may be written. */
  #ended = false;
  #finSent = false;
  #peerEnded = false;
  #closed = false;
  #error: SocketError | undefined = undefined;

  constructor(conn: DenoConn, peer: Peer) {
    this.peer = peer;
    this.#conn = conn;
  }

  start(events: TransportEvents): void {
    this.#events = events;
    if (this.#closed) return events.close(this.#error);
    if (this.#drainOwed) events.drain();
    this.resume();
  }

  resume(): void {
    if (!this.#paused || this.#closed || this.#peerEnded) return;
    this.#paused = false;
    this.#read();
  }

  /** Deno's kernel call comes back with a promise, so the answer is never true. */
  write(chunk: Uint8Array): boolean {
    if (this.#ended) return false;
    if (chunk.length === 0) return this.#sending === undefined;
    if (this.#sending === undefined) this.#send(chunk);
    else if (this.#waiting === undefined) this.#waiting = [chunk];
    else this.#waiting.push(chunk);
    return false;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#sending === undefined) this.#sendFin();
  }

  /** The only way to close that there is. */
  release(): void {
    if (!this.#closed) this.#close();
  }

  abort(): void {
    this.release();
  }

  // -- reading --------------------------------------------------------------------------------------------

  #read(): void {
    let slab = this.#slab;
    if (slab === undefined || slab.byteLength < this.#slabSize || 2 * this.#used > slab.byteLength) {
      slab = this.#slab = new ArrayBuffer(this.#slabSize);
      this.#used = 0;
    }
    this.#conn.read(new Uint8Array(slab, this.#used)).then(this.#onRead, this.#onFailed);
  }

  // Made once a connection: the promises of every read and write get these same functions.
  readonly #onRead = (length: number | null): void => {
    if (this.#closed) return;
    if (length === null) return this.#finished();
    const slab = this.#slab!;
    const from = this.#used;
    const to = from + length;
    // Full means that the kernel has more; little means that smaller would do.
    const size = slab.byteLength;
    if (to === size) this.#slabSize = Math.min(2 * size, largestSlab);
    else if (8 * length < size) this.#slabSize = Math.max(size >> 1, smallestSlab);
    let chunk = new Uint8Array(slab, from, length);
    if (length >= copiedFrom) chunk = new Uint8Array(chunk);
    else this.#used = to;
    if (this.#events!.data(chunk)) {
      if (!this.#closed) this.#read();
    } else this.#paused = true;
  };

  #finished(): void {
    this.#peerEnded = true;
    this.#slab = undefined;
    this.#events!.end();
    if (this.#finSent && !this.#closed) this.#close();
  }

  // -- writing --------------------------------------------------------------------------------------------

  #send(chunk: Uint8Array): void {
    this.#sending = chunk;
    this.#conn.write(chunk).then(this.#onTaken, this.#onFailed);
  }

  readonly #onTaken = (length: number): void => {
    if (this.#closed) return;
    this.taken += length;
    const sending = this.#sending!;
    if (length < sending.length) return this.#send(sending.subarray(length));
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      return this.#send(waiting.length === 1 ? waiting[0]! : concatBytes(waiting));
    }
    this.#sending = undefined;
    const ended = this.#ended;
    if (this.#events === undefined) this.#drainOwed = true;
    else this.#events.drain();
    if (ended && !this.#closed) this.#sendFin();
  };

  #sendFin(): void {
    this.#conn.closeWrite().then(() => {
      this.#finSent = true;
      if (this.#peerEnded && !this.#closed) this.#close();
    }, this.#onFailed);
  }

  // -- the end --------------------------------------------------------------------------------------------

  /** What is still under way when we close fails too, and is heard here. */
  readonly #onFailed = (cause: unknown): void => {
    if (this.#closed) return;
    this.#error = brokenConnection(cause, this.peer);
    this.#close();
  };

  #close(): void {
    this.#closed = this.#ended = true;
    this.#slab = this.#sending = this.#waiting = undefined;
    this.#conn.close();
    this.#events?.close(this.#error);
  }
}
