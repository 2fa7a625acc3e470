/**
 * Connections as the `Socket` of Effect, for its RPC and whatever else runs on one. Loads Effect's own sockets when a
 * socket is made, and not with the entry point.
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type * as Socket from "effect/socket/Socket";
import { detectAdapter } from "../../adapters/detect.ts";
import { type SocketChunk, socketFraming } from "../../connection/effect/current_connection.ts";
import { checkEffectVersion } from "../../connection/effect/effect_version.ts";
import { checkLeftOut } from "../../connection/effect/left_out.ts";
import type { OptionsError } from "../../core/errors.ts";
import { onFirstUse } from "../../core/loading.ts";
import { type DurationInput, toMilliseconds } from "../../core/time/duration.ts";
import { resolveConnect } from "../connect_settings.ts";
import type { ConnectOptions, UncheckedConnectOptions } from "../connect_options.ts";

/** Options of {@linkcode socket}: those of `connect`, without a framing. */
export type SocketOptions =
  & (ConnectOptions<Uint8Array, SocketChunk> extends infer Options ? Options extends unknown ? Omit<
        Options,
        | "framing"
        | "onFrame"
        | "allowHalfOpen"
        | "reframable"
        | "frameTimeout"
        | "minByteRate"
        | "onFrameError"
        | "onOtherProtocol"
        | "context"
        | "connectTimeout"
      >
    : never
    : never)
  & {
    /**
     * Time limit for connecting, including the TLS handshake (`SocketOpenError` `Timeout`); 0 fails at once. It has the
     * name that it has for Effect's sockets. @default "10 seconds"
     */
    readonly openTimeout?: DurationInput | undefined;
  };

const dialed = onFirstUse(() => import("./dialed_socket.ts"));

/**
 * Effect's `Socket` on the runtime's own sockets, with TLS and limits of `connect`. It connects when its reader is acquired,
 * anew for each; what is written meanwhile waits for the next connection. The end of the reader's scope closes the
 * connection, and what was written before is delivered, also after an interruption.
 *
 * Fails with `OptionsError` before any socket opens. The reader fails with `SocketError`: `SocketOpenError` when the
 * connection cannot be made, `SocketCloseError` when it ends, `SocketReadError` when it breaks or a limit is reached; the
 * error is the `cause`.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { socket, socketServer } from "@millrace/millrace/effect";
 *
 * const program = Effect.gen(function* () {
 *   const { server, run } = yield* socketServer({ port: 0 });
 *   yield* Effect.forkScoped(run((peer) =>
 *     Effect.scoped(Effect.flatMap(peer.writer, ({ write }) => write("hello")))
 *   ));
 *   const client = yield* socket({ address: server.address });
 *   const { pull } = yield* client.reader;
 *   const [bytes] = yield* pull;
 *   console.log(new TextDecoder().decode(bytes as Uint8Array)); // hello
 * });
 * await Effect.runPromise(Effect.scoped(program));
 * ```
 */
export function socket(options: SocketOptions): Effect.Effect<Socket.Socket, OptionsError> {
  checkEffectVersion();
  return Effect.map(made(options), ({ socket }) => socket);
}

/**
 * The same as a layer of Effect's `Socket`, for `RpcClient.layerProtocolSocket`.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { Socket } from "effect/socket/Socket";
 * import { layerSocket } from "@millrace/millrace/effect";
 *
 * const program = Effect.scoped(Effect.flatMap(Socket, ({ reader }) => reader)).pipe(
 *   Effect.catchTag("SocketError", ({ reason }) => Effect.succeed(reason._tag)),
 * );
 * console.log(await Effect.runPromise(Effect.provide(program, layerSocket({ port: 1 })))); // SocketOpenError
 * ```
 */
export function layerSocket(options: SocketOptions): Layer.Layer<Socket.Socket, OptionsError> {
  checkEffectVersion();
  return Layer.effectContext(Effect.map(made(options), ({ key, socket }) => Context.make(key, socket)));
}

interface Made {
  readonly key: typeof Socket.Socket;
  readonly socket: Socket.Socket;
}

function made(options: SocketOptions): Effect.Effect<Made, OptionsError> {
  return Effect.gen(function* () {
    const { atOnce, connecting } = yield* Effect.tryPromise({
      try: () => checked(options),
      catch: (error) => error as OptionsError,
    });
    const { dialedSocket, SocketKey } = yield* Effect.promise(dialed);
    const services = yield* Effect.context<never>();
    return { key: SocketKey, socket: dialedSocket(connecting, services, atOnce) };
  });
}

/** As options of `connect`, for which there may be no time at all. Throws `OptionsError`. */
async function checked(options: SocketOptions) {
  checkLeftOut(options, "connectTimeout");
  const { openTimeout, ...given } = options;
  const atOnce = openTimeout !== undefined && toMilliseconds(openTimeout, "openTimeout") === 0;
  const connecting = {
    ...given,
    framing: socketFraming,
    allowHalfOpen: true,
    ...(!atOnce && { connectTimeout: openTimeout }),
  } as UncheckedConnectOptions<Uint8Array, SocketChunk>;
  resolveConnect(connecting, options.adapter ?? await detectAdapter());
  return { atOnce, connecting };
}
