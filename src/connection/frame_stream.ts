/** A connection's frames in the words of Effect: a stream in, an Effect out. Only the door `effect` loads it. */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import type { FrameError, LimitError, SocketError, TimeoutError } from "../core/errors.ts";
import type { Connection } from "./connection.ts";

/** What ends the frames of a connection before their time. */
export type ReceiveError = FrameError | SocketError | TimeoutError;

/** Why a frame could not be sent. */
export type SendError = SocketError | LimitError | FrameError | TimeoutError;

/** The frames of a connection as a stream; it ends, or fails, as the loop over the connection does. */
export function frames<Received, Sent, Context>(
  connection: Connection<Received, Sent, Context>,
): Stream.Stream<Received, ReceiveError> {
  return Stream.fromAsyncIterable(connection, (error) => error as ReceiveError);
}

/** Sends one frame; succeeds when there is room for the next. */
export function send<Received, Sent, Context>(
  connection: Connection<Received, Sent, Context>,
  frame: Sent,
): Effect.Effect<void, SendError> {
  return Effect.suspend((): Effect.Effect<void, SendError> => {
    try {
      const room = connection.send(frame);
      if (room === undefined) return Effect.void;
      return Effect.tryPromise({ try: () => room, catch: (error) => error as SendError });
    } catch (error) {
      return Effect.fail(error as FrameError);
    }
  });
}
