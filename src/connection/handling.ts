/**
 * One run of a connection's handler: a plain function, an async function or an Effect. Only the last costs a
 * fiber.
 *
 * Used by `session.ts`, which hears how it went.
 */
import * as Effect from "effect/Effect";

/** Runs an Effect; `done` hears its failure or nothing. Returns what interrupts it. */
export type EffectRunner = (
  effect: Effect.Effect<void, unknown>,
  done: (failure?: { readonly error: unknown }) => void,
) => () => void;

/** Hears how the run goes. */
export interface HandlingOwner {
  /** The handler goes on after its call has returned. */
  handlerBegan(): void;
  handlerDone(): void;
  handlerFailed(error: unknown): void;
}

/** How far a run is; a plain function that has returned leaves the connection to its callbacks and stays `called`. */
export type HandlerRun = "none" | "called" | "running" | "over";

/**
 * Follows what a handler returned. What comes back interrupts an Effect; an async function can only be told by
 * `connection.signal`.
 */
export function follow(
  result: void | Promise<void> | Effect.Effect<void, unknown>,
  owner: HandlingOwner,
  run: EffectRunner,
): (() => void) | undefined {
  if (result === undefined) return;
  if (Effect.isEffect(result)) {
    owner.handlerBegan();
    return run(
      result,
      (failure) => failure === undefined ? owner.handlerDone() : owner.handlerFailed(failure.error),
    );
  }
  if (typeof result.then !== "function") return;
  owner.handlerBegan();
  result.then(() => owner.handlerDone(), (error) => owner.handlerFailed(error));
  return;
}
