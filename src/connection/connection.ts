/** A framed connection as users see it. `session_connection.ts` is what implements it. */
import type { Unshared } from "../core/bytes/byte_chunk.ts";
import type { SendOutcome } from "../core/flow/outcome.ts";
import type { Peer } from "../core/transport.ts";
import type { TerminationRecord } from "./termination.ts";
import type { UpgradeOptions } from "./tls/options.ts";

/**
 * A framed connection, from `serve`'s handler or from `connect`.
 *
 * @typeParam Received what iterating gives, decided by the framing
 * @typeParam Sent what `send` takes
 * @typeParam Context the user's own value
 */
export interface Connection<Received, in Sent = Received, Context = undefined>
  extends AsyncIterable<Received>, AsyncDisposable {
  /** Your own value: what the option `context` made, or whatever you put here. */
  context: Context;

  /** Unique over processes, and sorts by the time of connecting. */
  readonly id: string;

  /** Both addresses, and what TLS agreed on. */
  readonly peer: Peer;

  /** Where it is in its life; see {@linkcode ConnectionState}. */
  readonly state: ConnectionState;

  /** Wall-clock time of the start, in milliseconds since 1970. */
  readonly startedAt: number;

  /** Counters so far. */
  stats(): ConnectionStats;

  /**
   * Frames in order. The loop ends when the peer has sent FIN, when the server drains (both at a frame boundary), and
   * when you call `close()` yourself. Everything else that ends the connection is an error, after the frames received
   * before: a `FrameError`, `SocketError` or `TimeoutError`, which is the cause in the record where that has one, and
   * otherwise a `SocketError` `aborted`, as after `destroy()`, `server.destroy()` and a deadline that has passed.
   * It is thrown once; a handler that lets it pass has not failed. Breaking out of the loop leaves the connection open
   * and the rest of the frames in place; so does `return()` of the iterator while its `next()` waits, which then is done.
   * One loop at a time.
   */
  [Symbol.asyncIterator](): AsyncIterator<Received, undefined>;

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
  batches(): AsyncIterable<Received[]>;

  /**
   * Queues one frame; it leaves with the others of this turn. Returns nothing while there is room and a promise
   * when the peer is slow, so it is always right to `await`. At `egressLimit`, 1 MiB by default, `egressPolicy` decides.
   *
   * When `send` returns, the memory of the frame is yours again, whatever its size and whatever was returned: what the
   * kernel has not taken by then has been copied.
   *
   * @throws {FrameError} at once, for a frame that the framing cannot write; any other error rejects
   */
  send(frame: Sent): void | Promise<void>;

  /**
   * Sends, and resolves with what became of the frame: in the kernel, dropped by a policy, or failed.
   * Rejects only for a frame that the framing cannot write. The frame's memory is yours again when `deliver` returns.
   */
  deliver(frame: Sent): Promise<SendOutcome>;

  /** Resolves when everything sent so far is in the kernel; rejects when the connection ends before. */
  flush(): Promise<void>;

  /**
   * Secures the connection (STARTTLS): what was sent is flushed, then comes the handshake, and everything after it
   * is under TLS. A server gives `cert` and `key`, or `certificates`; a client what it gives to `connect` as `tls`. To be
   * called as the answer to the frame that asks for it, before the next one is awaited: a frame, or part of one, that has
   * come behind that one in the clear is never delivered, it ends the connection (`TlsError`, reason `injected`), as
   * does a handshake that fails. Until it resolves, sending is refused (`TlsError`, reason `upgrading`), nothing is
   * received, idle times do not run, and `end` and `close` wait for it. `framing` may change.
   *
   * @throws {OptionsError} where `upgradable` was not set, and for a second call
   * @throws {TlsError} when the handshake fails, and `injected`
   */
  upgrade<NewReceived = Received, NewSent = NewReceived>(
    options: UpgradeOptions<NewReceived, NewSent>,
  ): Promise<Connection<NewReceived, NewSent, Context>>;

  /**
   * Half-close ([RFC 9293](https://www.rfc-editor.org/rfc/rfc9293#section-3.6)): what was sent is flushed, then FIN. Receiving goes
   * on. Sending after this rejects.
   */
  end(): void;

  /**
   * Finish: frames not yet taken from the loop are dropped, what was sent is delivered, FIN, and a wait for the peer's
   * FIN. `closeTimeout` and `lingerTimeout` limit how long either may stand still. `message` goes into the record.
   * Idempotent.
   */
  close(message?: string): Promise<TerminationRecord>;

  /**
   * Drops the connection at once: RST where the runtime can, nothing held is sent. The record's reason is `aborted`, or
   * `killed` where `why` is given, which goes into it. Idempotent.
   */
  destroy(why?: { readonly reason?: string | undefined; readonly code?: string | undefined }): void;

  /** Aborted when the server drains, or when this connection ends: finish what you are doing. */
  readonly signal: AbortSignal;

  /** Resolves, and never rejects, with the record of how it ended. */
  readonly closed: Promise<TerminationRecord>;

  /**
   * The frames as a Web Stream, which ends or fails as the loop does, also when nobody reads it. Shares the inbox with the
   * loop: use one of the two. Cancelling it closes the connection.
   */
  readonly readable: ReadableStream<Unshared<Received>>;

  /**
   * Frames to send, as a Web Stream with the outbox's backpressure. Closing it half-closes, aborting it drops the
   * connection at once. It fails as soon as nothing can be sent any more, so that what is piped into it is cancelled.
   * The `signal` of `pipeTo` waits for the write under way, as the standard has it: where the peer takes nothing,
   * `abort()` of the writer or `destroy()` of the connection is what ends it.
   */
  readonly writable: WritableStream<Sent>;

  /** Closes, at the end of `await using`: as `close()`, so what was sent is delivered first. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Counters of one connection. */
export interface ConnectionStats {
  /** Bytes that came from the peer. */
  readonly bytesReceived: number;
  /** Bytes that the kernel took. */
  readonly bytesSent: number;
  /** Whole frames that were cut out of them. */
  readonly framesReceived: number;
  /** Frames that the kernel took whole. */
  readonly framesSent: number;
  /** Frames given up by a drop policy. */
  readonly framesDropped: number;
  /** Frames that wait for the handler; at most about 1,024 are cut before they are asked for, what is behind them is bytes. */
  readonly inboxFrames: number;
  /** Bytes that wait for the peer. */
  readonly outboxBytes: number;
  /** Milliseconds since the start. */
  readonly ageMs: number;
}

/** Life of a connection. `draining`: finishing what it has; `closing`: flushed, FIN sent, waiting for the peer's. */
export type ConnectionState = "open" | "draining" | "closing" | "closed";
