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

/** Hears how the run went. */
export interface HandlingOwner {
  handlerDone(): void;
  handlerFailed(error: unknown): void;
}

/** The run. */
export class Handling {
  /** A promise or a fiber of the handler is not settled. */
  running = false;
  readonly #owner: HandlingOwner;
  #over = false;
  #interrupt: (() => void) | undefined = undefined;

  constructor(owner: HandlingOwner) {
    this.#owner = owner;
  }

  /** Follows what a handler returned. Nothing, from a plain function, leaves the connection to its callbacks. */
  follow(result: void | Promise<void> | Effect.Effect<void, unknown>, run: EffectRunner): void {
    if (result === undefined) return;
    if (Effect.isEffect(result)) {
      this.running = true;
      this.#interrupt = run(
        result,
        (failure) => failure === undefined ? this.#done() : this.#failed(failure.error),
      );
    } else if (typeof result.then === "function") {
      this.running = true;
      result.then(() => this.#done(), (error) => this.#failed(error));
    }
  }

  /** Frames that wait may still be taken: by the run, or by a loop that a plain function left behind. */
  mayRead(taken: boolean): boolean {
    return this.running || (taken && !this.#over);
  }

  /** Interrupts an Effect; an async function can only be told by `connection.signal`. */
  interrupt(): void {
    this.#interrupt?.();
  }

  #done(): void {
    this.running = false;
    this.#over = true;
    this.#owner.handlerDone();
  }

  #failed(error: unknown): void {
    this.running = false;
    this.#over = true;
    this.#owner.handlerFailed(error);
  }
}
