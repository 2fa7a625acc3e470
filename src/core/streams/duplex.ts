/**
 * A transport as a pair of Web Streams, with the backpressure of both.
 *
 * For those who want bytes and no frames, and for the shape of the WinterTC sockets. The transport must not have been
 * started. Knows no framing, no queue beyond the streams' own, and no time.
 */
import { type ByteChunk, bytesOf } from "../bytes/byte_chunk.ts";
import { SocketError } from "../errors.ts";
import { OptionsCheck } from "../options.ts";
import type { SizeInput } from "../text/size.ts";
import type { Transport, TransportEvents } from "../transport.ts";

/** Both directions of one open connection. */
export interface Duplex {
  /**
   * What the peer sends, as a byte stream that supports BYOB readers. After cancelling it, what arrives is discarded.
   */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * What is sent to the peer. A write resolves when the kernel has all of it. Closing sends FIN, aborting sends RST.
   */
  readonly writable: WritableStream<ByteChunk>;
  /** Resolves when the descriptor is released; rejects with a `SocketError` when the connection broke. */
  readonly closed: Promise<void>;
}

/** Settings of {@linkcode toDuplex}. */
export interface DuplexOptions {
  /** Reading stops when this many bytes wait for the reader. @default 65_536 */
  readonly readableBytes?: SizeInput | undefined;
  /** `writer.ready` is pending while this many bytes wait for the kernel. @default 65_536 */
  readonly writableBytes?: SizeInput | undefined;
}

/**
 * Starts a transport and returns its two directions as Web Streams, without framing and limits.
 *
 * @example An echo of bytes, and a client, without frames
 * ```ts
 * import { detectAdapter, toDuplex } from "@millrace/millrace/adapter";
 *
 * const adapter = await detectAdapter();
 * const tuning = { noDelay: true, keepAlive: "system", tls: undefined } as const;
 * const listener = await adapter.listen({
 *   ...tuning,
 *   address: { transport: "tcp", host: "127.0.0.1", port: 0 },
 *   backlog: undefined,
 *   reusePort: false,
 *   ipv6Only: false,
 *   failed: (error) => console.error(error),
 * }, (transport) => {
 *   const { readable, writable } = toDuplex(transport);
 *   void readable.pipeTo(writable);
 * });
 *
 * const transport = await adapter.connect({ ...tuning, address: listener.address, signal: undefined });
 * const { readable, writable, closed } = toDuplex(transport);
 * const writer = writable.getWriter();
 * await writer.write(new TextEncoder().encode("hello"));
 * await writer.close();
 * console.log(await new Response(readable).text()); // hello
 * await closed;
 * await listener.stop();
 * ```
 *
 * @throws {OptionsError} `invalid`, for a size below 1
 */
export function toDuplex(transport: Transport, options: DuplexOptions = {}): Duplex {
  const check = new OptionsCheck();
  check.keys(options, ["readableBytes", "writableBytes"]);
  const readableBytes = check.size("readableBytes", options.readableBytes, 65_536);
  const writableBytes = check.size("writableBytes", options.writableBytes, 65_536);
  check.done();
  const ends = new DuplexEnds(transport);
  const readable = new ReadableStream(ends.source, { highWaterMark: readableBytes });
  const writable = new WritableStream<ByteChunk>(ends.sink, {
    highWaterMark: writableBytes,
    size: (chunk) => chunk?.byteLength ?? 0,
  });
  transport.start(ends);
  return { readable, writable, closed: ends.closed };
}

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

class DuplexEnds implements TransportEvents {
  readonly source: UnderlyingByteSource;
  readonly sink: UnderlyingSink<ByteChunk>;
  readonly closed: Promise<void>;
  readonly #transport: Transport;
  #reading: ReadableByteStreamController | undefined = undefined;
  #writing: WritableStreamDefaultController | undefined = undefined;
  #drained: Waiter | undefined = undefined;
  #closed: Waiter;
  #aborted = false;
  #over = false;

  constructor(transport: Transport) {
    this.#transport = transport;
    let waiter: Waiter;
    this.closed = new Promise((resolve, reject) => (waiter = { resolve, reject }));
    this.closed.catch(() => {});
    this.#closed = waiter!;
    this.source = {
      type: "bytes",
      start: (controller) => void (this.#reading = controller),
      pull: () => transport.resume(),
      cancel: () => this.#forget(),
    };
    this.sink = {
      start: (controller) => {
        this.#writing = controller;
        // At once: `abort` below is called only when the write under way is done, and the peer may take nothing.
        controller.signal.addEventListener("abort", () => this.#abort());
      },
      write: (chunk) => this.#write(chunk),
      close: () => transport.end(),
      abort: () => this.#abort(),
    };
  }

  data(chunk: Uint8Array): boolean {
    const reading = this.#reading;
    if (reading === undefined || chunk.length === 0) return true;
    reading.enqueue(owned(chunk));
    return (reading.desiredSize ?? 0) > 0;
  }

  drain(): void {
    const waiter = this.#drained;
    this.#drained = undefined;
    waiter?.resolve();
  }

  end(): void {
    const reading = this.#reading;
    this.#reading = undefined;
    if (reading === undefined) return;
    reading.close();
    // A BYOB reader that waits is answered only through its request.
    reading.byobRequest?.respond(0);
  }

  close(error?: SocketError): void {
    this.#over = true;
    const gone = error ?? this.#gone();
    this.#reading?.error(gone);
    this.#reading = undefined;
    // Where it was aborted, the writable knows already; Node breaks on hearing it again within the abort.
    if (!this.#aborted) this.#writing?.error(gone);
    this.#drained?.reject(gone);
    this.#drained = undefined;
    if (error === undefined) this.#closed.resolve();
    else this.#closed.reject(error);
  }

  #write(chunk: ByteChunk): void | Promise<void> {
    const bytes = bytesOf(chunk, "write to a connection");
    if (bytes.length === 0 || this.#transport.write(bytes)) return;
    if (this.#over) throw this.#gone();
    return new Promise((resolve, reject) => (this.#drained = { resolve, reject }));
  }

  #abort(): void {
    this.#aborted = true;
    this.#transport.abort();
  }

  #gone(): SocketError {
    return this.#aborted
      ? new SocketError("aborted", "use a connection: it was aborted")
      : new SocketError("closed", "use a connection: it is closed");
  }

  /** The peer's FIN is still to be seen, so reading goes on. */
  #forget(): void {
    this.#reading = undefined;
    this.#transport.resume();
  }
}

/** A byte stream takes the whole buffer of a chunk, which may hold other chunks too: then it gets a copy. */
function owned(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = chunk;
  const alone = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return alone && chunk.constructor === Uint8Array ? chunk as Uint8Array<ArrayBuffer> : new Uint8Array(chunk);
}
