/**
 * One run of a connection's handler: a plain function or an async one, and with `millrace/effect` an Effect, whose
 * runner is given. Only that costs a fiber.
 *
 * Used by `session.ts`, which hears how it went.
 */
import { OptionsError } from "../core/errors.ts";

/** How a handler's run ends; `interrupted` is an Effect that was stopped on its way, by whomever. */
export type HandlerEnd = "done" | "interrupted" | { readonly error: unknown };

/**
 * Runs what a handler returned if that is an Effect, and tells `over` how it ended; gives what interrupts it.
 * Undefined, and nothing is run, for anything else.
 */
export type EffectRunner = (result: unknown, over: (end: HandlerEnd) => void) => (() => void) | undefined;

/** Hears how the run goes. */
export interface HandlingOwner {
  /** The handler goes on after its call has returned. */
  handlerBegan(): void;
  handlerOver(end: HandlerEnd): void;
}

/** How far a run is; a plain function that has returned leaves the connection to its callbacks and stays `called`. */
export type HandlerRun = "none" | "called" | "running" | "over";

/**
 * Follows what a handler returned. What comes back interrupts an Effect; an async function can only be told by
 * `connection.signal`. Throws `OptionsError` for an Effect that nobody here can run.
 */
export function follow(
  result: unknown,
  owner: HandlingOwner,
  run: EffectRunner | undefined,
): (() => void) | undefined {
  if (result === undefined || result === null) return;
  if (typeof (result as Promise<void>).then === "function") {
    owner.handlerBegan();
    (result as Promise<void>).then(() => owner.handlerOver("done"), (error) => owner.handlerOver({ error }));
    return;
  }
  if (!isEffect(result)) return;
  owner.handlerBegan();
  const interrupt = run?.(result, (end) => owner.handlerOver(end));
  if (interrupt !== undefined) return interrupt;
  const expected =
    "a promise or nothing; a server whose handlers are Effects is made by `serve` of millrace/effect";
  throw new OptionsError("unsupported", [{
    path: "handler",
    found: "one that returned an Effect",
    expected,
  }]);
}

/** By the marks of Effect 4 and of Effect 3, since neither is loaded here. */
function isEffect(result: unknown): boolean {
  return typeof result === "object" &&
    ("~effect/Effect" in result! || Symbol.for("effect/Effect") in result!);
}
