/**
 * What a caller may say about each connection, on a server as on a client, and what goes inward: one
 * checked record of plain numbers.
 */
import type { Diagnosis } from "../core/framing/diagnosis.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { FrameError } from "../core/errors.ts";
import type { Framing } from "../core/framing/framing.ts";
import type { EgressPolicy } from "../core/flow/outcome.ts";
import type { KeepaliveWriterOptions } from "../core/streams/keepalive_writer.ts";
import type { RateLimits } from "../core/streams/rate_limiter.ts";
import type { SizeInput } from "../core/text/size.ts";
import type { Connection } from "./connection.ts";
import type { TerminationRecord } from "./termination.ts";

/** Settings of every connection of a server or a client. */
export interface ConnectionOptions<Received, Sent = Received, Context = undefined> {
  /** How bytes are cut into frames, and frames written as bytes. It decides the type of a frame. */
  readonly framing: Framing<Received, Sent>;
  /**
   * Close when nothing was read and nothing written for this long; `Infinity` for no limit.
   * @default "5 minutes"
   */
  readonly idleTimeout?: DurationInput | undefined;
  /** Close when nothing was read for this long. @default Infinity */
  readonly readIdleTimeout?: DurationInput | undefined;
  /** Close when nothing was written for this long. @default Infinity */
  readonly writeIdleTimeout?: DurationInput | undefined;
  /** Close when the first frame is not complete this long after the connection opened. @default Infinity */
  readonly firstFrameTimeout?: DurationInput | undefined;
  /** Close when a frame that has begun is not complete after this long, however the bytes trickle. @default "30 seconds" */
  readonly frameTimeout?: DurationInput | undefined;
  /**
   * How long a connection that is closing, by us or by the peer's FIN, may make no progress: each byte that the kernel
   * takes begins the wait anew, as does each frame that the handler takes. (A kernel takes more once a third of its buffer
   * is free, some hundred kB at times: mind that for very slow peers.) Then it is dropped (RST), what it still owed is counted in the record, and the reason is
   * `close_timeout`, unless a fault was the first cause. `Infinity` leaves the end to you. @default "30 seconds"
   */
  readonly closeTimeout?: DurationInput | undefined;
  /**
   * How long to wait for the peer's FIN after ours without hearing from it. What it still sends is discarded and begins
   * the wait anew, so that it can read to the end what it was sent: from `closeTimeout` on only where it has come at 1 kB a
   * second on average, and never where nothing was sent or the peer ran out of time. `destroy` does not wait. Then the descriptor is closed in the ordinary way: the kernel goes on delivering what it has taken.
   * @default "2 seconds"
   */
  readonly lingerTimeout?: DurationInput | undefined;
  /** Bytes sent whenever nothing was written for `interval`, always between two frames. @default none */
  readonly keepalive?: KeepaliveWriterOptions | undefined;
  /** Reading stops when received frames that wait for the handler make up more than this many bytes. @default 262_144 */
  readonly ingressLimit?: SizeInput | undefined;
  /**
   * The most bytes that may wait for a slow peer; then `egressPolicy` decides. A burst of one turn is not the peer's
   * slowness: where the kernel answers late (Deno, and TLS on all but Bun's own), up to 4 MiB more wait for its answer,
   * for 100 ms at most. @default 1_048_576
   */
  readonly egressLimit?: SizeInput | undefined;
  /** What happens to a frame that does not fit: see {@linkcode EgressPolicy}. @default "wait" */
  readonly egressPolicy?: EgressPolicy | undefined;
  /** The most a peer may send; over it, reading pauses. @default Infinity */
  readonly rateLimit?: RateLimits | undefined;
  /**
   * After the peer's FIN, stay open for sending, until `end()` or `close()`, or until nothing has moved for `closeTimeout`.
   * For `onFrame`, and for connections of `connect`, whose loop has ended then; a server's `handler` decides itself when it
   * is done, so that beside one this is refused. @default false
   */
  readonly allowHalfOpen?: boolean | undefined;
  /** Send small writes at once (TCP_NODELAY). @default true */
  readonly noDelay?: boolean | undefined;
  /**
   * The OS's own TCP keepalive: off, on with this delay to the first probe, on with the delay of the system (`true`; two
   * hours on Linux), or off and on as the system has it. Sockets of Deno take no delay, so there one is refused, and the
   * default is `true`. @default "30 seconds"
   */
  readonly tcpKeepAlive?: boolean | "system" | DurationInput | undefined;
  /** The connection begins in the clear and can be secured with `connection.upgrade` (STARTTLS). @default false */
  readonly upgradable?: boolean | undefined;
  /** Makes the value of `connection.context`, once per connection, before `onConnect`. */
  readonly context?: ((connection: Connection<Received, Sent, undefined>) => Context) | undefined;

  /**
   * Takes one frame at a time, in order, called synchronously. A promise that it returns holds back the next frame of this
   * connection, whatever it waits for: that of `send` for this peer, that of a server's `broadcast` for the slowest of all,
   * for which reason there is `publish`.
   */
  readonly onFrame?: OnFrame<Received, Sent, Context> | undefined;
  /** Called once, before the first frame. What it throws ends the connection with reason `handler_error`. */
  readonly onConnect?: ((connection: Connection<Received, Sent, Context>) => void) | undefined;
  /**
   * Called once, when the first bytes have arrived and before the first frame or fault in them; never for a connection
   * that ends without any. What it throws ends the connection with reason `handler_error`.
   */
  readonly onFirstByte?: ((connection: Connection<Received, Sent, Context>) => void) | undefined;
  /** The one notice of a connection's end. */
  readonly onDisconnect?:
    | ((record: TerminationRecord, connection: Connection<Received, Sent, Context>) => void)
    | undefined;
  /** A frame could not be cut; with a framing that skips, the connection goes on. */
  readonly onFrameError?:
    | ((error: FrameError, connection: Connection<Received, Sent, Context>) => void)
    | undefined;
  /**
   * Called at most once, when frames can be cut from a stream that begins as another well-known protocol does: HTTP on
   * `lines()`, say. Where no frame can be cut, the error has it in `looksLike`. Not called for `raw()`.
   */
  readonly onOtherProtocol?:
    | ((found: Diagnosis, connection: Connection<Received, Sent, Context>) => void)
    | undefined;
  /** A handler or hook threw (`error` is what it threw), or a connection broke. Only that connection ends. */
  readonly onError?:
    | ((error: unknown, connection: Connection<Received, Sent, Context>) => void)
    | undefined;
}

/** Called with each frame. */
export type OnFrame<Received, Sent, Context> = (
  frame: Received,
  connection: Connection<Received, Sent, Context>,
) => void | Promise<void>;

/**
 * Runs once per connection; when the promise it returns is over, the connection is flushed and closed. A plain
 * function that returns nothing leaves the connection open.
 */
export type Handler<Received, Sent, Context> = (
  connection: Connection<Received, Sent, Context>,
) => void | Promise<void>;

/** Rates of one connection over the last whole second. */
export interface ConnectionRates {
  /** Bytes from the peer. */
  readonly bytesReceivedPerSecond: number;
  /** Bytes that the kernel took. */
  readonly bytesSentPerSecond: number;
  /** Whole frames from the peer. */
  readonly framesReceivedPerSecond: number;
  /** Frames that the kernel took whole. */
  readonly framesSentPerSecond: number;
}
