/**
 * The readable side of a socket: a byte stream that is given what came when somebody reads, and hears of the end behind
 * the last byte. So it is known when a reader has seen the end.
 *
 * Used by `socket_ends.ts`. What is waiting is bounded by the limit and one chunk.
 */
import { Fifo } from "../core/bytes/fifo.ts";

/** Who owns it. */
interface ReadableOwner {
  /** A reader waits, or there is room again. */
  roomForMore(): void;
  /** A reader has read to the end, or to where the connection broke. */
  readToEnd(): void;
  /** Nobody reads any more. */
  cancelled(): void;
}

/** The stream and what waits for its reader. */
export class ReadableEnd {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #owner: ReadableOwner;
  readonly #limit: number;
  readonly #waiting = new Fifo<Uint8Array>();
  #controller!: ReadableByteStreamController;
  /** What a BYOB reader had no room for. */
  #rest: Uint8Array | undefined = undefined;
  #bytes = 0;
  /** A reader waits. */
  #wanted = false;
  /** `push` has said that no more should come. */
  #stopped = false;
  #ending: { readonly error: unknown } | undefined = undefined;
  #over = false;

  constructor(limit: number, owner: ReadableOwner) {
    this.#limit = limit;
    this.#owner = owner;
    // Nothing is kept in the stream itself: `pull` means that a reader waits.
    this.stream = new ReadableStream({
      type: "bytes",
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pull(),
      cancel: () => {
        this.#forget();
        owner.cancelled();
      },
    }, { highWaterMark: 0 });
  }

  /** Bytes wait that nobody has read. */
  get unread(): boolean {
    return this.#bytes > 0;
  }

  /** Takes a chunk; false when no more should come. */
  push(chunk: Uint8Array): boolean {
    if (this.#over || chunk.length === 0) return true;
    this.#bytes += chunk.length;
    if (this.#wanted) this.#give(chunk);
    else this.#waiting.push(chunk);
    return !(this.#stopped = this.#bytes >= this.#limit);
  }

  /** No more comes; with an error, because the connection broke. Readers hear of it behind what waits. */
  end(error?: unknown): void {
    this.#ending ??= { error };
    if (this.#wanted) this.#finish();
  }

  /** As a cancelled stream looks: it ends now, and what waits is discarded. */
  close(): void {
    if (this.#over) return;
    this.#forget();
    this.#controller.close();
    // A BYOB reader that waits is answered only through its request.
    this.#controller.byobRequest?.respond(0);
  }

  fail(error: unknown): void {
    if (this.#over) return;
    this.#forget();
    this.#controller.error(error);
  }

  #pull(): void {
    if (this.#over) return;
    const rest = this.#rest;
    if (rest !== undefined) {
      this.#rest = undefined;
      this.#give(rest);
    } else if (this.#waiting.length > 0) this.#give(this.#waiting.take());
    else if (this.#ending !== undefined) return this.#finish();
    else this.#wanted = true;
    if (!this.#wanted && (!this.#stopped || this.#bytes >= this.#limit)) return;
    this.#stopped = false;
    this.#owner.roomForMore();
  }

  #give(chunk: Uint8Array): void {
    this.#wanted = false;
    const request = this.#controller.byobRequest;
    const view = request?.view;
    if (request == null || view == null) {
      this.#bytes -= chunk.length;
      return this.#controller.enqueue(owned(chunk));
    }
    const size = Math.min(view.byteLength, chunk.length);
    new Uint8Array(view.buffer, view.byteOffset, size).set(chunk.subarray(0, size));
    this.#bytes -= size;
    if (size < chunk.length) this.#rest = chunk.subarray(size);
    request.respond(size);
  }

  #finish(): void {
    const { error } = this.#ending!;
    if (error === undefined) this.close();
    else this.fail(error);
    this.#owner.readToEnd();
  }

  #forget(): void {
    this.#over = true;
    this.#waiting.clear();
    this.#rest = undefined;
    this.#bytes = 0;
  }
}

/** A byte stream takes the whole buffer of a chunk, which may hold other chunks too: then it gets a copy. */
function owned(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = chunk;
  const alone = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return alone && chunk.constructor === Uint8Array ? chunk as Uint8Array<ArrayBuffer> : new Uint8Array(chunk);
}
