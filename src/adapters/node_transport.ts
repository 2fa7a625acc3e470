/**
 * One connection on Node.js: a `net.Socket` as a transport.
 *
 * Used by `node.ts`. The listeners are shared functions that find their transport through a symbol on the
 * socket, so an idle connection costs no closures.
 */
import type { Socket } from "node:net";
import type { SocketError } from "../core/errors.ts";
import type { Peer, Transport, TransportEvents } from "../core/transport.ts";
import { brokenConnection } from "./address.ts";
import { canPass, pushToStream, readAgain } from "./past_stream.ts";

const owner: unique symbol = Symbol("transport");
type OwnedSocket = Socket & { [owner]?: NodeTransport | undefined; readonly _handle?: Handle | null };

/** What a handle of Node has beyond the documents. */
interface Handle {
  readStart?(): number;
  /** How far the kernel is within a write: what has been handed to it, and how much of that waits. */
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

const nothing = new Uint8Array(0);

/** One open connection of Node. */
export class NodeTransport implements Transport {
  readonly peer: Peer;
  readonly #socket: OwnedSocket;
  #events: TransportEvents | undefined = undefined;
  #paused = false;
  /** No more may be written: ended, aborted or closed. */
  #ended = false;
  #aborted = false;
  #closed = false;
  /** A write returned false, and its drain is owed. */
  #owing = false;
  /** An empty write is queued behind the others, to tell when they are through. */
  #marked = false;
  #error: SocketError | undefined = undefined;
  #written = 0;
  #taken = 0;

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
    if (this.#owing && !this.#marked) this.#mark();
  }

  resume(): void {
    if (!this.#paused || this.#aborted || this.#closed) return;
    this.#paused = false;
    this.#socket.resume();
    readAgain(this.#socket);
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ended) return false;
    const socket = this.#socket;
    if (chunk.length > 0) {
      this.#written += chunk.length;
      socket.write(chunk);
    }
    if (socket.writableLength === 0 && socket.errored === null) return true;
    this.#owing = true;
    if (!this.#marked) this.#mark();
    return false;
  }

  get taken(): number {
    const { destroyed, errored, writableLength, _handle: handle } = this.#socket;
    if (destroyed || errored !== null) return this.#taken;
    const whole = this.#written - writableLength;
    const { bytesWritten = 0, writeQueueSize } = handle ?? {};
    const part = writeQueueSize === undefined ? 0 : bytesWritten - writeQueueSize;
    return this.#taken = Math.max(this.#taken, whole, Math.min(part, this.#written));
  }

  end(): void {
    if (this.#ended) return;
    if (this.#owing) this.#mark();
    this.#ended = true;
    this.#socket.end();
  }

  abort(): void {
    if (this.#aborted || this.#closed) return;
    this.#taken = this.taken;
    this.#aborted = this.#ended = true;
    const socket = this.#socket;
    if (this.peer.local.transport === "unix") socket.destroy();
    // While the FIN is on its way to the kernel, which takes one turn, libuv can't reset.
    else if (socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished) {
      socket.once("finish", socket.resetAndDestroy);
    } else socket.resetAndDestroy();
  }

  /** The bare socket, stopped, of a transport that is not used any more. */
  release(): Socket {
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

  /** Node tells of an emptied backlog only past its high-water mark, but of the end of every single write. */
  #mark(): void {
    this.#marked = true;
    this.#socket.write(nothing, () => this.#passed());
  }

  #passed(): void {
    this.#marked = false;
    if (!this.#owing || this.#aborted || this.#closed || this.#socket.errored !== null) return;
    if (this.#socket.writableLength === 0) {
      if (this.#events === undefined) return;
      this.#owing = false;
      this.#events.drain();
    } else if (!this.#ended) this.#mark();
  }

  static #push(this: OwnedSocket, chunk: Uint8Array | null, encoding?: BufferEncoding): boolean {
    if (chunk === null || !canPass(this)) return pushToStream.call(this, chunk, encoding);
    return this[owner]!.#receive(chunk);
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
    transport.#error ??= brokenConnection(cause, transport.peer);
  }

  static #onClose(this: OwnedSocket): void {
    const transport = this[owner]!;
    if (transport.#closed) return;
    transport.#closed = transport.#ended = true;
    transport.#events?.close(transport.#aborted ? undefined : transport.#error);
  }
}
