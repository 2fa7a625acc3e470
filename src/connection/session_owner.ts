/** What a session needs from the server or client that owns it: time, a runner of Effects, and somebody to tell. */
import type { Clock } from "../core/time/clock.ts";
import type { FrameError } from "../core/errors.ts";
import type { TimerWheel } from "../core/time/timer_wheel.ts";
import type { Turn } from "../core/time/turn.ts";
import type { EffectRunner } from "./handling.ts";
import type { Session } from "./session.ts";
import type { TerminationRecord } from "./termination.ts";

/** The owner of sessions. None of its methods may throw. */
export interface SessionOwner<Received, Sent, Context> {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly turn: Turn;
  /** A connection's first bytes came, so many milliseconds after its start. */
  firstBytesCame(ms: number): void;
  /** `last`: no frame can follow it. */
  frameFailed(session: Session<Received, Sent, Context>, error: FrameError, last: boolean): void;
  /** A handler or hook of the user's threw. */
  handlerFailed(session: Session<Received, Sent, Context>, error: unknown): void;
  handlerEnded(session: Session<Received, Sent, Context>): void;
  /** The connection is over; its handler may still run (`session.handling`). */
  ended(session: Session<Received, Sent, Context>, record: TerminationRecord): void;
  /** What runs a handler's Effect; undefined where handlers are plain or async functions. */
  effectRunner(session: Session<Received, Sent, Context>): EffectRunner | undefined;
}
