/**
 * A connection in the words of Effect: a stream of its frames, and its verbs as Effects whose failures are typed. Only
 * the entry point `effect` loads it; the connections themselves are the same through every entry point.
 *
 * What is interrupted here is the waiting, except where a comment says otherwise: what has been handed to a connection
 * cannot be taken back.
 */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import {
  type FrameError,
  type IdleTimeoutError,
  type LimitError,
  MillraceError,
  type OptionsError,
  type SocketError,
  type TimeoutError,
} from "../../core/errors.ts";
import type { Inbox, InboxReader, Polled } from "../../core/flow/inbox.ts";
import type { SendOutcome } from "../../core/flow/outcome.ts";
import type { TlsError } from "../../core/tls/tls_error.ts";
import type { Framing } from "../../core/framing/framing.ts";
import type { Connection, ReframeOptions } from "../connection.ts";
import type { UpgradeOptions } from "../tls/options.ts";

/** A timeout other than an idle timeout; separate, so that `catchTag` removes it from the union. */
export type WaitTimeoutError = TimeoutError & { readonly _tag: "TimeoutError" };

/** Errors that end a connection. */
export type ConnectionError =
  | FrameError
  | LimitError
  | SocketError
  | TlsError
  | WaitTimeoutError
  | IdleTimeoutError;

/** Errors that end the frames of a connection early. */
export type ReceiveError = ConnectionError;

/** Why a frame could not be sent: the framing cannot write it, a limit was reached, or the connection has ended. */
export type SendError = ConnectionError;

/** Outcome of a frame that did not fail: handed to the kernel, or dropped by an egress policy. */
export type DeliveryOutcome = Exclude<SendOutcome, { readonly status: "failed" }>;

/**
 * The frames of a connection as a stream. It ends, or fails, as the loop over the connection does. If it is not
 * consumed to its end, or interrupted, the remaining frames stay in place for the next reader. One reader at a time.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import * as Stream from "effect/Stream";
 * import { lines } from "@millrace/millrace";
 * import { frames, send, serve } from "@millrace/millrace/effect";
 *
 * const echo = serve({
 *   port: 0,
 *   framing: lines(),
 *   handler: (connection) => Stream.runForEach(frames(connection), (line) => send(connection, line)),
 * });
 * await Effect.runPromise(Effect.scoped(echo));
 * ```
 */
export function frames<Received, Sent, Context>(
  connection: Connection<Received, Sent, Context>,
): Stream.Stream<Received, ReceiveError> {
  return read(connection, (inbox) => inbox.poll());
}

/**
 * The frames in arrays, one for those that arrived together; see `connection.batches()`. The fiber runs once for each
 * array instead of each frame, which is where `frames` spends most of its time.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import * as Stream from "effect/Stream";
 * import { lines } from "@millrace/millrace";
 * import { batches, send, serve } from "@millrace/millrace/effect";
 *
 * const echo = serve({
 *   port: 0,
 *   framing: lines(),
 *   handler: (connection) =>
 *     Stream.runForEach(batches(connection), (frames) =>
 *       Effect.forEach(frames, (line) => send(connection, line), { discard: true })),
 * });
 * await Effect.runPromise(Effect.scoped(echo));
 * ```
 */
export function batches<Received, Sent, Context>(
  connection: Connection<Received, Sent, Context>,
): Stream.Stream<readonly Received[], ReceiveError> {
  return read(connection, (inbox) => inbox.pollMany());
}

function read<Received, Sent, Context, Step>(
  connection: Connection<Received, Sent, Context>,
  poll: (inbox: Inbox<Received>) => Polled<Step>,
): Stream.Stream<Step, ReceiveError> {
  return Stream.fromPull(Effect.succeed(pulling(connection, poll, (step) => [step] as const)));
}

/** Waiting takes nothing, so that an interrupted reader has nothing that the next one would miss. */
export function pulling<Received, Sent, Context, Step, Pulled>(
  connection: Connection<Received, Sent, Context>,
  poll: (inbox: Inbox<Received>) => Polled<Step>,
  shape: (step: Step) => Pulled,
): Effect.Effect<Pulled, ReceiveError | Cause.Done> {
  const reader = connection[Symbol.asyncIterator]() as InboxReader<Received, Received>;
  const pull: Effect.Effect<Pulled, ReceiveError | Cause.Done> = Effect.suspend(() => {
    const found = reader.read((inbox) => poll(inbox) ?? inbox.look());
    if (found instanceof Promise) {
      // A second reader at a time is a mistake in the program, and no failure of the connection.
      return Effect.andThen(settled<unknown, never>(found, () => reader.withdraw(found)), pull);
    }
    if ("error" in found) return failure<ReceiveError>(found.error);
    return found.done ? Cause.done() : Effect.succeed(shape(found.value));
  });
  return pull;
}

/**
 * Sends one frame, and succeeds when there is room for the next. The frame is queued at once, even if that has to
 * wait: interruption ends the wait, and the frame is still sent.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { lines } from "@millrace/millrace";
 * import { send, serve } from "@millrace/millrace/effect";
 *
 * const greeter = serve({
 *   port: 0,
 *   framing: lines({ encoding: "utf-8" }),
 *   handler: (connection) => send(connection, `hello, ${connection.peer.ip}`),
 * });
 * await Effect.runPromise(Effect.scoped(greeter));
 * ```
 */
export function send<Received, Sent, Context>(
  connection: Connection<Received, Sent, Context>,
  frame: Sent,
): Effect.Effect<void, SendError> {
  return Effect.suspend(() => sendNow(connection, [frame]));
}

/** Sends these in order, the first ones at once; where the peer is slow, the next one waits until there is room. */
export function sendNow<Received, Sent, Context>(
  connection: Connection<Received, Sent, Context>,
  frames: readonly Sent[],
  from = 0,
): Effect.Effect<void, SendError> {
  try {
    for (let at = from; at < frames.length; at++) {
      const room = connection.send(frames[at]!);
      if (room === undefined) continue;
      return Effect.andThen(settled(room), Effect.suspend(() => sendNow(connection, frames, at + 1)));
    }
    return Effect.void;
  } catch (error) {
    return failure(error);
  }
}

/**
 * Sends one frame, and succeeds with its outcome: handed to the kernel, or dropped by the egress policy. Fails if it
 * was not delivered; `connection.deliver` also says whether some of its bytes may have been sent (`kernel`).
 * Interruption ends the wait, and the frame is still sent.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { lines } from "@millrace/millrace";
 * import { deliver, serve } from "@millrace/millrace/effect";
 *
 * const farewell = serve({
 *   port: 0,
 *   framing: lines({ encoding: "utf-8" }),
 *   handler: (connection) =>
 *     Effect.catchTag(deliver(connection, "bye"), "SocketError", ({ reason }) => Effect.logWarning("not told", reason)),
 * });
 * await Effect.runPromise(Effect.scoped(farewell));
 * ```
 */
export function deliver<Received, Sent, Context>(
  connection: Connection<Received, Sent, Context>,
  frame: Sent,
): Effect.Effect<DeliveryOutcome, SendError> {
  return Effect.flatMap(
    Effect.suspend(() => settled<SendOutcome, SendError>(connection.deliver(frame))),
    (outcome) => outcome.status === "failed" ? failure(outcome.error) : Effect.succeed(outcome),
  );
}

/**
 * Succeeds when everything sent so far has reached the kernel; fails if the connection ends before that. Interruption
 * only ends the wait.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { lines } from "@millrace/millrace";
 * import { flush, send, serve } from "@millrace/millrace/effect";
 *
 * const program = serve({
 *   port: 0,
 *   framing: lines({ encoding: "utf-8" }),
 *   handler: (connection) => Effect.andThen(send(connection, "ready"), flush(connection)),
 * });
 * await Effect.runPromise(Effect.scoped(program));
 * ```
 */
export function flush<Received, Sent, Context>(
  connection: Connection<Received, Sent, Context>,
): Effect.Effect<void, SendError> {
  return Effect.suspend(() => settled(connection.flush()));
}

/**
 * Upgrades a connection to TLS (STARTTLS); see `connection.upgrade`. Interruption ends the connection (`aborted`),
 * which cannot continue between plaintext and TLS.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import * as Stream from "effect/Stream";
 * import { type Connection, lines } from "@millrace/millrace";
 * import { frames, send, upgrade } from "@millrace/millrace/effect";
 *
 * declare const cert: string, key: string;
 * export const startTls = (connection: Connection<string>): Effect.Effect<void, unknown> =>
 *   Effect.gen(function* () {
 *     yield* Stream.runDrain(Stream.take(frames(connection), 1));
 *     yield* send(connection, "go ahead");
 *     const secured = yield* upgrade(connection, { cert, key, framing: lines() });
 *     yield* Stream.runForEach(frames(secured), (line) => send(secured, line));
 *   });
 * ```
 */
export function upgrade<Received, Sent, Context, NewReceived = Received, NewSent = NewReceived>(
  connection: Connection<Received, Sent, Context>,
  options: UpgradeOptions<NewReceived, NewSent>,
): Effect.Effect<Connection<NewReceived, NewSent, Context>, OptionsError | ConnectionError> {
  return Effect.suspend(() =>
    settled<Connection<NewReceived, NewSent, Context>, OptionsError | ConnectionError>(
      connection.upgrade(options),
      () => connection.destroy(),
    )
  );
}

/**
 * Puts another framing in the place of the connection's own, behind the last frame that was handed over; see
 * `connection.reframe`. The option `reframable` allows it.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import * as Stream from "effect/Stream";
 * import { type Connection, lengthField, lines } from "@millrace/millrace";
 * import { frames, reframe, send, serve } from "@millrace/millrace/effect";
 *
 * const handler = (connection: Connection<string>): Effect.Effect<void, unknown> =>
 *   Effect.gen(function* () {
 *     yield* Stream.runDrain(Stream.takeUntil(frames(connection), (line) => line === "BINARY"));
 *     const binary = yield* reframe(connection, lengthField({ lengthBytes: 4, strip: 4 }), { last: true });
 *     yield* Stream.runForEach(frames(binary), (frame) => send(binary, frame));
 *   });
 * const server = serve({ port: 0, framing: lines({ encoding: "utf-8" }), reframable: true, handler });
 * await Effect.runPromise(Effect.scoped(server));
 * ```
 */
export function reframe<Received, Sent, Context, NewReceived, NewSent = NewReceived>(
  connection: Connection<Received, Sent, Context>,
  framing: Framing<NewReceived, NewSent>,
  options?: ReframeOptions<NewReceived, NewSent, Context>,
): Effect.Effect<Connection<NewReceived, NewSent, Context>, OptionsError | ConnectionError> {
  return Effect.suspend(() => {
    try {
      return Effect.succeed(connection.reframe(framing, options));
    } catch (error) {
      return failure(error);
    }
  });
}

/** What a promise comes to, and what to do when the wait for it is interrupted. */
export function settled<Value, Failure>(
  promise: Promise<Value>,
  interrupted?: () => void,
): Effect.Effect<Value, Failure> {
  return Effect.callback<Value, Failure>((resume) => {
    promise.then((value) => resume(Effect.succeed(value)), (error) => resume(failure(error)));
    return interrupted && Effect.sync(interrupted);
  });
}

/** An error of ours fails, and is of the type that its place says; anything else is a defect, such as of a framing. */
export function failure<Failure>(error: unknown): Effect.Effect<never, Failure> {
  return error instanceof MillraceError ? Effect.fail(error as Failure) : Effect.die(error);
}

/** A pull that is over, and has not failed. Without the module for pulls, which an Effect before version 4 does not have. */
export function isDone(cause: Cause.Cause<unknown>): boolean {
  return cause.reasons.every((reason) => Cause.isFailReason(reason) && Cause.isDone(reason.error));
}
