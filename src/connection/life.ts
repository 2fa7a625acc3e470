/**
 * How a connection ends: the first cause, the states after it, who is told; and how our side leaves, with what was sent
 * handed over, then FIN, then a wait for the peer's FIN, each no longer than its limit without progress.
 *
 * open → draining (finishing what it has) → closing (FIN sent or on its way) → closed
 *
 * Used by `session.ts`, whose parts it stops in the right order. Knows no frame.
 */
import { type MillraceError, type SocketError, TimeoutError } from "../core/errors.ts";
import type { Outbox } from "../core/flow/outbox.ts";
import { defaults } from "../core/options.ts";
import type { TimerWheel, WheelEntry } from "../core/time/timer_wheel.ts";
import type { Transport } from "../core/transport.ts";
import type { ConnectionState } from "./connection.ts";
import type { Cause, CloseReason, Ending } from "./termination.ts";
import * as causes from "./termination.ts";

/** The connection whose life it is. */
interface Living {
  readonly id: string;
  readonly started: boolean;
  readonly transport: Transport;
  readonly wheel: TimerWheel;
  readonly vigil: { readonly lastRead: number };
  readonly outbox: Outbox<never>;
  /** Milliseconds without progress: for handing over what is owed, and for the peer's FIN after ours. */
  readonly profile: { readonly close: number; readonly linger: number };
  readonly pipeline: { readonly bytesReceived: number; readonly framesReceived: number; discard(): void };
  readonly delivery: {
    readonly inbox: { readonly length: number };
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

  /** The server drains: tells the handler, which may take its time. False when the end has begun already. */
  drain(): boolean {
    if (this.state !== "open") return false;
    this.state = "draining";
    this.mark("drained", "local");
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
    why?: { readonly message?: string | undefined; readonly code?: string | undefined },
  ): void {
    if (this.state === "closed") return;
    this.#forget(causes.hopes);
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

/** A wait is looked at in quarters, since what the kernel takes of a single write is told by nobody. */
const looks = 4;
/** What a peer that has had `closeTimeout` must send on average to be waited for any longer, in bytes a ms. */
const slowestSender = 1;

/** The leaving of one side. */
class Departure implements WheelEntry {
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  /** FIN is wanted: nothing more is accepted for sending. */
  wanted = false;
  /** FIN was handed to the transport. */
  finSent = false;
  readonly #living: Living;
  readonly #late: () => void;
  /** Nothing else is wanted from the peer than its FIN. */
  #lingering = false;
  /** What the peer still sends counts as progress. */
  #patient = true;
  #lingeringSince = 0;
  #receivedBefore = 0;
  /** The wait in force, when it began or was last begun anew, and what had moved by then. */
  #limit = Infinity;
  #since = 0;
  #taken = 0;
  #received = 0;
  #handled = 0;

  /** `late` is called when what is owed was not handed over in time. */
  constructor(living: Living, late: () => void) {
    this.#living = living;
    this.#late = late;
  }

  /** The end has begun, from whichever side: it may stand still for `close` from now. */
  limit(): void {
    this.#wait(this.#living.profile.close);
  }

  /** FIN as soon as everything is in the kernel. */
  end(): void {
    this.wanted = true;
    if (!this.#living.started) return;
    this.#living.outbox.flush();
    this.emptied();
  }

  /**
   * Nothing else is wanted from the peer than its FIN. What it still sends is waited for where `patient`: the kernel
   * answers bytes for a socket that is gone with a reset, which takes from the peer what it has not read yet.
   */
  linger(patient: boolean): void {
    this.#lingering = true;
    // Nothing that was sent can get lost where nothing was.
    this.#patient = patient && (this.#living.transport.taken > 0 || this.#living.outbox.pending > 0);
    this.#lingeringSince = this.#living.wheel.now;
    this.#receivedBefore = this.#living.pipeline.bytesReceived;
    if (this.finSent) this.#wait(this.#living.profile.linger);
    else this.end();
  }

  /** Everything sent is in the kernel. */
  emptied(): void {
    if (!this.wanted || !this.#living.started || this.finSent || this.#living.outbox.pending > 0) return;
    this.finSent = true;
    if (this.#lingering) this.#wait(this.#living.profile.linger);
    this.#living.transport.end();
  }

  /** It is over. */
  stop(): void {
    this.#limit = Infinity;
    this.#living.wheel.cancel(this);
  }

  /** For the wheel: has anything moved, or has nothing for too long? */
  expire(now: number): number {
    this.#look(now);
    const left = this.#living.wheel.left(this.#since, this.#limit, now);
    if (left > 0) return Math.min(left, this.#limit / looks);
    this.#limit = Infinity;
    // What the kernel has is still delivered, and FIN behind it.
    if (this.finSent && this.#lingering) this.#living.transport.release();
    else this.#late();
    return 0;
  }

  #wait(limit: number): void {
    const { wheel, transport, pipeline } = this.#living;
    this.#limit = limit;
    if (limit === Infinity) return wheel.cancel(this);
    wheel.schedule(this, limit / looks);
    this.#since = wheel.now;
    this.#taken = transport.taken;
    this.#received = pipeline.bytesReceived;
    this.#handled = this.#framesHandled;
  }

  /** Frames that the user's code has taken: the peer's FIN may have come long behind them. */
  get #framesHandled(): number {
    const { pipeline, delivery } = this.#living;
    return pipeline.framesReceived - delivery.inbox.length;
  }

  #look(now: number): void {
    const { transport, pipeline, vigil } = this.#living;
    const { taken } = transport;
    const handled = this.#framesHandled;
    if (taken !== this.#taken || handled !== this.#handled) {
      this.#taken = taken;
      this.#handled = handled;
      this.#since = now;
    }
    const { bytesReceived } = pipeline;
    if (bytesReceived === this.#received || !this.#keepsSending(now)) return;
    this.#received = bytesReceived;
    this.#since = Math.max(this.#since, vigil.lastRead);
  }

  /** A trickle must not hold a connection that is over. */
  #keepsSending(now: number): boolean {
    if (!this.#lingering || !this.#patient) return false;
    const { pipeline, profile } = this.#living;
    const usual = profile.close === Infinity ? defaults.closeTimeout : profile.close;
    const allowed = usual + (pipeline.bytesReceived - this.#receivedBefore) / slowestSender;
    return now - this.#lingeringSince < allowed;
  }
}
