/**
 * Frames of one connection on their way into a store: how many are not acknowledged yet.
 *
 * Used by `ingress.ts`, one for each connection whose frames are stored. One frame that can never be stored ends its
 * connection, unless a NAK says so: the peer must not take it for accepted.
 */
import { type Deferred, deferred } from "../../core/deferred.ts";
import type { MillraceError } from "../../core/errors.ts";
import type { ConnectionAcknowledger } from "../acknowledge/connection_acknowledger.ts";
import type { Bus, BusMessage, PublishObserver } from "../buses/bus.ts";
import type { FrameConnection } from "../endpoint.ts";

/** Those of one connection. */
export class Storing implements PublishObserver {
  readonly #connection: FrameConnection;
  readonly #counted: () => void;
  readonly #acks: ConnectionAcknowledger | undefined;
  #pending = 0;
  #done: Deferred | undefined = undefined;

  /** `counted` is called for each frame that is stored; `acks` tells the peer. */
  constructor(
    connection: FrameConnection,
    counted: () => void,
    acks: ConnectionAcknowledger | undefined,
  ) {
    this.#connection = connection;
    this.#counted = counted;
    this.#acks = acks;
  }

  /** What the bus rejects without a word to its observer will never be stored either. */
  publish(bus: Pick<Bus, "publish">, frame: BusMessage): void | Promise<void> {
    this.#pending++;
    return bus.publish(frame, this)?.catch((error: MillraceError) => this.failed(frame, error));
  }

  /** Resolves when each of them is stored, or never will be. */
  done(): Promise<void> {
    return this.#pending === 0 ? Promise.resolve() : (this.#done ??= deferred()).promise;
  }

  stored(message: BusMessage): void {
    this.#counted();
    this.#acks?.stored(message);
    this.#settle();
  }

  failed(message: BusMessage, error: MillraceError): void {
    if (!this.#acks?.failed(message, error.message)) {
      this.#connection.destroy({ reason: error.message, code: "not_stored" });
    }
    this.#settle();
  }

  #settle(): void {
    if (--this.#pending > 0) return;
    this.#done?.resolve();
    this.#done = undefined;
  }
}
