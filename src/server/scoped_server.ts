/**
 * Servers as scoped resources on the runtime's own sockets: what `serve.ts` starts, and `effect_server.ts` with support
 * for handlers that are Effects.
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { detectAdapter } from "../adapters/detect.ts";
import { type EffectSupport, Registry } from "../connection/registry.ts";
import { type Clock, systemClock } from "../core/time/clock.ts";
import type { OptionsError, SocketError } from "../core/errors.ts";
import type { TlsError } from "../core/tls/tls_error.ts";
import { logObserver } from "./log.ts";
import type { Server } from "./server.ts";
import type { UncheckedServeOptions } from "./server_options.ts";
import type { Logger } from "../core/logger.ts";
import { resolveServer } from "./settings.ts";
import { SocketServer } from "./socket_server.ts";

/** What the program around a server has for it, where it is written with Effect. */
interface ServerProgram<Received, Sent, Context> {
  /** Time, where no option names one. */
  readonly clock: Clock | undefined;
  /** Takes log records, where no option does. */
  readonly logger: Logger;
  support(clock: Clock): EffectSupport<Received, Sent, Context>;
}

/** A server that lives as long as the scope, whose end drains it within `shutdownDeadline`; or until it is closed. */
export function scopedServer<Received, Sent, Context>(
  options: UncheckedServeOptions<Received, Sent, Context>,
  program?: ServerProgram<Received, Sent, Context>,
): Effect.Effect<Server<Received, Sent, Context>, OptionsError | SocketError | TlsError, Scope.Scope> {
  return Effect.acquireRelease(openServer(options, program), (server) => SocketServer.stop(server));
}

/** A server that lives until it is closed, for programs without Effect. */
export function startServer<Received, Sent, Context>(
  options: UncheckedServeOptions<Received, Sent, Context>,
): Promise<Server<Received, Sent, Context>> {
  return Effect.runPromise(openServer(options));
}

/** A server that lives until it is closed. */
export function openServer<Received, Sent, Context>(
  options: UncheckedServeOptions<Received, Sent, Context>,
  program?: ServerProgram<Received, Sent, Context>,
): Effect.Effect<SocketServer<Received, Sent, Context>, OptionsError | SocketError | TlsError> {
  return Effect.gen(function* () {
    // A promise, since an adapter is loaded when it is needed.
    const adapter = yield* Effect.tryPromise({
      try: async () => options?.adapter ?? await detectAdapter(),
      catch: (error) => error as OptionsError,
    });
    const settings = yield* Effect.try({
      try: () => resolveServer(options, adapter),
      catch: (error) => error as OptionsError,
    });
    const clock = options.clock ?? program?.clock ?? systemClock;
    const server = new SocketServer(
      options,
      adapter,
      settings,
      (log) => new Registry(clock, [logObserver(log)], program?.support(clock)),
      program?.logger,
    );
    yield* SocketServer.start(server);
    return server;
  });
}
