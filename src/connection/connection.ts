/** A framed connection as users see it. `session_connection.ts` is what implements it. */
import type { Unshared } from "../core/bytes/byte_chunk.ts";
import type { SendOutcome } from "../core/flow/outcome.ts";
import type { Framing } from "../core/framing/framing.ts";
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
  /** Your own value: what the option `context` returned, or whatever you assign. */
  context: Context;

  /** Unique across processes; ids sort by connection time. */
  readonly id: string;

  /** Both addresses, what TLS negotiated, and the proxy that it came through. */
  readonly peer: Peer;

  /** Its protocol, as named in the server's `firstBytes.protocols`; undefined for the server's own, and on a client. */
  readonly protocol: string | undefined;

  /** Where it is in its life; see {@linkcode ConnectionState}. */
  readonly state: ConnectionState;

  /** Wall-clock time of the start, in milliseconds since 1970. */
  readonly startedAt: number;

  /** The counters at this moment. */
  stats(): ConnectionStats;

  /**
   * Frames in order. The loop ends when the peer has sent FIN, when the server drains (both at a frame boundary), and
   * when you call `close()`. Everything else that ends the connection is an error, thrown after the frames received
   * before it: a `FrameError`, `SocketError` or `TimeoutError`, which is also `error` in the termination record; or a
   * `SocketError` `aborted` after `destroy()`, `server.destroy()` or a deadline. It is thrown once; a handler that
   * lets it propagate has not failed. Breaking out of the loop leaves the connection open and the remaining frames in
   * place; so does calling `return()` of the iterator while `next()` is pending, which then resolves as done. One
   * loop at a time.
   */
  [Symbol.asyncIterator](): AsyncIterator<Received, undefined>;

  /**
   * The same frames in arrays. Each array has all frames that are available when it is asked for, usually those of
   * one chunk from the peer, and at most 1,024. A step of a loop costs a promise or two regardless of how much it
   * returns, so use this loop for many small frames. Order, ends and errors are those of the frame loop, and a batch
   * is never empty. Backpressure works the same way, by asking for the next batch; still await what `send` returns.
   * One loop at a time, of either kind. Breaking out leaves frames that are not in a batch yet in place.
   *
   * {@linkcode upgrade} requires the frame that asks for it to be the only one of its batch, because frames after it
   * arrived in plaintext.
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
   * Queues one frame; it is sent together with the others of this turn. Returns nothing while there is room, and a
   * promise when the peer is slow, so it is always safe to `await`. At `egressLimit`, 1 MiB by default,
   * `egressPolicy` decides.
   *
   * When `send` returns, you may reuse the memory of the frame, whatever its size and whatever was returned: data
   * that the kernel has not accepted yet has been copied.
   *
   * @throws {FrameError} immediately, for a frame that the framing cannot write; any other error rejects
   */
  send(frame: Sent): void | Promise<void>;

  /**
   * Sends, and resolves with the outcome of the frame: handed to the kernel, dropped by a policy, or failed. Rejects
   * only for a frame that the framing cannot write. You may reuse the memory of the frame when `deliver` returns.
   */
  deliver(frame: Sent): Promise<SendOutcome>;

  /** Resolves when everything sent so far has reached the kernel; rejects when the connection ends before that. */
  flush(): Promise<void>;

  /**
   * Upgrades the connection to TLS (STARTTLS): frames sent before are flushed, then the handshake runs, and
   * everything after it is encrypted. A server passes `cert` and `key`, or `certificates`; a client passes what it
   * would give to `connect` as `tls`. Call it in response to the frame that asks for it, before awaiting the next
   * one. A frame, or part of one, that arrived in plaintext after that frame is never delivered: it ends the
   * connection (`TlsError` `injected`), and so does a handshake that fails. Until it resolves, sending is rejected
   * (`TlsError` `upgrading`), nothing is received, idle timeouts are suspended, and `end` and `close` wait for it.
   * `framing` may change.
   *
   * @throws {OptionsError} where `upgradable` was not set, and for a second call
   * @throws {TlsError} when the handshake fails, and `injected`
   */
  upgrade<NewReceived = Received, NewSent = NewReceived>(
    options: UpgradeOptions<NewReceived, NewSent>,
  ): Promise<Connection<NewReceived, NewSent, Context>>;

  /**
   * Puts another framing in the place of the connection's own, behind the last frame that was handed over: to `onFrame`,
   * to a loop, or to `readable`. Everything received behind that frame is kept, and cut by the new framing with its own
   * limits; so it does not matter how the network split it. Frames sent before leave as they are, and later ones are
   * written by the new framing. Needs `reframable`.
   *
   * Call it in `onFrame`, or in the loop before you ask for the next frame: one that has been asked for is cut by the
   * old framing as soon as it is complete. Returns this connection with the new types; the old name of it still works, and
   * has the wrong types. Offsets in a `FrameError` count from where its framing began.
   *
   * @example Lines until one of them asks for frames with a length
   * ```ts
   * import { lengthField, lines, serve } from "@millrace/millrace";
   *
   * await using server = await serve({
   *   port: 0,
   *   framing: lines({ encoding: "utf-8" }),
   *   reframable: true,
   *   handler: async (connection) => {
   *     for await (const line of connection) {
   *       if (line === "BINARY") break;
   *     }
   *     const binary = connection.reframe(lengthField({ lengthBytes: 4, strip: 4 }), { last: true });
   *     for await (const frame of binary) await binary.send(frame);
   *   },
   * });
   * ```
   *
   * @throws {OptionsError} `conflict` where `reframable` was not set, or after a call with `last`; `invalid` for an
   * invalid framing
   * @throws {SocketError} `closed`, once the connection is closing
   * @throws {TlsError} `upgrading`, while `upgrade` runs, which takes a framing itself
   */
  reframe<NewReceived, NewSent = NewReceived>(
    framing: Framing<NewReceived, NewSent>,
    options?: ReframeOptions<NewReceived, NewSent, Context>,
  ): Connection<NewReceived, NewSent, Context>;

  /**
   * Half-close ([RFC 9293](https://www.rfc-editor.org/rfc/rfc9293#section-3.6)): flushes what was sent, then sends
   * FIN. Receiving continues. Sending after this rejects.
   */
  end(): void;

  /**
   * Closes gracefully: drops frames that the loop has not taken, delivers what was sent, sends FIN and waits for the
   * peer's FIN. `closeTimeout` and `lingerTimeout` limit how long either wait may go without progress. `message` goes
   * into the record. Idempotent.
   */
  close(message?: string): Promise<TerminationRecord>;

  /**
   * Drops the connection at once: with RST where the runtime supports it, and without sending what is queued. The
   * reason in the record is `aborted`, or `killed` with `why`. Idempotent.
   */
  destroy(why?: { readonly reason?: string | undefined; readonly code?: string | undefined }): void;

  /** Aborted when the server drains, or when this connection ends: finish what you are doing. */
  readonly signal: AbortSignal;

  /** Resolves, and never rejects, with the record of how it ended. */
  readonly closed: Promise<TerminationRecord>;

  /**
   * The frames as a Web Stream, which ends or fails as the loop does, even if it is not being read. It shares its
   * queue with the loop: use one of the two. Cancelling it closes the connection.
   */
  readonly readable: ReadableStream<Unshared<Received>>;

  /**
   * Frames to send, as a Web Stream with the backpressure of `send`. Closing it half-closes the connection, aborting
   * it drops the connection at once. It fails as soon as nothing can be sent any more, which cancels a stream that is
   * piped into it. The `signal` of `pipeTo` waits for the pending write, as the standard requires: if the peer does
   * not read, use `abort()` of the writer or `destroy()` of the connection.
   */
  readonly writable: WritableStream<Sent>;

  /** At the end of `await using`: the same as `close()`, so what was sent is delivered first. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Options of `connection.reframe`. */
export interface ReframeOptions<Received, Sent = Received, Context = undefined> {
  /**
   * Called with the frames of the new framing, in place of the `onFrame` that the connection has; only for a connection
   * that has one. Without it, that one is called, and has to be able to take frames of the new type.
   */
  readonly onFrame?:
    | ((frame: Received, connection: Connection<Received, Sent, Context>) => void | Promise<void>)
    | undefined;
  /**
   * The framing does not change again: from now on frames are cut ahead of a loop, and `batches()` has several, as on a
   * connection that is not `reframable`. @default false
   */
  readonly last?: boolean | undefined;
}

/** Counters of one connection. */
export interface ConnectionStats {
  /** Bytes received. */
  readonly bytesReceived: number;
  /** Bytes handed to the kernel. */
  readonly bytesSent: number;
  /** Complete frames received. */
  readonly framesReceived: number;
  /** Frames handed to the kernel completely. */
  readonly framesSent: number;
  /** Frames dropped by the egress policy. */
  readonly framesDropped: number;
  /** Frames waiting for the handler: at most about 1,024 are cut ahead, the rest is kept as bytes. */
  readonly inboxFrames: number;
  /** Bytes waiting to be sent. */
  readonly outboxBytes: number;
  /** Bytes that its buffers hold: frames waiting for the handler, an incomplete frame, and bytes waiting to be sent. */
  readonly heldBytes: number;
  /** Milliseconds since the start. */
  readonly ageMs: number;
}

/** Life of a connection. `draining`: finishing what it has; `closing`: flushed, FIN sent, waiting for the peer's. */
export type ConnectionState = "open" | "draining" | "closing" | "closed";
