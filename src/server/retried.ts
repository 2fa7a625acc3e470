/**
 * An attempt that is made again while its schedule allows, until it succeeds or the caller's signal aborts it.
 *
 * Used by `socket_server.ts` for the start of a server. Between attempts there is nothing to release, so that whoever
 * waits may change their mind: by the signal, or by an interruption.
 */
import * as Effect from "effect/Effect";
import { SocketError } from "../core/errors.ts";

/** What decides over the attempts. */
interface Attempts {
  /** After a failure: how many ms to wait; undefined for no further attempt. */
  retryIn(error: unknown): number | undefined;
  /** The error to end with. */
  givenUp(error: SocketError): SocketError;
  wait(ms: number): Effect.Effect<void>;
}

/** Fails with the last error when it is given up, or with `aborted`. */
export function retried<Failure>(
  attempt: Effect.Effect<void, Failure>,
  signal: AbortSignal | undefined,
  { retryIn, givenUp, wait }: Attempts,
): Effect.Effect<void, Failure | SocketError> {
  const again: Effect.Effect<void, Failure | SocketError> = Effect.suspend(() => {
    if (signal?.aborted) return Effect.fail(abortedStart(signal));
    return Effect.catch(attempt, (error) => {
      const ms = retryIn(error);
      if (ms === undefined) return Effect.fail(error instanceof SocketError ? givenUp(error) : error);
      const waiting = signal === undefined ? wait(ms) : Effect.raceFirst(wait(ms), whenAborted(signal));
      return Effect.andThen(Effect.interruptible(waiting), again);
    });
  });
  return again;
}

function whenAborted(signal: AbortSignal): Effect.Effect<void> {
  return Effect.callback<void>((resume) => {
    const aborted = () => resume(Effect.void);
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
    return Effect.sync(() => signal.removeEventListener("abort", aborted));
  });
}

function abortedStart(signal: AbortSignal): SocketError {
  return new SocketError("aborted", "listen: the caller's signal aborted it", { cause: signal.reason });
}
