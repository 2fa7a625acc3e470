/**
 * What a session needs from the server or client that owns it: time, a place to run Effects, and somebody
 * to tell.
 */
import type * as Effect from "effect/Effect";
import type { Clock } from "../core/clock.ts";
import type { FrameError } from "../core/errors.ts";
import type { TimerWheel } from "../core/timer_wheel.ts";
import type { Turn } from "../core/turn.ts";
import type { Session } from "./session.ts";
import type { TerminationRecord } from "./termination.ts";

/** The owner of sessions. None of its methods may throw. */
export interface SessionOwner<Received, Sent, Context> {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly turn: Turn;
  /** A connection's first bytes came, so many milliseconds after its start. */
  firstBytesCame(ms: number): void;
  frameFailed(session: Session<Received, Sent, Context>, error: FrameError): void;
  /** A handler or hook of the user's threw. */
  handlerFailed(session: Session<Received, Sent, Context>, error: unknown): void;
  handlerEnded(session: Session<Received, Sent, Context>): void;
  /** The connection is over; its handler may still run (`session.handling`). */
  ended(session: Session<Received, Sent, Context>, record: TerminationRecord): void;
  /** Runs a handler's Effect; `done` hears its failure or nothing. Returns what interrupts it. */
  runEffect(
    effect: Effect.Effect<void, unknown>,
    session: Session<Received, Sent, Context>,
    done: (failure?: { readonly error: unknown }) => void,
  ): () => void;
}
