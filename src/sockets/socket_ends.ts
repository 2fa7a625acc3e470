/**
 * The two streams of one socket over a transport that may come later, and may go on to another socket: `startTls`.
 *
 * Used by `dialed_socket.ts`, which decides what closes a socket.
 */
import type { SocketError as TransportError } from "../core/errors.ts";
import type { Transport, TransportEvents } from "../core/transport.ts";
import { ReadableEnd } from "./readable_end.ts";
import { SocketError, socketErrorOf } from "./socket_error.ts";
import { WritableEnd } from "./writable_end.ts";

/** How much waits on either side, in bytes. */
export interface HighWaterMarks {
  readonly readableBytes: number;
  readonly writableBytes: number;
}

/** The socket whose ends they are. */
interface EndsOwner {
  /** A reader has read to the peer's FIN, or to where the connection broke. */
  readToEnd(broken: boolean): void;
  /** The connection is gone. */
  gone(broken: boolean): void;
}

/** A transport and the ends that hear its events at the time. */
export class Line implements TransportEvents {
  transport: Transport | undefined = undefined;
  ends: SocketEnds;
  closed = false;

  constructor(ends: SocketEnds) {
    this.ends = ends;
  }

  open(transport: Transport): void {
    this.transport = transport;
    transport.start(this);
  }

  data(chunk: Uint8Array): boolean {
    return this.ends.readable.push(chunk);
  }

  drain(): void {
    this.ends.writable.drain();
  }

  end(): void {
    this.ends.readable.end();
  }

  close(error?: TransportError): void {
    this.closed = true;
    this.ends.closed(error);
  }
}

/** The streams of one socket. */
export class SocketEnds {
  readonly readable: ReadableEnd;
  readonly writable: WritableEnd;
  line: Line;
  readonly #owner: EndsOwner;
  #broken = false;

  /** Over this line, or over one of their own. */
  constructor(marks: HighWaterMarks, owner: EndsOwner, line?: Line) {
    this.#owner = owner;
    this.line = line ?? new Line(this);
    this.readable = new ReadableEnd(marks.readableBytes, {
      roomForMore: () => this.#resume(),
      readToEnd: () => owner.readToEnd(this.#broken),
      // The peer's FIN is still to be seen.
      cancelled: () => this.#resume(),
    });
    this.writable = new WritableEnd(marks.writableBytes, () => this.line.transport?.abort());
  }

  /** The transport is there. */
  open(transport: Transport): void {
    this.writable.open(transport);
    if (this.line.transport === undefined) this.line.open(transport);
    else {
      this.line.ends = this;
      transport.resume();
    }
  }

  /** There will be no connection. */
  fail(error: unknown): void {
    this.readable.fail(error);
    this.writable.fail(error);
  }

  /** The connection is gone; what has come can still be read. */
  closed(error: TransportError | undefined): void {
    this.#broken = error !== undefined;
    const lost = error === undefined
      ? new SocketError("use a socket: it was closed by this side")
      : socketErrorOf(error);
    // Unless the peer's FIN came first.
    this.readable.end(lost);
    if (this.#broken || this.writable.pending) this.writable.fail(lost);
    this.#owner.gone(this.#broken);
  }

  #resume(): void {
    if (this.line.ends === this) this.line.transport?.resume();
  }
}
