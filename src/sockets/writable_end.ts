/**
 * The writable side of a socket: chunks for a transport that may come later. It can be shut behind what was written
 * before, which is how a FIN of the peer and `startTls` end it.
 *
 * Used by `socket_ends.ts`.
 */
import { type ByteChunk, bytesOf } from "../core/bytes/byte_chunk.ts";
import { type Deferred, deferred } from "../core/deferred.ts";
import type { Transport } from "../core/transport.ts";
import type { SocketError } from "./socket_error.ts";

/** The stream and what it writes to. */
export class WritableEnd {
  readonly stream: WritableStream<ByteChunk>;
  readonly #aborted: () => void;
  #controller!: WritableStreamDefaultController;
  #transport: Transport | undefined = undefined;
  readonly #opened: Deferred = deferred();
  #drained: Deferred | undefined = undefined;
  /** Chunks that the stream was given, and those that it has handed on. */
  #given = 0;
  #written = 0;
  /** A write has not resolved. */
  #writing = false;
  #over = false;
  #lost: unknown = undefined;
  #shut: { readonly error: SocketError; readonly behind: number; readonly flushed: Deferred } | undefined =
    undefined;

  constructor(highWaterMark: number, aborted: () => void) {
    this.#aborted = aborted;
    this.stream = new WritableStream<ByteChunk>({
      start: (controller) => {
        this.#controller = controller;
        // At once: `abort` below is called only when the write under way is done, and the peer may take nothing.
        controller.signal.addEventListener("abort", () => this.#abort());
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#close(),
      abort: () => this.#abort(),
    }, {
      highWaterMark,
      size: (chunk) => {
        this.#given++;
        return chunk?.byteLength ?? 0;
      },
    });
  }

  /** Something that was written has not reached the kernel. */
  get pending(): boolean {
    return this.#writing || this.#written < this.#given;
  }

  open(transport: Transport): void {
    this.#transport = transport;
    this.#opened.resolve();
  }

  drain(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.resolve();
  }

  /** Takes no more: later writes fail with this error. Resolves when what was written so far has gone out. */
  shut(error: SocketError): Promise<void> {
    const flushed = deferred();
    this.#shut = { error, behind: this.#given, flushed };
    if (!this.pending) flushed.resolve();
    return flushed.promise;
  }

  /** It is over: what was written and has not gone out fails with this reason. */
  fail(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#controller.error(reason);
    this.#lose(reason);
  }

  #write(chunk: ByteChunk): void | Promise<void> {
    const bytes = bytesOf(chunk, "write to a socket");
    if (this.#shut !== undefined && this.#written >= this.#shut.behind) throw this.#shut.error;
    this.#written++;
    const transport = this.#transport;
    if (transport !== undefined && (bytes.length === 0 || transport.write(bytes))) return this.#wrote();
    this.#writing = true;
    return this.#later(bytes, transport);
  }

  async #later(bytes: Uint8Array, transport: Transport | undefined): Promise<void> {
    let taken = false;
    if (transport === undefined) {
      await this.#opened.promise;
      // Or it was closed in between.
      if (this.#over) throw this.#lost;
      taken = bytes.length === 0 || this.#transport!.write(bytes);
    }
    if (!taken) await (this.#drained = deferred()).promise;
    this.#writing = false;
    this.#wrote();
  }

  #wrote(): void {
    if (this.#shut?.behind === this.#written) this.#shut.flushed.resolve();
  }

  async #close(): Promise<void> {
    if (this.#shut !== undefined) return;
    await this.#opened.promise;
    this.#transport!.end();
  }

  #abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#lose(this.#controller.signal.reason);
    this.#aborted();
  }

  #lose(reason: unknown): void {
    this.#lost = reason;
    for (const wait of [this.#drained, this.#opened, this.#shut?.flushed]) wait?.reject(reason as Error);
  }
}
