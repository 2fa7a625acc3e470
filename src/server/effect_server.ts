/** Servers of programs written with Effect: their handlers may be Effects. Only the entry point `effect` loads it. */
import * as Effect from "effect/Effect";
import type * as Context from "effect/Context";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import type { Connection } from "../connection/connection.ts";
import { checkEffectVersion } from "../connection/effect/effect_version.ts";
import { clockOf } from "../connection/effect/effect_clock.ts";
import { effectSupport, type RunnerMaker } from "../connection/effect/effects.ts";
import type { OptionsError, SocketError } from "../core/errors.ts";
import type { TlsError } from "../core/tls/tls_error.ts";
import { effectLogger } from "./effect_log.ts";
import { showMetrics } from "./effect_metrics.ts";
import { scopedServer } from "./scoped_server.ts";
import type { Server } from "./server.ts";
import type { ServeOptions, UncheckedServeOptions } from "./server_options.ts";
import type { Address, AddressOf } from "../core/transport.ts";

/**
 * Runs once per connection. When the Effect or the promise that it returns completes, the connection is flushed and
 * closed. An Effect is interrupted if its connection ends first.
 *
 * @typeParam R what an Effect requires: services of the program that calls `serve`, and a `Scope` for each connection
 */
export type EffectHandler<Received, Sent, Data, R = never> = (
  connection: Connection<Received, Sent, Data>,
) => void | Promise<void> | Effect.Effect<void, unknown, R>;

/** Options of `serve`, with handlers that may be Effects. */
export type EffectServeOptions<Received, Sent = Received, Data = undefined, R = never> = ServeOptions<
  Received,
  Sent,
  Data,
  EffectHandler<Received, Sent, Data, R>
>;

/**
 * A server that lives as long as the scope. Closing the scope drains it within `shutdownDeadline`.
 *
 * Handlers may be Effects that require services, which become requirements of `serve`, and a `Scope` of their own,
 * which is closed when the handler ends. `server.address` has the form of the option that was given, `port` or
 * `path`.
 *
 * Fails with `OptionsError` before any socket opens, with `SocketError` when the address cannot be bound, and with
 * `TlsError` when a certificate cannot be used.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import * as Stream from "effect/Stream";
 * import { lines } from "@millrace/millrace";
 * import { frames, send, serve } from "@millrace/millrace/effect";
 *
 * const program = Effect.gen(function* () {
 *   const server = yield* serve({
 *     port: 0,
 *     framing: lines(),
 *     handler: (connection) => Stream.runForEach(frames(connection), (line) => send(connection, line)),
 *   });
 *   yield* Effect.log("listening", server.address.port);
 * });
 * await Effect.runPromise(Effect.scoped(program));
 * ```
 */
export function serve<
  Received,
  Sent = Received,
  Data = undefined,
  R = never,
  Port = unknown,
  Path = unknown,
  Given extends string | Address | undefined = string | Address | undefined,
>(
  options: EffectServeOptions<Received, Sent, Data, R> & {
    readonly port?: Port;
    readonly path?: Path;
    readonly address?: Given;
  },
): Effect.Effect<
  Server<Received, Sent, Data, AddressOf<Port, Path, Given>>,
  OptionsError | SocketError | TlsError,
  Scope.Scope | Exclude<R, Scope.Scope>
> {
  return Effect.map(
    serveWith(options),
    (server) => server as Server<Received, Sent, Data, AddressOf<Port, Path, Given>>,
  );
}

/** The same, where `makeRunner` may run handlers in another way. */
export function serveWith<Received, Sent, Data, R>(
  options: EffectServeOptions<Received, Sent, Data, R>,
  makeRunner?: RunnerMaker<Received, Sent, Data>,
): Effect.Effect<
  Server<Received, Sent, Data>,
  OptionsError | SocketError | TlsError,
  Scope.Scope | Exclude<R, Scope.Scope>
> {
  checkEffectVersion();
  return Effect.flatMap(Effect.context<Exclude<R, Scope.Scope>>(), (given) => {
    // What the handlers require is among the services, and their Effects reach only the runner for them.
    const services = given as Context.Context<unknown> as Context.Context<never>;
    const server = scopedServer(options as UncheckedServeOptions<Received, Sent, Data>, {
      clock: clockOf(services),
      logger: effectLogger(services),
      support: (clock) => effectSupport(services, clock, "server", makeRunner),
    });
    return Effect.map(server, (server) => {
      const hide = showMetrics(server, services);
      void server.finished.then(hide);
      return server;
    });
  });
}

/**
 * A server as a layer, under a service key of your own. It fails as {@linkcode serve} does.
 *
 * @example
 * ```ts
 * import * as Context from "effect/Context";
 * import * as Effect from "effect/Effect";
 * import { lines, type Server } from "@millrace/millrace";
 * import { layer } from "@millrace/millrace/effect";
 *
 * class Echo extends Context.Service<Echo, Server<Uint8Array>>()("Echo") {}
 * const live = layer(Echo, { port: 0, framing: lines(), onFrame: (line, connection) => connection.send(line) });
 *
 * const program = Effect.gen(function* () {
 *   const server = yield* Echo;
 *   yield* Effect.log(server.state);
 * });
 * await Effect.runPromise(Effect.provide(program, live));
 * ```
 */
export function layer<Self, Received, Sent = Received, Data = undefined, R = never>(
  key: Context.Key<Self, Server<Received, Sent, Data>>,
  options: EffectServeOptions<Received, Sent, Data, R>,
): Layer.Layer<Self, OptionsError | SocketError | TlsError, Exclude<R, Scope.Scope>> {
  return Layer.effect(key, serve(options));
}
