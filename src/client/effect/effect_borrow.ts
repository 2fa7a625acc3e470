/** Loans of a pool in programs written with Effect. Only the entry point `effect` loads it. */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import type * as Scope from "effect/Scope";
import type { Connection } from "../../connection/connection.ts";
import type { LimitError, OptionsError, SocketError, TimeoutError } from "../../core/errors.ts";
import type { TlsError } from "../../core/tls/tls_error.ts";
import type { Borrowed } from "../pool/lease.ts";
import type { BorrowOptions } from "../pool/pool_options.ts";
import type { Pool } from "../pool/users_pool.ts";

/**
 * A connection of a pool of `millrace/client`, lent for as long as the scope lives: it is given back when the scope ends
 * well, and destroyed when it fails or is interrupted. Fails as `borrow` of the pool does; interruption ends the wait.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { lines } from "@millrace/millrace";
 * import { pool } from "@millrace/millrace/client";
 * import { borrow, send, serve } from "@millrace/millrace/effect";
 *
 * const framing = lines({ encoding: "utf-8" });
 * const program = Effect.gen(function* () {
 *   const server = yield* serve({ port: 0, framing, onFrame: (line) => console.log(line) }); // hello
 *   const lenders = yield* Effect.promise(() => pool({ targets: [server.address], framing }));
 *   yield* Effect.scoped(Effect.flatMap(borrow(lenders), (connection) => send(connection, "hello")));
 *   yield* Effect.promise(() => lenders.close());
 * });
 * await Effect.runPromise(Effect.scoped(program));
 * ```
 */
export function borrow<Received, Sent = Received, Context = undefined>(
  pool: Pick<Pool<Received, Sent, Context>, "borrow">,
  options?: Omit<BorrowOptions, "signal">,
): Effect.Effect<
  Connection<Received, Sent, Context>,
  LimitError | OptionsError | SocketError | TimeoutError | TlsError,
  Scope.Scope
> {
  type Failure = LimitError | OptionsError | SocketError | TimeoutError | TlsError;
  const lent = Effect.suspend(() => {
    let lease: Borrowed<Received, Sent, Context> | undefined;
    const waiting = Effect.callback<Borrowed<Received, Sent, Context>, Failure>((resume, signal) => {
      pool.borrow({ ...options, signal }).then((borrowed) => {
        lease = borrowed;
        if (signal.aborted) borrowed.release();
        else resume(Effect.succeed(borrowed));
      }, (error: Failure) => resume(Effect.fail(error)));
    });
    // Interruption may come between the loan and the next step of the fiber.
    return Effect.onInterrupt(waiting, () => Effect.sync(() => lease?.release()));
  });
  const acquired = Effect.acquireRelease(
    lent,
    (lease, exit) => Effect.sync(() => Exit.isSuccess(exit) ? lease.release() : lease.destroy()),
    { interruptible: true },
  );
  return Effect.map(acquired, ({ connection }) => connection);
}
