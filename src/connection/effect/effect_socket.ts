/**
 * A connection as the `Socket` of Effect: the contract of its reader, its writer and `upgrade`.
 *
 * Made by `server/effect/acceptor.ts` for each accepted connection and by `client/effect/dialed_socket.ts` for each
 * one that is dialed. Loads Effect's own sockets, and so is loaded where they are asked for.
 */
import * as Effect from "effect/Effect";
import * as Latch from "effect/Latch";
import * as Scope from "effect/Scope";
import * as Socket from "effect/socket/Socket";
import { sendNow, settled } from "./connection_effects.ts";
import type { SocketChunk, SocketConnection } from "./current_connection.ts";
import { closeError, Pulling } from "./pulling.ts";
import { tlsOf } from "./socket_tls.ts";

type Written = Effect.Effect<void, Socket.SocketError>;

/** Where a `Socket` gets its connection from. */
interface SocketOrigin {
  readonly role: "server" | "client";
  /** `connection.upgrade` can be called. */
  readonly upgradable: boolean;
  /** The connection, where there is one before a reader is acquired. */
  readonly accepted?: SocketConnection;
  /** For a reader; the end of its scope ends the connection. */
  readonly open: Effect.Effect<SocketConnection, Socket.SocketError, Scope.Scope>;
}

/** The `Socket` over such connections, one at a time. */
export function effectSocket(origin: SocketOrigin): Socket.Socket {
  let current = origin.accepted;
  const latch = Latch.makeUnsafe(current !== undefined);

  const reader: Socket.Socket["reader"] = Effect.gen(function* () {
    const scope = yield* Effect.scope;
    const connection = yield* origin.open;
    const pulling = new Pulling(connection);
    yield* Scope.addFinalizer(
      scope,
      Effect.sync(() => {
        pulling.close();
        // One that was accepted stays the only one: what is written from now on fails, and waits for nothing.
        if (current !== connection || origin.accepted !== undefined) return;
        latch.closeUnsafe();
        current = undefined;
      }),
    );
    current = connection;
    latch.openUnsafe();
    const upgrade = origin.upgradable
      ? upgradeOnce(connection, pulling, origin.role)
      : Socket.SocketUpgradeError.unsupported;
    return { pull: pulling.pull, upgrade };
  });

  const write = (chunk: SocketChunk | Socket.CloseEvent): Written =>
    Effect.suspend(() => {
      if (current === undefined) return latch.whenOpen(write(chunk));
      return Socket.isCloseEvent(chunk) ? closeWith(current, chunk) : written(current, [chunk]);
    });
  const writeAll = (chunks: readonly SocketChunk[]): Written =>
    Effect.suspend(() => current === undefined ? latch.whenOpen(writeAll(chunks)) : written(current, chunks));
  const writer = Effect.acquireRelease(
    Effect.succeed({ write, writeAll }),
    () => Effect.sync(() => current?.end()),
  );
  return Socket.make({ reader, writer });
}

function written(connection: SocketConnection, chunks: readonly SocketChunk[]): Written {
  const sent = sendNow(connection, chunks);
  // Most often all is sent at once, and nothing has to be done about failures.
  return sent === Effect.void ? Effect.void : Effect.mapError(sent, writeError);
}

function writeError(cause: unknown): Socket.SocketError {
  return new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause }) });
}

/** A code over 1000 is an end that is not clean: nothing more is delivered. */
function closeWith(connection: SocketConnection, { code, reason }: Socket.CloseEvent): Written {
  if (code > 1000) connection.destroy({ code: String(code), reason });
  else void connection.close(reason);
  return Effect.void;
}

/** Interruption ends the connection, which cannot continue between plaintext and TLS. */
function upgradeOnce(
  connection: SocketConnection,
  pulling: Pulling,
  role: "server" | "client",
): Socket.Reader["upgrade"] {
  let begun = false;
  return (given = {}) =>
    Effect.suspend(() => {
      if (begun || pulling.over) return upgradeError(new Error("the socket is upgraded or closed already"));
      try {
        const options = tlsOf(given, role);
        begun = true;
        const failed = (cause: unknown) => {
          const error = new Socket.SocketError({ reason: new Socket.SocketUpgradeError({ cause }) });
          pulling.close(error);
          return error;
        };
        return Effect.asVoid(
          Effect.mapError(
            settled<unknown, unknown>(connection.upgrade<Uint8Array, SocketChunk>(options as never), () => {
              pulling.close(closeError(1006));
              connection.destroy();
            }),
            failed,
          ),
        );
      } catch (cause) {
        return upgradeError(cause);
      }
    });
}

function upgradeError(cause: unknown): Effect.Effect<never, Socket.SocketError> {
  return Effect.fail(new Socket.SocketError({ reason: new Socket.SocketUpgradeError({ cause }) }));
}
