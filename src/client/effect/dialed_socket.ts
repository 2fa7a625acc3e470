/**
 * Effect's `Socket` over connections of `connect`, one for each reader. Loads Effect's own sockets;
 * `socket_layer.ts` loads it when it is needed.
 */
import type * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Socket from "effect/socket/Socket";
import type { SocketChunk, SocketConnection } from "../../connection/effect/current_connection.ts";
import { clockOf } from "../../connection/effect/effect_clock.ts";
import { effectSocket } from "../../connection/effect/effect_socket.ts";
import { effectSupport } from "../../connection/effect/effects.ts";
import { TimeoutError } from "../../core/errors.ts";
import { openConnection } from "../client.ts";
import type { UncheckedConnectOptions } from "../connect_options.ts";

/** The key of Effect's service, for who loads this. */
export const SocketKey: typeof Socket.Socket = Socket.Socket;

/** A `Socket` that connects for each reader; with `atOnce` there is no time for that. */
export function dialedSocket(
  options: UncheckedConnectOptions<Uint8Array, SocketChunk>,
  services: Context.Context<never>,
  atOnce: boolean,
): Socket.Socket {
  const connect = openConnection<Uint8Array, SocketChunk, undefined>(options, {
    clock: clockOf(services),
    support: (clock) => effectSupport(services, clock, "client"),
  });
  const late = Effect.suspend(() =>
    Effect.fail(openError(new TimeoutError("connect", 0, "connect: openTimeout is 0")))
  );
  const open = Effect.acquireRelease(
    atOnce ? late : Effect.mapError(connect, openError),
    // Nobody waits for it: a peer that is gone must not delay the next attempt.
    (connection: SocketConnection) => Effect.sync(() => void connection.close()),
    { interruptible: true },
  );
  return effectSocket({ role: "client", upgradable: options.upgradable === true, open });
}

function openError(cause: unknown): Socket.SocketError {
  const kind = cause instanceof TimeoutError ? "Timeout" : "Unknown";
  return new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind, cause }) });
}
