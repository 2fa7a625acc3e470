/**
 * Servers as the `SocketServer` of Effect, for its RPC and whatever else runs on one. Loads Effect's own sockets when a
 * server is made, and not with the entry point.
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import type * as SocketServer from "effect/socket/SocketServer";
import { checkEffectVersion } from "../../connection/effect/effect_version.ts";
import { checkLeftOut } from "../../connection/effect/left_out.ts";
import type { OptionsError } from "../../core/errors.ts";
import { onFirstUse } from "../../core/loading.ts";
import type { SocketServerOptions, SocketServerService } from "./socket_server_options.ts";

const acceptor = onFirstUse(() => import("./acceptor.ts"));

/**
 * Effect's `SocketServer` on the runtime's own sockets, with TLS, limits, logs and metrics of `serve`. It is bound when this
 * succeeds; connections that come before `run` wait, and are dropped when the scope closes. Handlers of `run` have the
 * service {@linkcode CurrentConnection}.
 *
 * When `run` is interrupted, so are its handlers; what they have written is still delivered. Closing the scope drains
 * what is left within `shutdownDeadline`.
 *
 * Fails with `OptionsError` before any socket opens, and with `SocketServerError` (`SocketServerOpenError`, the error as its
 * `cause`) when the address cannot be bound or a certificate cannot be used.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { CurrentConnection, socketServer } from "@millrace/millrace/effect";
 *
 * const program = Effect.gen(function* () {
 *   const { address, run, server } = yield* socketServer({ port: 0, maxConnections: 100 });
 *   yield* Effect.forkScoped(run((socket) =>
 *     Effect.scoped(Effect.gen(function* () {
 *       const { peer } = yield* CurrentConnection;
 *       const { write } = yield* socket.writer;
 *       yield* write(`hello, ${peer.ip}\n`);
 *     }))
 *   ));
 *   yield* Effect.log("listening", address, server.state);
 * });
 * await Effect.runPromise(Effect.scoped(program));
 * ```
 */
export function socketServer(
  options: SocketServerOptions,
): Effect.Effect<SocketServerService, OptionsError | SocketServer.SocketServerError, Scope.Scope> {
  checkEffectVersion();
  return Effect.flatMap(checked(options), ({ makeService }) => makeService(options));
}

/**
 * The same as a layer of Effect's `SocketServer`, for `RpcServer.layerProtocolSocketServer`, `SocketRunner.layer` and
 * `DevToolsServer`. It fails as {@linkcode socketServer} does.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { SocketServer } from "effect/socket/SocketServer";
 * import { layerSocketServer } from "@millrace/millrace/effect";
 *
 * const program = Effect.map(SocketServer, ({ address }) => address._tag);
 * const tag = await Effect.runPromise(Effect.provide(program, layerSocketServer({ port: 0 })));
 * console.log(tag); // InetAddressV4
 * ```
 */
export function layerSocketServer(
  options: SocketServerOptions,
): Layer.Layer<SocketServer.SocketServer, OptionsError | SocketServer.SocketServerError> {
  checkEffectVersion();
  return Layer.effectContext(
    Effect.flatMap(
      checked(options),
      ({ makeService, SocketServerKey }) =>
        Effect.map(makeService(options), (service) => Context.make(SocketServerKey, service)),
    ),
  );
}

/** What makes one, once the options are those of one. */
function checked(options: SocketServerOptions): Effect.Effect<typeof import("./acceptor.ts"), OptionsError> {
  return Effect.andThen(
    Effect.try({ try: () => checkLeftOut(options, "handler"), catch: (error) => error as OptionsError }),
    Effect.promise(acceptor),
  );
}
