/**
 * What a server does before it drains where another process has its socket: those whose handshake has begun, or who have
 * not said yet who they are, become connections, since they were not refused and come to nobody else.
 *
 * Called by `intake.ts` once the listener has stopped.
 */
import * as Effect from "effect/Effect";

/** How long that may take, and how often it is looked at, in ms. */
const longest = 1_000;
const look = 10;

/** Waits until none is pending, `most` ms at most. */
export function settled(pending: () => number, most: number): Effect.Effect<void> {
  const over: Effect.Effect<void> = Effect.suspend(() =>
    pending() === 0 ? Effect.void : Effect.andThen(Effect.sleep(look), over)
  );
  return Effect.asVoid(Effect.timeoutOption(over, Math.min(longest, most)));
}
