/** Waits of the gateway for promises that are none of its own: of a bus, of standard output, of HTTP. */
import * as Effect from "effect/Effect";

/** Runs it and waits until its promise settles, either way. */
export function awaited(run: () => Promise<unknown>): Effect.Effect<void> {
  return Effect.ignore(Effect.tryPromise(run));
}
