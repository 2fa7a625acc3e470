/**
 * The scope of a server or a gateway: what it holds is released when the scope closes, which is what stopping is.
 *
 * A scope that closes already lets a second `Scope.close` return at once; here everybody waits for the first one, be it
 * a promise that began it, a signal, or the end of the scope around it.
 */
import type * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import type { Clock } from "../../core/time/clock.ts";
import { clockService } from "./clock_service.ts";

/** A scope on one clock, which is closed once. */
export class Lifetime {
  /** Closing has begun. */
  closing = false;
  /** Closes it. The wait may be interrupted; closing continues. */
  readonly close: Effect.Effect<void>;
  readonly #scope: Scope.Closeable = Scope.makeUnsafe();
  readonly #clock: Context.Context<never>;

  constructor(clock: Clock) {
    const closed = Deferred.makeUnsafe<void>();
    const closing = Deferred.into(Scope.close(this.#scope, Exit.void), closed);
    this.#clock = clockService(clock);
    this.close = Effect.suspend(() => {
      const waiting = Deferred.await(closed);
      if (this.closing) return waiting;
      this.closing = true;
      return Effect.andThen(Effect.forkDetach(closing, { startImmediately: true }), waiting);
    });
  }

  /** Runs what acquires something, which is released when this closes, the last thing first: both on the clock. */
  hold<Value, Failure, Needs>(
    acquiring: Effect.Effect<Value, Failure, Needs>,
  ): Effect.Effect<Value, Failure, Exclude<Needs, Scope.Scope>> {
    // What releases has the services that were there when it was acquired.
    return Effect.provideContext(Scope.provide(acquiring, this.#scope), this.#clock);
  }
}
