/** What the inbound half of a connection is given, and whom it tells. The words of `pipeline.ts`. */
import type { Clock } from "../time/clock.ts";
import type { Diagnosis } from "../framing/diagnosis.ts";
import type { FrameError, SocketError } from "../errors.ts";
import type { Framing } from "../framing/framing.ts";
import type { RateBounds } from "../streams/rate_limiter.ts";
import type { TimerWheel } from "../time/timer_wheel.ts";
import type { Turn } from "../time/turn.ts";

/** What the pipeline tells its connection, in the transport's own turn. */
export interface PipelineOwner<Received> {
  /** Where frames go. */
  readonly delivery: {
    /** Says whether another frame is wanted at once. */
    frame(frame: Received): boolean;
    /** Another frame is wanted, after it has said that none was. */
    readonly hungry: boolean;
  };
  /** The first frame is cut, and about to be delivered. */
  firstFrame(): void;
  /**
   * Bytes have been cut as far as they were wanted, of which so many came just now: `partial` says that a frame has
   * begun and is not complete.
   */
  chunkDone(bytes: number, partial: boolean): void;
  /** A bad frame was skipped; reading goes on. */
  skipped(error: FrameError): void;
  /** Frames can be cut, but the stream begins as another protocol does. Told at most once. */
  otherProtocol(found: Diagnosis): void;
  /** No frame can follow this one. */
  faulted(error: FrameError): void;
  /** The peer has sent FIN, behind bytes that nobody has wanted yet; `inputEnded` or `faulted` comes after them. */
  inputEnding(): void;
  /** No more frames: the peer sent FIN at a frame boundary, or reading was stopped at one. */
  inputEnded(byPeer: boolean): void;
  transportDrained(): void;
  transportClosed(error: SocketError | undefined): void;
}

/** How it is set up. */
export interface PipelineSettings<Received> {
  readonly framing: Framing<Received, never>;
  readonly rateLimit: RateBounds | undefined;
  /** Whether to look at streams of which frames can be cut, too, for what they begin like. */
  readonly looksAtHeads: boolean;
  /** Whether another framing may take its place within what has come. */
  readonly reframable: boolean;
}

/** Where time comes from. */
export interface PipelineTime {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly turn: Turn;
}

/** Is notified of each read, in one plain call, and of the end of each pause. */
export interface ReadWitness {
  noteRead(): void;
  noteResumed(): void;
}

/** Why reading is stopped, one bit each; it goes on when the last reason is gone. */
export const GateReason = {
  /** Received frames wait for the handler. */
  inbox: 1,
  /** The peer does not take what is sent to it. */
  outbox: 2,
  /** The peer sends faster than its rate limit. */
  rate: 4,
  /** The connection is being secured. */
  upgrade: 8,
} as const;
/** One reason, or several combined with `|`. */
export type GateReason = number;

/** What closes and opens: a pipeline. */
export interface Gate {
  /** Adds a reason. Nothing is called: who closes tells its caller to stop. */
  closeGate(reason: GateReason): void;
  /** Takes a reason away, if it is there; the transport reads on when it was the last, and may close the gate again. */
  openGate(reason: GateReason): void;
}
