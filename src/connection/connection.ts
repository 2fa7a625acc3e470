/**
 * One framed connection as users see it, on a server as on a client: iterate it for frames, `send` to answer.
 *
 * A thin face over `session.ts`, which has the life; this file has the words.
 */
import type { Unshared } from "../core/bytes/byte_chunk.ts";
import type { SendOutcome } from "../core/flow/outcome.ts";
import type { Peer } from "../core/transport.ts";
import type { ConnectionState, ConnectionStats } from "./connection_options.ts";
import { readableOf, writableOf } from "./connection_streams.ts";
import { InboxReader, oneFrame, waitingFrames } from "./inbox_reader.ts";
import type { Session } from "./session.ts";
import type { TerminationRecord } from "./termination.ts";
import { upgrade, type UpgradeOptions } from "./tls/upgrade.ts";

/**
 * A framed connection, from `serve`'s handler or from `connect`.
 *
 * @typeParam Received what iterating gives, decided by the framing
 * @typeParam Sent what `send` takes
 * @typeParam Context the user's own value
 */
export class Connection<Received, Sent = Received, Context = undefined>
  implements AsyncIterable<Received>, AsyncDisposable {
  readonly #session: Session<Received, Sent, Context>;
  #abort: AbortController | undefined = undefined;
  #closed: Promise<TerminationRecord> | undefined = undefined;
  #settle: ((record: TerminationRecord) => void) | undefined = undefined;
  #readable: ReadableStream<Unshared<Received>> | undefined = undefined;
  #writable: WritableStream<Sent> | undefined = undefined;
  /** Your own value: what the option `context` made, or whatever you put here. */
  context: Context = undefined as Context;

  /** Connections come from `serve` and `connect`. */
  constructor(session: Session<Received, Sent, Context>) {
    this.#session = session;
  }

  /** Unique over processes, and sorts by the time of connecting. */
  get id(): string {
    return this.#session.id;
  }

  /** Both addresses, and what TLS agreed on. */
  get peer(): Peer {
    return this.#session.transport.peer;
  }

  /** Where it is in its life; see {@linkcode ConnectionState}. */
  get state(): ConnectionState {
    return this.#session.state;
  }

  /** Wall-clock time of the start, in milliseconds since 1970. */
  get startedAt(): number {
    return this.#session.startedAt;
  }

  /** Counters so far. */
  stats(): ConnectionStats {
    const { pipeline, outbox, delivery, ageMs } = this.#session;
    return {
      bytesReceived: pipeline.bytesReceived,
      bytesSent: outbox.bytesSent,
      framesReceived: pipeline.framesReceived,
      framesSent: outbox.framesSent,
      framesDropped: outbox.framesDropped,
      inboxFrames: delivery.inbox.length,
      outboxBytes: outbox.pending,
      ageMs,
    };
  }

  /**
   * Frames in order. The loop ends when the peer has sent FIN, when the server drains (both at a frame boundary), and
   * when you call `close()` yourself. Everything else that ends the connection is an error, after the frames received
   * before: a `FrameError`, `SocketError` or `TimeoutError`, which is the cause in the record where that has one, and
   * otherwise a `SocketError` `aborted`, as after `destroy()`, `server.destroy()` and a deadline that has passed.
   * It is thrown once; a handler that lets it pass has not failed. Breaking out of the loop leaves the connection open
   * and the rest of the frames in place; so does `return()` of the iterator while its `next()` waits, which then is done.
   * One loop at a time.
   */
  [Symbol.asyncIterator](): AsyncIterator<Received, undefined> {
    return new InboxReader(this.#session, oneFrame);
  }

  /**
   * The same frames in arrays: each has all that are there when it is asked for, which is most often what one chunk from
   * the peer held, and never more than 1,024. A step of a loop costs a promise or two, whatever it brings, so this is the
   * loop for many small frames. Order, ends and errors are those of the frame loop, and a batch is never empty. The peer is
   * held back in the same way, by asking for the next batch; awaiting what `send` returns is still due where it returns
   * something. One loop at a time, of either kind. Breaking out leaves what is in no batch yet in place.
   *
   * {@linkcode upgrade} wants the frame that asks for it to be the only one of its batch, since those behind it came in
   * the clear.
   *
   * @example Answer in runs
   * ```ts
   * import { lines, serve } from "millrace";
   *
   * const server = await serve({
   *   port: 0,
   *   framing: lines(),
   *   handler: async (connection) => {
   *     for await (const frames of connection.batches()) {
   *       for (const frame of frames) {
   *         const slow = connection.send(frame);
   *         if (slow !== undefined) await slow;
   *       }
   *     }
   *   },
   * });
   * await server.close();
   * ```
   */
  batches(): AsyncIterable<Received[]> {
    const session = this.#session;
    return { [Symbol.asyncIterator]: () => new InboxReader(session, waitingFrames) };
  }

  /**
   * Queues one frame; it leaves with the others of this turn. Returns nothing while there is room and a promise
   * when the peer is slow, so it is always right to `await`. Rejects when the connection is over. Throws what
   * the framing throws for a frame it cannot write. At `egressLimit`, `egressPolicy` decides.
   *
   * When `send` returns, the memory of the frame is yours again, whatever its size and whatever was returned: what the
   * kernel has not taken by then has been copied.
   */
  send(frame: Sent): void | Promise<void> {
    return this.#session.send(frame);
  }

  /**
   * Sends, and resolves with what became of the frame (F-67): in the kernel, dropped by a policy, or failed.
   * Rejects only for a frame that the framing cannot write. The frame's memory is yours again when `deliver` returns.
   */
  deliver(frame: Sent): Promise<SendOutcome> {
    return new Promise((resolve) => void this.#session.send(frame, resolve));
  }

  /** Resolves when everything sent so far is in the kernel; rejects when the connection ends before. */
  flush(): Promise<void> {
    return this.#session.whenFlushed();
  }

  /**
   * Secures the connection (STARTTLS, F-34): what was sent is flushed, then comes the handshake, and everything after it
   * is under TLS. A server gives `cert` and `key`, or `certificates`; a client what it gives to `connect` as `tls`. To be
   * called as the answer to the frame that asks for it, before the next one is awaited: a frame, or part of one, that has
   * come behind that one in the clear is never delivered, it ends the connection (`TlsError`, reason `injected`), as
   * does a handshake that fails. Until it resolves, sending is refused (`TlsError`, reason `upgrading`), nothing is
   * received, idle times do not run, and `end` and `close` wait for it. `framing` may change. Throws `OptionsError`
   * where `upgradable` was not set, and for a second call.
   */
  upgrade<NewReceived = Received, NewSent = NewReceived>(
    options: UpgradeOptions<NewReceived, NewSent>,
  ): Promise<Connection<NewReceived, NewSent, Context>> {
    const secured = upgrade(this.#session, options as unknown as UpgradeOptions<Received, Sent>)
      .then(() => this as unknown as Connection<NewReceived, NewSent, Context>);
    // A peer must not be able to end the process of somebody who does not await.
    secured.catch(() => {});
    return secured;
  }

  /** Half-close (F-47): what was sent is flushed, then FIN. Receiving goes on. Sending after this rejects. */
  end(): void {
    this.#session.life.end();
  }

  /**
   * Finish: frames not yet taken from the loop are given up, what was sent is delivered, FIN, and a wait for the peer's
   * FIN. `closeTimeout` and `lingerTimeout` limit how long either may stand still. `message` goes into the record.
   * Idempotent.
   */
  close(message?: string): Promise<TerminationRecord> {
    this.#session.life.finish("closed", "local", undefined, message);
    return this.closed;
  }

  /**
   * Drops the connection at once: RST where the runtime can, nothing held is sent. The record's reason is `aborted`, or
   * `killed` where `why` is given, which goes into it. Idempotent.
   */
  destroy(why?: { readonly reason?: string | undefined; readonly code?: string | undefined }): void {
    if (why === undefined) this.#session.life.destroy("aborted");
    else this.#session.life.destroy("killed", { message: why.reason, code: why.code });
  }

  /** Aborted when the server drains, or when this connection ends: finish what you are doing. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = this.#abort = new AbortController();
      this.#session.life.onSignal(() => abort.abort());
    }
    return this.#abort.signal;
  }

  /** Resolves, and never rejects, with the record of how it ended. */
  get closed(): Promise<TerminationRecord> {
    const { record } = this.#session;
    return this.#closed ??= record !== undefined ? Promise.resolve(record) : new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /**
   * The frames as a Web Stream, which ends or fails as the loop does, also when nobody reads it. Shares the inbox with the
   * loop: use one of the two. Cancelling it closes the connection.
   */
  get readable(): ReadableStream<Unshared<Received>> {
    return this.#readable ??= readableOf(this.#session, this.closed, () => void this.close());
  }

  /**
   * Frames to send, as a Web Stream with the outbox's backpressure. Closing it half-closes, aborting it drops the
   * connection at once. It fails as soon as nothing can be sent any more, so that what is piped into it is cancelled.
   * The `signal` of `pipeTo` waits for the write under way, as the standard has it: where the peer takes nothing,
   * `abort()` of the writer or `destroy()` of the connection is what ends it.
   */
  get writable(): WritableStream<Sent> {
    return this.#writable ??= writableOf(this.#session, () => this.destroy());
  }

  /** Closes, at the end of `await using`: as `close()`, so what was sent is delivered first. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For the session, once. */
  settle(record: TerminationRecord): void {
    this.#settle?.(record);
  }
}
