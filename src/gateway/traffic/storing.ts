/**
 * Frames of one connection on their way into a store: how many are not acknowledged yet.
 *
 * Used by `ingress.ts`, one for each connection whose frames are stored. One frame that can never be stored ends its
 * connection: the peer must not take it for accepted.
 */
import { type Deferred, deferred } from "../../core/deferred.ts";
import type { MillraceError } from "../../core/errors.ts";
import type { Bus, BusMessage, PublishObserver } from "../buses/bus.ts";
import type { FrameConnection } from "../endpoint.ts";

/** Those of one connection. */
export class Storing implements PublishObserver {
  readonly #connection: FrameConnection;
  readonly #counted: () => void;
  #pending = 0;
  #done: Deferred | undefined = undefined;

  /** `counted` is called for each frame that is stored. */
  constructor(connection: FrameConnection, counted: () => void) {
    this.#connection = connection;
    this.#counted = counted;
  }

  publish(bus: Pick<Bus, "publish">, frame: BusMessage): void | Promise<void> {
    this.#pending++;
    return bus.publish(frame, this);
  }

  /** Resolves when each of them is stored, or never will be. */
  done(): Promise<void> {
    return this.#pending === 0 ? Promise.resolve() : (this.#done ??= deferred()).promise;
  }

  stored(): void {
    this.#counted();
    this.#settle();
  }

  failed(_: BusMessage, error: MillraceError): void {
    this.#connection.destroy({ reason: error.message, code: "not_stored" });
    this.#settle();
  }

  #settle(): void {
    if (--this.#pending > 0) return;
    this.#done?.resolve();
    this.#done = undefined;
  }
}
