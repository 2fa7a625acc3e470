/**
 * A scoped resource behind a plain promise: what `serve` and `connect` are to programs without Effect.
 * Both load this when they are first called.
 */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";

/** Gives the resource. Its scope is closed when `over` resolves, or at once when there is none to be had. */
export async function acquire<Resource, Failure>(
  resource: Effect.Effect<Resource, Failure, Scope.Scope>,
  over: (resource: Resource) => Promise<unknown>,
): Promise<Resource> {
  const scope = Scope.makeUnsafe();
  const exit = await Effect.runPromiseExit(Scope.provide(resource, scope));
  if (Exit.isFailure(exit)) {
    await Effect.runPromise(Scope.close(scope, exit));
    return await Effect.runPromise(exit);
  }
  void over(exit.value).then(() => Effect.runPromise(Scope.close(scope, Exit.void)));
  return exit.value;
}
