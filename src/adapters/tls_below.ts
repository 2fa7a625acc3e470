/**
 * What is below TLS: a plain transport as the stream that `node:tls` wants, carrying ciphertext.
 *
 * Used by the handshakes of both sides, then by `tls_transport.ts`. Knows the end of the connection, not of the
 * TLS within it.
 */
import { nextTick } from "node:process";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { SocketError } from "../core/errors.ts";
import type { Peer, Transport } from "../core/transport.ts";

/** What is below the TLS of one connection. */
export interface Lower {
  readonly peer: Peer;
  owner: LowerOwner;
  /** What `node:tls` is laid over. */
  readonly stream: Duplex;
  /** Bytes that TLS has not read yet. */
  readonly unread: number;
  /** Ciphertext that the kernel has not taken. */
  readonly holding: boolean;
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
  /** TLS has read all that is for it; what still comes is forgotten, so that the peer's FIN is seen. */
  discard(): void;
  /** Every byte of ours has gone through TLS: calls `ready` when close_notify may follow. */
  beforeEnd(ready: () => void): void;
  /** Our close_notify is on its way, and FIN is to follow. */
  finish(): void;
  /** Drops the connection now: RST where the runtime can. */
  abort(): void;
}

/** Whoever has to know what happens below. */
export interface LowerOwner {
  /** The peer's FIN; what came before it has not gone through TLS yet. */
  belowEnded(): void;
  belowClosed(error: SocketError | undefined): void;
  /** The kernel has all the ciphertext. */
  belowEmptied(): void;
}

/** Lays ground for TLS over a transport; with `first`, waits for the first chunk and gives it there. */
export type MakeLower = (
  transport: Transport,
  owner: LowerOwner,
  first?: (chunk: Uint8Array) => void,
) => Lower;

/** Ciphertext in both directions. */
export class Below extends Duplex implements Lower {
  readonly #transport: Transport;
  owner: LowerOwner;
  /** Takes the first chunk, before there is TLS; the transport then waits for `begin`. */
  #first: ((chunk: Uint8Array) => void) | undefined;
  #taken: (() => void) | undefined = undefined;
  #givingBack = false;
  #discarding = false;
  #held = false;
  /** Dropped by us or closed: nothing goes up any more. The stream itself is left alone, TLS may be at work in it. */
  #over = false;

  constructor(transport: Transport, owner: LowerOwner, first?: (chunk: Uint8Array) => void) {
    super({ allowHalfOpen: true, emitClose: true });
    this.#transport = transport;
    this.owner = owner;
    this.#first = first;
    // Its failures are told as those of the transport.
    this.on("error", () => {});
  }

  get peer(): Peer {
    return this.#transport.peer;
  }

  get stream(): Duplex {
    return this as Duplex;
  }

  get unread(): number {
    return this.readableLength;
  }

  get holding(): boolean {
    return this.#taken !== undefined || this.writableLength > 0;
  }

  /** Deno's TLS begins a tick after it is made, and throws there when these bytes have ended it before. */
  giveBack(chunk: Uint8Array): void {
    this.#givingBack = true;
    nextTick(() =>
      nextTick(() => {
        this.#givingBack = false;
        if (!this.#over) this.push(chunk);
      })
    );
  }

  lay(): void {}

  attach(socket: TLSSocket): () => unknown {
    // Streams destroy themselves when both halves are over, on Deno before the last bytes have gone down. Here the
    // transport below decides.
    const destroy = socket.destroy.bind(socket);
    socket.destroy = () => socket;
    return destroy;
  }

  /** Deno's TLS takes whatever there is, however long nobody has wanted it. */
  hold(on: boolean): void {
    this.#held = on;
    if (!on) this.#transport.resume();
  }

  discard(): void {
    this.#discarding = true;
    this.#transport.resume();
  }

  beforeEnd(ready: () => void): void {
    ready();
  }

  /** Deno asks for no FIN after a close_notify that answers the peer's. */
  finish(): void {
    setTimeout(() => this.writableEnded || this.#over || this.end(), 0);
  }

  abort(): void {
    this.#over = true;
    this.#transport.abort();
  }

  start(): void {
    this.#transport.start({
      data: (chunk) => this.#data(chunk),
      drain: () => this.#drained(),
      end: () => this.owner.belowEnded(),
      close: (error) => {
        this.#over = true;
        this.owner.belowClosed(error);
      },
    });
  }

  #data(chunk: Uint8Array): boolean {
    if (this.#discarding || this.#over) return true;
    const first = this.#first;
    if (first === undefined) return this.push(chunk) && !this.#held;
    this.#first = undefined;
    first(chunk);
    return false;
  }

  #drained(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
    if (!this.holding) this.owner.belowEmptied();
  }

  override _read(): void {
    if (!this.#held && !this.#givingBack) this.#transport.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    if (this.#transport.write(chunk)) done();
    else this.#taken = done;
  }

  override _final(done: () => void): void {
    this.#transport.end();
    done();
  }

  /**
   * What TLS calls when both its halves are over, or when it fails, be the last ciphertext through or not. The
   * transport below goes when its owner says so.
   */
  override destroy(_error?: Error): this {
    return this;
  }
}
