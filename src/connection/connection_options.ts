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
import type { MemoryBudget } from "./memory_budget.ts";
import type { TerminationRecord } from "./termination.ts";

/** Settings of every connection of a server or a client. */
export interface ConnectionOptions<Received, Sent = Received, Context = undefined> {
  /** How bytes are cut into frames, and frames written as bytes. It determines the type of a frame. */
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
  /**
   * Close when a frame that has begun is not complete after this long, however slowly its bytes arrive. @default "30
   * seconds"
   */
  readonly frameTimeout?: DurationInput | undefined;
  /**
   * Close when the bytes of a frame that has begun arrive more slowly than this. It is measured only while this side
   * reads; between two frames a peer may be as silent as `idleTimeout` allows. The reason in the record is `byte_rate`.
   * Without effect for `raw()`, which has no incomplete frames. @default none
   */
  readonly minByteRate?: {
    /** Bytes per second that a peer must send on average in each period: a number, or text such as `"100 B"`. */
    readonly bytesPerSecond: SizeInput;
    /**
     * Over how long it is averaged. The first period begins with the frame, so that a frame that is complete within it
     * is never too slow. @default "5 seconds"
     */
    readonly period?: DurationInput | undefined;
  } | undefined;
  /**
   * How long a closing connection, whether this side closes or the peer sent FIN, may make no progress. The wait
   * starts again whenever the kernel accepts bytes and whenever the handler takes a frame. (A kernel accepts more
   * once about a third of its buffer is free, which can be several hundred kB: consider that for very slow peers.)
   * Then the connection is dropped (RST), what was lost is counted in the record, and the reason is `close_timeout`,
   * unless an error was the first cause. `Infinity` for no limit. @default "30 seconds"
   */
  readonly closeTimeout?: DurationInput | undefined;
  /**
   * How long to wait for the peer's FIN after ours while nothing arrives. What the peer still sends is discarded and
   * starts the wait again, so that it can read everything that it was sent; after `closeTimeout` only if it has sent
   * at least 1 kB a second on average, and never if nothing was sent to it or it has timed out. `destroy` does not
   * wait. Afterwards the descriptor is closed normally, and the kernel still delivers what it holds. @default "2
   * seconds"
   */
  readonly lingerTimeout?: DurationInput | undefined;
  /** Bytes to send whenever nothing was written for `interval`, always between two frames. @default none */
  readonly keepalive?: KeepaliveWriterOptions | undefined;
  /**
   * The longest that a connection may be open: afterwards it ends as in a drain, at a frame boundary. `connection.signal`
   * aborts, `goodbye` is sent, the loop ends, and the handler finishes what it has; the reason in the record is
   * `max_lifetime`. Each connection's life is shorter by up to a tenth, so that peers that came together do not go
   * together. @default Infinity
   */
  readonly maxLifetime?:
    | DurationInput
    | {
      /** The longest that a connection may be open. */
      readonly after: DurationInput;
      /** The part of `after`, 0 to 1, by which the life of a connection may be shorter, at random. @default 0.1 */
      readonly jitter?: number | undefined;
      /**
       * How long a handler may take after it was told. Then the connection is dropped (`TimeoutError` `lifetime`).
       * @default "30 seconds"
       */
      readonly grace?: DurationInput | undefined;
    }
    | undefined;
  /**
   * The last words of this side, one frame: sent once when a server begins to drain the connection or `maxLifetime` is
   * over, behind all that was sent by then, and never inside a frame. Replies that are still owed follow it. A function
   * is called for each connection, and may return undefined for none. It asks the peer to send no more; what it sends
   * before it has read that is still received for `goodbyeWait`. @default none
   */
  readonly goodbye?:
    | NoInfer<Sent>
    | ((connection: Connection<Received, Sent, Context>) => NoInfer<Sent> | undefined)
    | undefined;
  /**
   * How long frames are still received after the goodbye, unless the peer ends first; then reading stops at the next
   * frame boundary. @default "1 second"
   */
  readonly goodbyeWait?: DurationInput | undefined;
  /** Reading stops when frames waiting for the handler exceed this many bytes. @default 262_144 */
  readonly ingressLimit?: SizeInput | undefined;
  /**
   * Maximum number of bytes waiting to be sent to a slow peer; then `egressPolicy` decides. A burst within one turn
   * does not count as slowness: where the kernel answers late (on Deno, and with TLS except Bun's own), up to 4 MiB
   * more may wait, for at most 100 ms. @default 1_048_576
   */
  readonly egressLimit?: SizeInput | undefined;
  /**
   * Maximum number of bytes that the buffers of all connections hold together: a size for those of this server, or a
   * `memoryBudget()` that several servers and connections share. Over it, new connections are rejected, and connections
   * that stand still are dropped, the largest first. @default Infinity
   */
  readonly memoryBudget?: SizeInput | MemoryBudget | undefined;
  /** What happens to a frame that does not fit: see {@linkcode EgressPolicy}. @default "wait" */
  readonly egressPolicy?: EgressPolicy | undefined;
  /** Maximum rate at which a peer may send; above it, reading pauses. @default Infinity */
  readonly rateLimit?: RateLimits | undefined;
  /**
   * After the peer's FIN, keep the connection open for sending until `end()` or `close()`, or until it has made no
   * progress for `closeTimeout`. For `onFrame`, and for connections of `connect`, whose loop ends at the FIN. Not
   * with a server's `handler`, which decides itself when it is done. @default false
   */
  readonly allowHalfOpen?: boolean | undefined;
  /** Send small writes at once (TCP_NODELAY). @default true */
  readonly noDelay?: boolean | undefined;
  /**
   * TCP keepalive of the operating system: `false` for off, a duration for on with this delay to the first probe,
   * `true` for on with the system's delay (two hours on Linux), `"system"` for the system's default. Deno cannot set
   * a delay: there a duration is refused, and the default is `true`. @default "30 seconds"
   */
  readonly tcpKeepAlive?: boolean | "system" | DurationInput | undefined;
  /** The connection begins in plaintext and can be secured with `connection.upgrade` (STARTTLS). @default false */
  readonly upgradable?: boolean | undefined;
  /**
   * `connection.reframe` may put another framing in the place of this one. Frames are then cut one by one, when they are
   * asked for, and a batch of `batches()` has one frame. @default false
   */
  readonly reframable?: boolean | undefined;
  /** Returns the value of `connection.context`; called once per connection, before `onConnect`. */
  readonly context?: ((connection: Connection<Received, Sent, undefined>) => Context) | undefined;

  /**
   * Called synchronously with one frame at a time, in order. If it returns a promise, the next frame of this
   * connection waits for it: for `send`, until this peer has room; for a server's `broadcast`, until the slowest peer
   * is done, which is why `publish` exists.
   */
  readonly onFrame?: OnFrame<Received, Sent, Context> | undefined;
  /** Called once, before the first frame. What it throws ends the connection with reason `handler_error`. */
  readonly onConnect?: ((connection: Connection<Received, Sent, Context>) => void) | undefined;
  /**
   * Called once, when the first bytes have arrived and before the first frame or fault in them; never for a connection
   * that ends without any. What it throws ends the connection with reason `handler_error`.
   */
  readonly onFirstByte?: ((connection: Connection<Received, Sent, Context>) => void) | undefined;
  /** Called once, when the connection has ended. */
  readonly onDisconnect?:
    | ((record: TerminationRecord, connection: Connection<Received, Sent, Context>) => void)
    | undefined;
  /** Called for a bad frame. The connection continues if the framing skips bad frames. */
  readonly onFrameError?:
    | ((error: FrameError, connection: Connection<Received, Sent, Context>) => void)
    | undefined;
  /**
   * Called at most once, when a stream can be cut into frames but begins like another well-known protocol, such as
   * HTTP on `lines()`. If no frame can be cut, `looksLike` of the error says so instead. Not called for `raw()`, nor for
   * protocols that consist of lines or frames, such as SMTP or MQTT: the framing may well be meant for them.
   */
  readonly onOtherProtocol?:
    | ((found: Diagnosis, connection: Connection<Received, Sent, Context>) => void)
    | undefined;
  /**
   * Called when a handler or hook throws (`error` is what it threw), and when a connection breaks. Only that
   * connection ends.
   */
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
 * Runs once per connection. When the promise that it returns settles, the connection is flushed and closed. A
 * function that returns nothing leaves the connection open.
 */
export type Handler<Received, Sent, Context> = (
  connection: Connection<Received, Sent, Context>,
) => void | Promise<void>;

/** Rates of one connection over the last whole second. */
export interface ConnectionRates {
  /** Bytes received. */
  readonly bytesReceivedPerSecond: number;
  /** Bytes handed to the kernel. */
  readonly bytesSentPerSecond: number;
  /** Complete frames received. */
  readonly framesReceivedPerSecond: number;
  /** Frames handed to the kernel completely. */
  readonly framesSentPerSecond: number;
}
