/** A connection as a channel and as a sink of Effect. Only the entry point `effect` loads it. */
import type { NonEmptyReadonlyArray } from "effect/Array";
import * as Cause from "effect/Cause";
import * as Channel from "effect/Channel";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import * as Sink from "effect/Sink";
import type { Connection } from "../connection.ts";
import { isDone, pulling, type ReceiveError, type SendError, sendNow } from "./connection_effects.ts";

/** Frames in both directions, in arrays of those that came together. */
export type ConnectionChannel<Received, Sent, InError = never> = Channel.Channel<
  NonEmptyReadonlyArray<Received>,
  ReceiveError | InError,
  void,
  NonEmptyReadonlyArray<Sent>,
  InError,
  unknown
>;

/**
 * A connection as a channel: what comes in is sent, with the backpressure of `send`, and what is received comes out. When the
 * input ends, the connection is half-closed, and frames still come out. Interruption, and an input that fails, end the
 * connection as `aborted`: a FIN would mean that all was sent. If the output is not consumed to its end otherwise, the
 * connection stays open, and the remaining frames are there for the next reader.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import * as Stream from "effect/Stream";
 * import { lines } from "@millrace/millrace";
 * import { channel, connect, serve } from "@millrace/millrace/effect";
 *
 * const framing = lines({ encoding: "utf-8" });
 * const program = Effect.gen(function* () {
 *   const { address } = yield* serve({ port: 0, framing, onFrame: (line, peer) => peer.send(line.toUpperCase()) });
 *   const connection = yield* connect({ address, framing, allowHalfOpen: true });
 *   const answers = Stream.make("one", "two").pipe(Stream.pipeThroughChannel(channel(connection)));
 *   console.log((yield* Stream.runCollect(answers)).join()); // ONE,TWO
 * });
 * await Effect.runPromise(Effect.scoped(program));
 * ```
 */
export function channel<Received, Sent, Context, InError = never>(
  connection: Connection<Received, Sent, Context>,
): ConnectionChannel<Received, Sent, InError> {
  return Channel.fromTransform((upstream, scope) =>
    Effect.gen(function* () {
      let fault: Cause.Cause<SendError | InError> | undefined;
      const source = upstream as Effect.Effect<NonEmptyReadonlyArray<Sent>, InError | Cause.Done>;
      yield* Scope.addFinalizerExit(
        scope,
        (exit) => Effect.sync(() => Exit.hasInterrupts(exit) && connection.destroy()),
      );
      const sending = Effect.forever(
        Effect.flatMap(source, (frames) =>
          // Why nothing can be sent any more is why nothing is received: that is where it is told.
          Effect.catch(
            sendNow(connection, frames),
            (error) => error._tag === "FrameError" ? Effect.fail(error) : Effect.never,
          )),
        { disableYield: true },
      );
      yield* Effect.forkIn(
        Effect.catchCause(sending, (cause) =>
          Effect.sync(() => {
            if (Cause.hasInterruptsOnly(cause)) return;
            if (isDone(cause)) {
              return connection.end();
            }
            fault = cause as Cause.Cause<SendError | InError>;
            connection.destroy();
          })),
        scope,
      );
      const pull = pulling(
        connection,
        (inbox) => inbox.pollMany(),
        (frames) => frames as unknown as NonEmptyReadonlyArray<Received>,
      );
      return Effect.catchCause(
        pull,
        (cause) => Effect.failCause<ReceiveError | InError | Cause.Done>(fault ?? cause),
      );
    })
  );
}

/**
 * A sink that sends every frame, with the backpressure of `send`. Its end leaves the connection open; interruption ends the
 * wait, and what was handed over is still sent.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import * as Stream from "effect/Stream";
 * import { lines } from "@millrace/millrace";
 * import { frames, serve, sink } from "@millrace/millrace/effect";
 *
 * const echo = serve({
 *   port: 0,
 *   framing: lines(),
 *   handler: (connection) => Stream.run(frames(connection), sink(connection)),
 * });
 * await Effect.runPromise(Effect.scoped(echo));
 * ```
 */
export function sink<Received, Sent, Context>(
  connection: Connection<Received, Sent, Context>,
): Sink.Sink<void, Sent, never, SendError> {
  return Sink.forEachArray((frames: NonEmptyReadonlyArray<Sent>) => sendNow(connection, frames));
}
