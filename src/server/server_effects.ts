/**
 * A server's verbs as Effects whose failures are typed. Only the entry point `effect` loads it; the server itself is the
 * same through every entry point.
 */
import * as Effect from "effect/Effect";
import type { BroadcastReport } from "../connection/broadcast.ts";
import type { Connection } from "../connection/connection.ts";
import { failure, settled } from "../connection/effect/connection_effects.ts";
import type { TerminationRecord } from "../connection/termination.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { FrameError, OptionsError, ShutdownTimeoutError } from "../core/errors.ts";
import type { Server } from "./server.ts";
import type { ShutdownReport } from "./server_options.ts";
import { SocketServer } from "./socket_server.ts";

/** Chooses connections. What it throws is a defect. */
export type ConnectionFilter<Received, Sent, Context> = (
  connection: Connection<Received, Sent, Context>,
) => boolean;

/**
 * Sends one frame to all connections, or to those for which `filter` is true, and succeeds with the outcomes when every
 * one is known; see `server.broadcast`. Fails, and sends nothing, for a frame that the framing cannot write.
 * Interruption ends the waiting, and the frame is still sent.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { lines } from "@millrace/millrace";
 * import { broadcast, serve } from "@millrace/millrace/effect";
 *
 * const program = Effect.gen(function* () {
 *   const server = yield* serve({ port: 0, framing: lines({ encoding: "utf-8" }), handler: () => Effect.never });
 *   const { targets, failed } = yield* broadcast(server, "closing time");
 *   yield* Effect.log(`${failed} of ${targets} were not told`);
 * });
 * await Effect.runPromise(Effect.scoped(program));
 * ```
 */
export function broadcast<Received, Sent, Context>(
  server: Server<Received, Sent, Context>,
  frame: Sent,
  filter?: ConnectionFilter<Received, Sent, Context>,
): Effect.Effect<BroadcastReport, FrameError> {
  return chosenBy(filter, (choose) => settled(server.broadcast(frame, choose)));
}

/**
 * Like `broadcast`, but does not wait: succeeds with the number of connections that the frame was queued for; see
 * `server.publish`. Fails, and sends nothing, for a frame that the framing cannot write.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import * as Stream from "effect/Stream";
 * import { lines, type Server } from "@millrace/millrace";
 * import { frames, publish, serve } from "@millrace/millrace/effect";
 *
 * const program = Effect.gen(function* () {
 *   const chat: Server<string> = yield* serve({
 *     port: 0,
 *     framing: lines({ encoding: "utf-8" }),
 *     egressPolicy: "drop-oldest",
 *     handler: (connection) => Stream.runForEach(frames(connection), (line) => publish(chat, line)),
 *   });
 * });
 * await Effect.runPromise(Effect.scoped(program));
 * ```
 */
export function publish<Received, Sent, Context>(
  server: Server<Received, Sent, Context>,
  frame: Sent,
  filter?: ConnectionFilter<Received, Sent, Context>,
): Effect.Effect<number, FrameError> {
  return chosenBy(filter, (choose) => {
    try {
      return Effect.succeed(server.publish(frame, choose));
    } catch (error) {
      return failure(error);
    }
  });
}

/**
 * Closes a connection gracefully, like `connection.close`: what was sent is delivered, then FIN. Always succeeds,
 * with the record of how it ended. Interruption only ends the wait.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { lines } from "@millrace/millrace";
 * import { close, connect, send } from "@millrace/millrace/effect";
 *
 * export const tell = (port: number, text: string): Effect.Effect<void, unknown> =>
 *   Effect.scoped(Effect.gen(function* () {
 *     const connection = yield* connect({ port, framing: lines({ encoding: "utf-8" }) });
 *     yield* send(connection, text);
 *     const { reason, bytesSent } = yield* close(connection, "told");
 *     yield* Effect.log("closed", { reason, bytesSent });
 *   }));
 * ```
 */
export function close<Received, Sent, Context>(
  connection: Connection<Received, Sent, Context>,
  message?: string,
): Effect.Effect<TerminationRecord>;
/**
 * Drains a server before its scope is closed, like `server.close`. Fails with `ShutdownTimeoutError` when connections
 * were still open at the deadline and were destroyed. Interruption ends the wait; the server continues to shut down,
 * and closing its scope waits for that.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { lines } from "@millrace/millrace";
 * import { close, serve } from "@millrace/millrace/effect";
 *
 * const program = Effect.gen(function* () {
 *   const server = yield* serve({ port: 0, framing: lines(), handler: () => Effect.never });
 *   yield* Effect.catchTag(
 *     close(server, { deadline: "5 seconds" }),
 *     "ShutdownTimeoutError",
 *     ({ connectionIds }) => Effect.logWarning(`${connectionIds.length} connections were destroyed`),
 *   );
 * });
 * await Effect.runPromise(Effect.scoped(program));
 * ```
 */
export function close<Received, Sent, Context>(
  server: Server<Received, Sent, Context>,
  options?: { readonly deadline?: DurationInput | undefined; readonly spread?: DurationInput | undefined },
): Effect.Effect<ShutdownReport, ShutdownTimeoutError | OptionsError>;
export function close(
  target: { close(given?: unknown): Promise<TerminationRecord | ShutdownReport> },
  given?: unknown,
): Effect.Effect<TerminationRecord | ShutdownReport, ShutdownTimeoutError | OptionsError> {
  if (target instanceof SocketServer) return SocketServer.close(target, given ?? {});
  // A connection's end is no Effect's, and a server from the entry point without Effect runs on an Effect of its own.
  return Effect.suspend(() => settled(target.close(given)));
}

/** What a filter throws, be it an error of ours, is no failure of sending. */
function chosenBy<Received, Sent, Context, Value>(
  filter: ConnectionFilter<Received, Sent, Context> | undefined,
  run: (filter: ConnectionFilter<Received, Sent, Context> | undefined) => Effect.Effect<Value, FrameError>,
): Effect.Effect<Value, FrameError> {
  if (filter === undefined) return Effect.suspend(() => run(undefined));
  return Effect.suspend(() => {
    let defect: { readonly error: unknown } | undefined;
    const sending = run((connection) => {
      try {
        return filter(connection);
      } catch (error) {
        defect = { error };
        throw error;
      }
    });
    return Effect.catch(
      sending,
      (error) => defect === undefined ? Effect.fail(error) : Effect.die(defect.error),
    );
  });
}
