/**
 * What a connection receives as the `pull` of Effect's sockets: the chunks that are there, several at once, or the end
 * as an error.
 *
 * Made by `effect_socket.ts` for each reader. A pull that waits takes nothing, so that interruption loses nothing.
 */
import type { NonEmptyReadonlyArray } from "effect/Array";
import * as Effect from "effect/Effect";
import * as Socket from "effect/socket/Socket";
import { SocketError } from "../../core/errors.ts";
import type { InboxReader, Polled } from "../../core/flow/inbox.ts";
import type { SocketConnection } from "./current_connection.ts";

/** Bytes, several chunks at once. */
type Chunks = NonEmptyReadonlyArray<Uint8Array>;

/** How a socket ended, by the code of WebSockets: 1000 for a clean end, 1006 for one without. */
export function closeError(code: number, reason?: string): Socket.SocketError {
  return new Socket.SocketError({ reason: new Socket.SocketCloseError({ code, closeReason: reason }) });
}

/** The read side of one connection, until it is closed. */
export class Pulling {
  readonly pull: Effect.Effect<Chunks, Socket.SocketError> = Effect.suspend(() => this.#poll() ?? this.#wait);
  readonly #reader: InboxReader<Uint8Array, Uint8Array>;
  #over: Effect.Effect<never, Socket.SocketError> | undefined = undefined;
  #resume: ((pulled: Effect.Effect<Chunks, Socket.SocketError>) => void) | undefined = undefined;
  /** Interruption leaves the last one where it is: what it resumes with is not run then, and takes nothing. */
  readonly #wait: Effect.Effect<Chunks, Socket.SocketError> = Effect.callback((resume) => {
    if (this.#resume === undefined) this.#reader.watch(this.#come);
    this.#resume = resume;
  });
  /** A chunk has come, in whose course no fiber may run: it could end the connection on the way. */
  readonly #come = (): void => queueMicrotask(this.#deliver);
  readonly #deliver = (): void => {
    if (this.#resume !== undefined) this.#reader.gather(this.#goOn);
  };
  readonly #goOn = (): void => {
    const resume = this.#resume!;
    this.#resume = undefined;
    resume(this.pull);
  };

  constructor(connection: SocketConnection) {
    this.#reader = connection[Symbol.asyncIterator]() as InboxReader<Uint8Array, Uint8Array>;
  }

  /** The connection has ended for this reader. */
  get over(): boolean {
    return this.#over !== undefined;
  }

  /** No pull succeeds any more; one that waits fails with this. */
  close(error: Socket.SocketError = closeError(1006)): void {
    this.#over ??= Effect.fail(error);
    const resume = this.#resume;
    this.#resume = undefined;
    this.#reader.unwatch(this.#come);
    resume?.(this.#over);
  }

  #poll(): Effect.Effect<Chunks, Socket.SocketError> | undefined {
    if (this.#over !== undefined) return this.#over;
    const found: Polled<Uint8Array[]> = this.#reader.read((inbox) => inbox.pollMany());
    if (found === undefined) return undefined;
    if ("error" in found) return this.#over = Effect.fail(ended(found.error));
    return found.done
      ? this.#over = Effect.fail(closeError(1000))
      : Effect.succeed(found.value as unknown as Chunks);
  }
}

/** A connection that this side has dropped is closed; anything else is a fault of reading. */
function ended(cause: unknown): Socket.SocketError {
  if (cause instanceof SocketError && cause.reason === "aborted") return closeError(1006, cause.message);
  return new Socket.SocketError({ reason: new Socket.SocketReadError({ cause }) });
}
