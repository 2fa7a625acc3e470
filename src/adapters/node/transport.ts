/**
 * One connection on Node.js: a `net.Socket` as a transport.
 *
 * Used by `node/adapter.ts`. The listeners are shared functions that find their transport through a symbol on the
 * socket, so an idle connection costs no closures.
 */
import type { Socket } from "node:net";
import type { SocketError } from "../../core/errors.ts";
import type { Peer, Transport, TransportEvents } from "../../core/transport.ts";
import { brokenConnection } from "../address.ts";
import { Pieces, pieceSize } from "../pieces.ts";
import { copied, readIntoOwnMemory } from "./own_memory.ts";
import { canPass, pushToStream, readAgain } from "./past_stream.ts";

const owner: unique symbol = Symbol("transport");
type OwnedSocket = Socket & { [owner]?: NodeTransport | undefined; readonly _handle?: Handle | null };

/** What a handle of Node has beyond the documents. */
interface Handle {
  readStart?(): number;
  /** How many bytes of the write under way the kernel has not taken. */
  readonly writeQueueSize?: number;
}

const nothing = new Uint8Array(0);

/** One open connection of Node. */
export class NodeTransport implements Transport {
  readonly peer: Peer;
  readonly prompt = true;
  readonly #socket: OwnedSocket;
  #events: TransportEvents | undefined = undefined;
  #paused = false;
  /** No more may be written: ended, released, aborted or closed. */
  #ended = false;
  /** Or released. */
  #aborted = false;
  #closed = false;
  /** A write returned false, and its drain is owed. */
  #owing = false;
  /** The bytes that the socket holds, behind which an empty write tells when they are through; and what waits. */
  #inSocket = 0;
  #waiting: Pieces | undefined = undefined;
  #error: SocketError | undefined = undefined;
  /** Bytes of whole pieces that the kernel has taken, and the most that was known when part of one was counted. */
  #taken = 0;
  #seen = 0;

  constructor(socket: OwnedSocket, peer: Peer) {
    this.peer = peer;
    this.#socket = socket;
    socket[owner] = this;
    socket.on("error", NodeTransport.#onError);
    socket.on("close", NodeTransport.#onClose);
  }

  start(events: TransportEvents): void {
    this.#events = events;
    if (this.#closed) return events.close(this.#aborted ? undefined : this.#error);
    if (this.#aborted) return;
    const socket = this.#socket;
    socket.on("data", NodeTransport.#onData);
    socket.on("end", NodeTransport.#onEnd);
    socket.push = NodeTransport.#push;
    socket.resume();
    // What was held until now may have gone before anyone could be told.
    if (this.#owing && this.#inSocket === 0) this.#tellDrain();
  }

  resume(): void {
    if (!this.#paused || this.#aborted || this.#closed) return;
    this.#paused = false;
    this.#socket.resume();
    readAgain(this.#socket);
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ended) return false;
    if (!this.#owing && chunk.length <= pieceSize) {
      if (chunk.length === 0 || this.#hand(chunk)) return true;
    } else {
      (this.#waiting ??= new Pieces()).push(chunk);
      if (this.#inSocket === 0 && this.#handOn()) return !this.#owing;
    }
    this.#owing = true;
    return false;
  }

  get taken(): number {
    const { destroyed, errored, _handle: handle } = this.#socket;
    if (this.#inSocket > 0 && !destroyed && errored === null) {
      const { writeQueueSize = this.#inSocket } = handle ?? {};
      this.#seen = Math.max(this.#seen, this.#taken + this.#inSocket - writeQueueSize);
    }
    return Math.max(this.#taken, this.#seen);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#waiting === undefined) this.#socket.end();
  }

  release(): void {
    if (this.#drop()) this.#afterFin(this.#socket.destroy);
  }

  abort(): void {
    if (!this.#drop()) return;
    const socket = this.#socket;
    if (this.peer.local.transport === "unix") socket.destroy();
    else this.#afterFin(socket.resetAndDestroy);
  }

  /** Before it is started: the socket is never detached, so that its reads may pass its stream altogether. */
  keep(): this {
    readIntoOwnMemory(this.#socket, NodeTransport.#onRead);
    return this;
  }

  /** The bare socket, stopped, of a transport that is not used any more. */
  detach(): Socket {
    const socket = this.#socket;
    if (this.#events !== undefined) {
      socket.off("data", NodeTransport.#onData);
      socket.off("end", NodeTransport.#onEnd);
      socket.push = pushToStream;
      socket.pause();
      // What comes from now on waits in the stream.
      readAgain(socket);
    }
    socket.off("error", NodeTransport.#onError);
    socket.off("close", NodeTransport.#onClose);
    // Not deleted, which would make the engine treat the socket as a dictionary from now on.
    socket[owner] = undefined;
    return socket;
  }

  #drop(): boolean {
    if (this.#aborted || this.#closed) return false;
    this.#seen = this.taken;
    this.#aborted = this.#ended = true;
    this.#waiting = undefined;
    return true;
  }

  /** While the FIN is on its way to the kernel, which takes one turn, libuv can't reset, and a close could pass it by. */
  #afterFin(close: () => void): void {
    const socket = this.#socket;
    if (socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished) {
      socket.once("finish", close);
    } else close.call(socket);
  }

  /** Says whether the kernel has taken the piece. */
  #hand(piece: Uint8Array): boolean {
    const socket = this.#socket;
    socket.write(piece);
    if (socket.writableLength === 0 && socket.errored === null) {
      this.#taken += piece.length;
      return true;
    }
    this.#inSocket = piece.length;
    // Node tells of an emptied backlog only past its high-water mark, but of the end of every single write.
    socket.write(nothing, (cause) => void (cause || this.#passed()));
    return false;
  }

  /** Hands over what waits; says whether the kernel has taken all of it. */
  #handOn(): boolean {
    const waiting = this.#waiting;
    for (let piece = waiting?.next(); piece !== undefined; piece = waiting!.next()) {
      if (!this.#hand(piece)) return false;
    }
    this.#waiting = undefined;
    return true;
  }

  #passed(): void {
    if (this.#aborted || this.#closed || this.#socket.errored !== null) return;
    this.#taken += this.#inSocket;
    this.#inSocket = 0;
    const ending = this.#ended && this.#waiting !== undefined;
    if (!this.#handOn()) return;
    if (this.#events !== undefined) this.#tellDrain();
    if (ending && !this.#aborted) this.#socket.end();
  }

  #tellDrain(): void {
    this.#owing = false;
    this.#events!.drain();
  }

  static #push(this: OwnedSocket, chunk: Uint8Array | null, encoding?: BufferEncoding): boolean {
    if (chunk === null || !canPass(this)) return pushToStream.call(this, chunk, encoding);
    return this[owner]!.#receive(chunk);
  }

  static #onRead(this: Socket, length: number, memory: Uint8Array): boolean {
    return (this as OwnedSocket)[owner]!.#receive(copied(length, memory));
  }

  static #onData(this: OwnedSocket, chunk: Uint8Array): void {
    this[owner]!.#receive(chunk);
  }

  /** Says whether to go on reading. */
  #receive(chunk: Uint8Array): boolean {
    if (this.#aborted || this.#events!.data(chunk)) return true;
    this.#paused = true;
    this.#socket.pause();
    return false;
  }

  static #onEnd(this: OwnedSocket): void {
    const transport = this[owner]!;
    if (transport.#aborted) return;
    if (transport.#ended || this.writableLength > 0) return transport.#events!.end();
    // On Node 20 a reset right behind bytes looks like a FIN to reading (libuv). A write to a TCP socket finds it; one to
    // a Unix socket fails whenever its peer has closed, but reading once more finds it, by the next turn.
    if (transport.peer.local.transport === "unix") {
      this._handle?.readStart?.();
      setImmediate(() => setImmediate(() => transport.#endUnlessReset()));
    } else this.write(nothing, (cause) => cause || transport.#endUnlessReset());
  }

  #endUnlessReset(): void {
    if (this.#error === undefined && !this.#aborted && !this.#closed) this.#events!.end();
  }

  static #onError(this: OwnedSocket, cause: Error): void {
    const transport = this[owner]!;
    transport.#ended = true;
    transport.#waiting = undefined;
    transport.#error ??= brokenConnection(cause, transport.peer);
  }

  static #onClose(this: OwnedSocket): void {
    const transport = this[owner]!;
    if (transport.#closed) return;
    transport.#closed = transport.#ended = true;
    transport.#events?.close(transport.#aborted ? undefined : transport.#error);
  }
}
