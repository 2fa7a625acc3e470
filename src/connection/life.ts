/**
 * How a connection ends: the first cause, the states after it, and who is told. How our side leaves is said in
 * `departure.ts`.
 *
 * open → draining (finishing what it has) → closing (FIN sent or on its way) → closed
 *
 * Used by `session.ts`, whose parts it stops in the right order. Knows no frame.
 */
import { type MillraceError, type SocketError, TimeoutError } from "../core/errors.ts";
import type { Outbox } from "../core/flow/outbox.ts";
import type { ConnectionState } from "./connection.ts";
import { type Departing, Departure } from "./departure.ts";
import type { Cause, CloseReason, Ending, Retiring } from "./termination.ts";
import * as causes from "./termination.ts";

/** The connection whose life it is. */
interface Living extends Departing {
  readonly id: string;
  readonly outbox: Outbox<never>;
  readonly pipeline: Departing["pipeline"] & { discard(): void };
  readonly delivery: Departing["delivery"] & {
    refuse(error?: unknown): void;
    stop(error?: unknown): void;
  };
}

const sideEnded = "this side has ended";

/** One connection's way from open to closed. */
export class Life {
  state: ConnectionState = "open";
  /** Why it ends, from the moment that this is decided. */
  ending: Ending | undefined = undefined;
  /** The transport was aborted, or will be as soon as it has started. */
  dropped = false;
  readonly #living: Living;
  #departure: Departure | undefined = undefined;
  #listeners: (() => void)[] | undefined = undefined;
  #mute: ((error: () => MillraceError) => void) | undefined = undefined;

  constructor(living: Living) {
    this.#living = living;
  }

  /** FIN is sent or will be: nothing more is accepted for sending. */
  get leaving(): boolean {
    return this.#departure?.wanted === true;
  }

  /** The transport has started: what was decided before can happen now. */
  start(): void {
    if (this.state === "closed") return;
    if (this.dropped) this.#living.transport.abort();
    else if (this.leaving) this.#departure!.end();
  }

  /** Calls back when an end has begun: the server drains or the connection ends, whichever is first. */
  onSignal(listener: () => void): void {
    if (this.ending !== undefined) listener();
    else (this.#listeners ??= []).push(listener);
  }

  /** Calls back, once, when nothing can be sent any more, with what a send fails with. */
  onMute(listener: (error: () => MillraceError) => void): void {
    if (this.dropped || this.state === "closed") listener(this.goneError());
    else if (this.leaving) listener(this.closedError(sideEnded));
    else this.#mute = listener;
  }

  /** Half-close: no more frames from us. */
  end(): void {
    if (this.leaving) return;
    this.#refuse();
    this.#leave().end();
  }

  /** Notes why, unless an earlier cause is noted. */
  mark(...[reason, by, error, message, code]: Cause): void {
    if (error !== undefined) error.connectionId = this.#living.id;
    this.ending ??= { reason, by, error, message, code };
  }

  /** From now on, handing over what is owed must not stand still for `closeTimeout`. */
  limit(): void {
    if (this.state === "open" || this.state === "draining") this.#leave().limit();
  }

  /** Its time is over: tells the handler, which may take its own. False when the end has begun already. */
  drain(reason: Retiring): boolean {
    if (this.state !== "open") return false;
    this.state = "draining";
    this.mark(reason, "local");
    this.signal();
    return true;
  }

  /** The end has begun: tell the handler, and bound how long it may take. */
  wind(...cause: Cause): void {
    this.mark(...cause);
    if (this.state === "open") this.state = "draining";
    this.#leave().limit();
    this.signal();
  }

  /** Deliver what was sent, FIN, wait for the peer's for a little while. */
  finish(...cause: Cause): void {
    if (this.state === "closing" || this.state === "closed") return;
    const { delivery, pipeline } = this.#living;
    const [reason] = cause;
    this.wind(...cause);
    this.state = "closing";
    delivery.stop(
      causes.quietEnds.includes(reason) ? undefined : causes.lostError(this.#living.id, this.ending!),
    );
    pipeline.discard();
    this.#refuse();
    this.#leave().linger(!causes.outOfTime.includes(reason));
  }

  /** Drop now: nothing that is held is sent. */
  drop(...cause: Cause): void {
    if (this.state === "closed") return;
    this.mark(...cause);
    this.state = "closing";
    this.dropped = true;
    const { delivery, pipeline, outbox } = this.#living;
    delivery.refuse(causes.lostError(this.#living.id, this.ending!));
    pipeline.discard();
    // Now, so that nothing is handed to a transport that has been aborted, as if it might still arrive.
    outbox.close(this.goneError());
    this.#muted(this.goneError());
    this.signal();
    if (this.#living.started) this.#living.transport.abort();
  }

  /** As `drop`, by order; the reason is this one unless the connection was ending for another already. */
  destroy(
    reason: CloseReason,
    why?: {
      readonly message?: string | undefined;
      readonly code?: string | undefined;
      readonly error?: MillraceError;
    },
  ): void {
    if (this.state === "closed") return;
    this.#forget(causes.hopes);
    this.drop(reason, "local", why?.error, why?.message, why?.code);
  }

  /** Everything sent is in the kernel. */
  emptied(): void {
    this.#departure?.emptied();
  }

  /** The transport is gone; says how our side let go. */
  over(error: SocketError | undefined): "fin" | "rst" {
    if (error !== undefined && this.ending?.reason === "peer_closed") this.ending = undefined;
    this.mark(error === undefined ? "peer_closed" : "peer_reset", "peer", error);
    this.state = "closed";
    this.#muted(this.goneError());
    this.#departure?.stop();
    if (this.dropped || (error?.reason === "reset" && this.ending!.by === "peer")) return "rst";
    // One that broke before everything was handed over was not let go with a FIN.
    return error !== undefined && this.#living.outbox.pending > 0 ? "rst" : "fin";
  }

  /** Tells those who wait for the end to begin. */
  signal(): void {
    const listeners = this.#listeners;
    this.#listeners = undefined;
    listeners?.forEach((listener) => listener());
  }

  /** What a send or flush that cannot happen any more fails with. */
  closedError(how: string): () => MillraceError {
    return causes.closedError(this.#living.id, how, this.ending?.error);
  }

  /** The same once it is closed, or as good as that. */
  goneError(): () => MillraceError {
    return this.closedError(`it is closed (${causes.whyOf(this.ending!)})`);
  }

  /** Nothing more is accepted for sending; what was is still delivered. */
  #refuse(): void {
    const error = this.closedError(sideEnded);
    this.#living.outbox.refuse(error);
    this.#muted(error);
  }

  #muted(error: () => MillraceError): void {
    const mute = this.#mute;
    this.#mute = undefined;
    mute?.(error);
  }

  #leave(): Departure {
    return this.#departure ??= new Departure(this.#living, () => this.#late());
  }

  /** A cause that was only a hope gives way to what has come instead. */
  #forget(reasons: readonly CloseReason[]): void {
    if (this.ending !== undefined && reasons.includes(this.ending.reason)) this.ending = undefined;
  }

  #late(): void {
    const limit = this.#living.profile.close;
    const what = "close a connection: the handler or the peer made no progress for closeTimeout";
    this.#forget(causes.promises);
    this.drop("close_timeout", "local", new TimeoutError("half_close", limit, `${what} ${limit} ms`));
  }
}
