/**
 * Effect's `SocketServer` over a server of ours: connections wait for a `run`, which has a fiber for each.
 *
 * Loads Effect's own sockets; `socket_server_layer.ts` loads it when it is needed. Listening, limits and TLS are the
 * server's.
 */
import * as Cause from "effect/Cause";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as NetAddress from "effect/net/NetAddress";
import * as Result from "effect/Result";
import * as Scope from "effect/Scope";
import * as Socket from "effect/socket/Socket";
import * as SocketServer from "effect/socket/SocketServer";
import {
  CurrentConnection,
  type SocketChunk,
  socketFraming,
} from "../../connection/effect/current_connection.ts";
import type { SocketConnection } from "../../connection/effect/current_connection.ts";
import { effectSocket } from "../../connection/effect/effect_socket.ts";
import type { RunnerMaker } from "../../connection/effect/effects.ts";
import { closeError } from "../../connection/effect/pulling.ts";
import type { HandlerEnd } from "../../connection/user_code.ts";
import { MillraceError, OptionsError } from "../../core/errors.ts";
import type { Address } from "../../core/transport.ts";
import { type EffectServeOptions, serveWith } from "../effect_server.ts";
import type { SocketServerOptions, SocketServerService } from "./socket_server_options.ts";

/** What the server's handler returns for connections that are ours: the runner below takes it from there. */
const adopted: Effect.Effect<void> = Effect.suspend(() => Effect.void);

/** Their key, for who loads this. */
export const SocketServerKey: typeof SocketServer.SocketServer = SocketServer.SocketServer;

/** Runs one connection's handler. */
type Runner = (accepted: Accepted) => void;

/** A connection, and what is done with it. */
interface Accepted {
  readonly connection: SocketConnection;
  /** Adds its span to services. */
  readonly spanned: (services: Context.Context<never>) => Context.Context<never>;
  readonly over: (end: HandlerEnd) => void;
}

/** The service on a server of its own, which lives as long as the scope. */
export function makeService(
  options: SocketServerOptions,
): Effect.Effect<SocketServerService, OptionsError | SocketServer.SocketServerError, Scope.Scope> {
  return Effect.gen(function* () {
    const acceptor = new Acceptor(options.upgradable === true);
    const given = { ...options, framing: socketFraming, handler: () => adopted };
    const server = yield* Effect.mapError(
      serveWith<Uint8Array, SocketChunk, undefined, never>(
        given as unknown as EffectServeOptions<Uint8Array, SocketChunk>,
        acceptor.runner,
      ),
      (cause) => cause instanceof OptionsError ? cause : openError(cause),
    );
    // Before the server is drained, which would wait for them.
    yield* Effect.addFinalizer(() => Effect.sync(() => acceptor.close()));
    const address = yield* netAddress(server.address);
    return { address, run: (handler) => acceptor.run(handler), server } satisfies SocketServerService;
  });
}

function openError(cause: unknown): SocketServer.SocketServerError {
  return new SocketServer.SocketServerError({ reason: new SocketServer.SocketServerOpenError({ cause }) });
}

function netAddress(
  { path, host, port }: Address,
): Effect.Effect<NetAddress.SocketAddress, SocketServer.SocketServerError> {
  if (path !== undefined) return Effect.succeed(NetAddress.unixPathAddress(path));
  const found = NetAddress.inetAddressFromIpString(host, port);
  return Result.isSuccess(found) ? Effect.succeed(found.success) : Effect.fail(openError(found.failure));
}

/** Connections that wait for a `run`, and the one in force: the latest that still runs. */
class Acceptor {
  readonly runner: RunnerMaker<Uint8Array, SocketChunk, undefined> =
    (session, spanned, usual) => (result, over) =>
      result === adopted
        ? this.#take({ connection: session.connection, spanned, over })
        : usual(result, over);
  readonly #upgradable: boolean;
  readonly #waiting: Set<Accepted> = new Set();
  readonly #runs: Runner[] = [];
  #closed = false;

  constructor(upgradable: boolean) {
    this.#upgradable = upgradable;
  }

  run<R, E, _>(
    handler: (socket: Socket.Socket) => Effect.Effect<_, E, R>,
  ): Effect.Effect<never, never, Exclude<R, CurrentConnection>> {
    return Effect.contextWith((given: Context.Context<Exclude<R, CurrentConnection>>) => {
      const services = Context.omit(Scope.Scope)(given as Context.Context<never>);
      return Effect.callback<never>(() => {
        const fibers = new Set<Fiber.Fiber<unknown, unknown>>();
        let stopping = false;
        const runner: Runner = (accepted) => {
          const { connection, spanned, over } = accepted;
          const context = Context.add(spanned(services), CurrentConnection, connection) as Context.Context<
            never
          >;
          const work = Effect.suspend(() => handler(this.#socketOf(connection))) as Effect.Effect<unknown, E>;
          const fiber = Effect.runForkWith(context)(Effect.tapCause(work, logged));
          fibers.add(fiber);
          fiber.addObserver((exit) => {
            fibers.delete(fiber);
            over(Exit.isSuccess(exit) ? "done" : endOf(exit.cause, stopping));
          });
        };
        this.#runs.push(runner);
        for (const accepted of this.#waiting) {
          this.#waiting.delete(accepted);
          runner(accepted);
        }
        return Effect.suspend(() => {
          stopping = true;
          this.#runs.splice(this.#runs.indexOf(runner), 1);
          return Fiber.interruptAll([...fibers]);
        });
      });
    });
  }

  /** Drops the connections that wait, and those that still come. */
  close(): void {
    this.#closed = true;
    for (const { over } of this.#waiting) over("interrupted");
    this.#waiting.clear();
  }

  /** What it returns is called at the end of the connection, which a handler learns of by its socket. */
  #take(accepted: Accepted): () => void {
    const runner = this.#runs.at(-1);
    if (this.#closed) accepted.over("interrupted");
    else if (runner !== undefined) runner(accepted);
    else this.#waiting.add(accepted);
    return () => {
      if (this.#waiting.delete(accepted)) accepted.over("done");
    };
  }

  #socketOf(connection: SocketConnection): Socket.Socket {
    const open = Effect.acquireRelease(
      Effect.suspend(() =>
        connection.state === "closing" || connection.state === "closed"
          ? Effect.fail(closeError(1000))
          : Effect.succeed(connection)
      ),
      (connection, exit) =>
        Effect.sync(() => {
          const close = () => void connection.close();
          // Where that interrupts the handler as well, its end says what becomes of the connection.
          if (Exit.hasInterrupts(exit)) queueMicrotask(close);
          else close();
        }),
    );
    return effectSocket({ role: "server", upgradable: this.#upgradable, accepted: connection, open });
  }
}

/** As a `SocketServer` does: at the level for what nobody handles. */
function logged(cause: Cause.Cause<unknown>): Effect.Effect<void> {
  return Effect.ignoreCause(Effect.failCause(cause), {
    log: "Unhandled",
    message: "Unhandled error in SocketServer",
  });
}

/** A handler that was stopped with its `run` leaves what it has written; one that was interrupted alone, half of something. */
function endOf(cause: Cause.Cause<unknown>, stopping: boolean): HandlerEnd {
  if (Cause.hasInterruptsOnly(cause)) return stopping ? "done" : "interrupted";
  const error = Cause.squash(cause);
  if (!Socket.isSocketError(error)) return { error };
  const { reason } = error;
  // A handler that lets the connection's own end pass through has not failed.
  if (reason._tag === "SocketCloseError") return "done";
  return { error: reason.cause instanceof MillraceError ? reason.cause : error };
}
