/**
 * One secured connection: a `TLSSocket` over a plain transport, as a transport.
 *
 * Made when a handshake is over. The peer's close_notify is its end; a FIN without one is a connection that was cut
 * off, and told as a reset (RFC 8446, 6.1).
 */
import type { TLSSocket } from "node:tls";
import { SocketError } from "../../core/errors.ts";
import type { TlsInfo } from "../../core/tls/tls.ts";
import type { Peer, Transport, TransportEvents } from "../../core/transport.ts";
import { brokenConnection } from "../address.ts";
import { Pieces } from "../pieces.ts";
import type { Lower, LowerOwner } from "./below.ts";

const owner: unique symbol = Symbol("transport");
type OwnedSocket = TLSSocket & { [owner]?: TlsTransport | undefined };

/** Hears what happens below a connection that is over. */
const nobody: LowerOwner = { belowEnded() {}, belowClosed() {} };

/** One open connection with TLS. */
export class TlsTransport implements Transport, LowerOwner {
  readonly peer: Peer;
  taken = 0;
  readonly prompt = false;
  readonly #socket: OwnedSocket;
  readonly #below: Lower;
  readonly #destroy: () => unknown;
  #events: TransportEvents | undefined = undefined;
  #paused = true;
  /** No more may be written: ended, released, aborted or closed. */
  #ended = false;
  /** The end was asked for, and waits for the writes before it. */
  #ending = false;
  /** Or released. */
  #aborted = false;
  /** Released while the end is on its way. */
  #leaving = false;
  /** A write's drain is owed; the bytes that TLS has not told to be through, and what waits behind them. */
  #owing = false;
  #writing = 0;
  readonly #waiting: Pieces = new Pieces();
  /** The peer's FIN is there; so is the end of what it said under TLS; the transport below is closed. */
  #finCame = false;
  #endCame = false;
  #endTold = false;
  #gone = false;
  #closeTold = false;
  #error: SocketError | undefined = undefined;

  constructor(socket: TLSSocket, below: Lower, tls: TlsInfo) {
    this.peer = { ...below.peer, tls };
    this.#socket = socket;
    this.#below = below;
    below.owner = this;
    this.#destroy = below.attach(socket);
    this.#socket[owner] = this;
    socket.on("error", TlsTransport.#onError);
    socket.on("end", TlsTransport.#onEnd);
  }

  start(events: TransportEvents): void {
    this.#events = events;
    if (this.#aborted || this.#error !== undefined) {
      if (this.#gone) this.#tellClose();
      return;
    }
    this.#socket.on("data", TlsTransport.#onData);
    this.#drained();
    this.resume();
  }

  resume(): void {
    if (!this.#paused || this.#aborted || this.#closeTold) return;
    this.#paused = false;
    this.#below.hold(false);
    if (this.#endCame) return this.#tellEnd();
    this.#socket.resume();
    if (this.#finCame) this.#awaitEnd();
  }

  /** TLS takes the bytes at once, but the kernel has them later, so the answer is never true. */
  write(chunk: Uint8Array): boolean {
    if (this.#ended) return false;
    if (chunk.length === 0) return !this.#owing;
    this.#owing = true;
    this.#waiting.push(chunk);
    if (this.#writing === 0) this.#writeNext();
    return false;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = this.#ending = true;
    if (this.#writing === 0) this.#below.beforeEnd(this.#finish);
  }

  release(): void {
    if (this.#aborted || this.#closeTold) return;
    this.#aborted = this.#ended = true;
    if (this.#gone) this.#tellClose();
    else if (this.#ending && this.#writing === 0) this.#leaving = true;
    else this.#below.release();
  }

  abort(): void {
    if (this.#aborted || this.#closeTold) return;
    this.#aborted = this.#ended = true;
    if (this.#gone) this.#tellClose();
    else this.#below.abort();
    this.#destroy();
  }

  // What happens below.

  belowEnded(): void {
    this.#finCame = true;
    if (!this.#endCame && !this.#paused) this.#awaitEnd();
  }

  belowRead(chunk: Uint8Array): boolean {
    this.#receive(chunk);
    return !this.#paused;
  }

  belowClosed(error: SocketError | undefined): void {
    this.#gone = this.#ended = true;
    this.#error ??= error;
    // What came before a clean end is still to be read.
    if (this.#error !== undefined || this.#endTold || this.#aborted) this.#tellClose();
  }

  // What TLS says.

  static #onData(this: OwnedSocket, chunk: Uint8Array): void {
    const transport = this[owner];
    if (transport !== undefined) transport.#receive(chunk);
  }

  static #onEnd(this: OwnedSocket): void {
    const transport = this[owner];
    if (transport !== undefined) transport.#hearEnd();
  }

  static #onError(this: OwnedSocket, cause: Error): void {
    const transport = this[owner];
    if (transport !== undefined) transport.#break(cause);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#aborted || this.#closeTold || this.#events!.data(chunk)) return;
    this.#paused = true;
    this.#socket.pause();
    this.#below.hold(true);
  }

  #hearEnd(): void {
    // Bun tells an alert of the peer as an error and then as an end.
    if (this.#endCame || this.#aborted || this.#closeTold || this.#error !== undefined) return;
    this.#endCame = true;
    this.#below.discard();
    if (!this.#paused) this.#tellEnd();
  }

  readonly #finish = (): void => {
    this.#ending = false;
    if (!this.#closeTold && (!this.#aborted || this.#leaving)) this.#socket.end();
    if (this.#leaving) this.#below.release();
  };

  #tellEnd(): void {
    this.#endTold = true;
    this.#events!.end();
    if (this.#gone) this.#tellClose();
  }

  #writeNext(): void {
    const piece = this.#waiting.next();
    if (piece === undefined) return;
    this.#writing = piece.length;
    this.#socket.write(piece, this.#onWritten);
  }

  readonly #onWritten = (cause?: Error | null): void => {
    if (!cause) this.taken += this.#writing;
    this.#writing = 0;
    if (!cause && !this.#aborted) this.#writeNext();
    if (this.#ending && this.#writing === 0) this.#below.beforeEnd(this.#finish);
    if (!cause && !this.#socket.destroyed) this.#drained();
  };

  #drained(): void {
    if (!this.#owing || this.#writing > 0) return;
    if (this.#aborted || this.#gone || this.#events === undefined) return;
    this.#owing = false;
    this.#events.drain();
  }

  #break(cause: Error): void {
    this.#ended = true;
    if (this.#aborted || this.#closeTold) return;
    this.#error ??= brokenConnection(cause, this.peer);
    if (this.#gone) this.#tellClose();
    else this.#below.abort();
  }

  /** The peer's FIN is there. If TLS has said no end by the time it has read everything, it was cut off. */
  #awaitEnd(turns = 0): void {
    setTimeout(() => {
      if (this.#endCame || this.#aborted || this.#closeTold || this.#paused) return;
      const unread = this.#socket.readableLength > 0;
      if (unread || turns < 2) return this.#awaitEnd(unread ? 0 : turns + 1);
      const how = "the peer ended the connection without close_notify, so data may be missing";
      this.#break(new SocketError("reset", `keep a TLS connection open: ${how}`));
    }, 0);
  }

  #tellClose(): void {
    if (this.#closeTold || this.#events === undefined) return;
    this.#closeTold = this.#ended = true;
    this.#destroy();
    // Node keeps sockets with TLS long after their end, which shall not keep all the rest of a connection.
    this.#socket[owner] = undefined;
    this.#below.owner = nobody;
    this.#events.close(this.#aborted ? undefined : this.#error);
  }
}
