/**
 * What a session needs from the server or client that owns it: time, its connection, a runner of Effects, and somebody
 * to tell. Implemented by `registry.ts`.
 */
import type { Clock } from "../core/time/clock.ts";
import type { FrameError } from "../core/errors.ts";
import type { TimerWheel } from "../core/time/timer_wheel.ts";
import type { Turn } from "../core/time/turn.ts";
import type { EffectRunner } from "./handling.ts";
import type { TerminationRecord } from "./termination.ts";

/** The owner of sessions. None of its methods may throw. */
export interface SessionOwner<Session extends { readonly connection: unknown }> {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly turn: Turn;
  /** Makes what users have of a session. */
  connectionOf(session: Session): Session["connection"];
  /** A connection's first bytes came, so many milliseconds after its start. */
  firstBytesCame(ms: number): void;
  /** `last`: no frame can follow it. */
  frameFailed(session: Session, error: FrameError, last: boolean): void;
  /** A handler or hook of the user's threw. */
  handlerFailed(session: Session, error: unknown): void;
  handlerEnded(session: Session): void;
  /** The connection is over; its handler may still run (`session.handling`). */
  ended(session: Session, record: TerminationRecord): void;
  /** What runs a handler's Effect; undefined where handlers are plain or async functions. */
  effectRunner(session: Session): EffectRunner | undefined;
}
