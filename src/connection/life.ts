/**
 * How a connection ends: the first cause, the states after it, who is told, and how long it may take.
 *
 * open → draining (finishing what it has) → closing (FIN sent or on its way) → closed
 *
 * Used by `session.ts`, whose parts it stops in the right order. Knows no frame.
 */
import { type MillraceError, SocketError, TimeoutError } from "../core/errors.ts";
import type { ConnectionState } from "./connection.ts";
import { type Departing, Departure } from "./departure.ts";
import type { CloseReason, Ending } from "./termination.ts";

/** The connection whose life it is. */
interface Living extends Departing {
  readonly id: string;
  readonly pipeline: Departing["pipeline"] & { discard(): void; stopAtBoundary(): void };
  readonly delivery: Departing["delivery"] & { refuse(error?: unknown): void; stop(error?: unknown): void };
}

/** Causes that stand for as long as all that is owed gets delivered. */
const hopes: readonly CloseReason[] = ["peer_closed", "drained"];
/** Those of them, and of our own closing, that a delivery which has failed makes untrue. */
const promises: readonly CloseReason[] = [...hopes, "handler_done", "closed"];
/** A peer that let time pass has had its time. */
const outOfTime: readonly CloseReason[] = ["first_frame_timeout", "frame_timeout", "idle_timeout"];

const sideEnded = "this side has ended";
/** Ends of the connection's own code, or of a peer that had said all: they are no error for whoever still reads. */
const quietEnds: readonly CloseReason[] = ["closed", "handler_done", "peer_closed"];

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
    else this.#departure?.start();
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
  mark(
    reason: CloseReason,
    by: "peer" | "local",
    error?: MillraceError,
    message?: string,
    code?: string,
  ): void {
    if (error !== undefined) error.connectionId = this.#living.id;
    this.ending ??= { reason, by, error, message, code };
  }

  /** From now on, handing over what is owed must not stand still for `closeTimeout`. */
  limit(): void {
    if (this.state === "open" || this.state === "draining") this.#leave().limit();
  }

  /** The server drains: tells the handler, which may take its time. False when the end has begun already. */
  drain(): boolean {
    if (this.state !== "open") return false;
    this.state = "draining";
    this.mark("drained", "local");
    this.signal();
    return true;
  }

  /** The end has begun: tell the handler, and bound how long it may take. */
  wind(reason: CloseReason, by: "peer" | "local", error?: MillraceError, message?: string): void {
    this.mark(reason, by, error, message);
    if (this.state === "open") this.state = "draining";
    this.#leave().limit();
    this.signal();
  }

  /** Deliver what was sent, FIN, wait for the peer's for a little while. */
  finish(reason: CloseReason, by: "peer" | "local", error?: MillraceError, message?: string): void {
    if (this.state === "closing" || this.state === "closed") return;
    const { delivery, pipeline } = this.#living;
    this.wind(reason, by, error, message);
    this.state = "closing";
    delivery.stop(quietEnds.includes(reason) ? undefined : this.#lost());
    pipeline.discard();
    this.#refuse();
    this.#leave().linger(!outOfTime.includes(reason));
  }

  /** Drop now: nothing that is held is sent. */
  drop(
    reason: CloseReason,
    by: "peer" | "local",
    error?: MillraceError,
    message?: string,
    code?: string,
  ): void {
    if (this.state === "closed") return;
    this.mark(reason, by, error, message, code);
    this.state = "closing";
    this.dropped = true;
    const { delivery, pipeline, outbox } = this.#living;
    delivery.refuse(this.#lost());
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
    why?: { readonly message?: string | undefined; readonly code?: string | undefined },
  ): void {
    if (this.state === "closed") return;
    this.#forget(hopes);
    this.drop(reason, "local", undefined, why?.message, why?.code);
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

  /** What a send or flush that cannot happen any more fails with; made when one does, since most ends meet none. */
  closedError(how: string): () => MillraceError {
    const { id } = this.#living;
    let error = this.ending?.error;
    return () => {
      error ??= new SocketError("closed", `send on connection ${id}: ${how}`);
      error.connectionId = id;
      return error;
    };
  }

  /** The same once it is closed, or as good as that, with what was said about it. */
  goneError(): () => MillraceError {
    const { reason, message } = this.ending!;
    return this.closedError(`it is closed (${message === undefined ? reason : `${reason}: ${message}`})`);
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

  /** What whoever still reads fails with. */
  #lost(): MillraceError {
    const { reason, message, error } = this.ending!;
    if (error !== undefined) return error;
    const { id } = this.#living;
    const why = message === undefined ? reason : `${reason}: ${message}`;
    const lost = new SocketError("aborted", `receive on connection ${id}: it was dropped (${why})`);
    lost.connectionId = id;
    return lost;
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
    this.#forget(promises);
    this.drop("close_timeout", "local", new TimeoutError("half_close", limit, `${what} ${limit} ms`));
  }
}
