/**
 * The life of one connection, from its transport to its termination record.
 *
 * Between the pipeline (in), the outbox (out), the handler and the clocks it decides what follows from what;
 * `Connection` is its face for users. The server or client that owns it hears how it ended.
 *
 * open → draining (finishing what it has) → closing (FIN sent or on its way) → closed
 */
import * as Effect from "effect/Effect";
import { Deadline } from "../core/deadline.ts";
import {
  type FrameError,
  type LimitError,
  MillraceError,
  SocketError,
  TimeoutError,
} from "../core/errors.ts";
import { GateReason } from "../core/gate.ts";
import { Inbox } from "../core/inbox.ts";
import { defaults } from "../core/options.ts";
import { Outbox, type OutboxOwner } from "../core/outbox.ts";
import type { OutcomeListener } from "../core/outcome.ts";
import { Pipeline, type PipelineOwner } from "../core/pipeline.ts";
import type { Transport } from "../core/transport.ts";
import type { TurnMember } from "../core/turn.ts";
import { Connection } from "./connection.ts";
import type { ConnectionState } from "./connection_options.ts";
import { makeConnectionId } from "./identity.ts";
import type { ConnectionProfile } from "./profile.ts";
import type { SessionOwner } from "./session_owner.ts";
import type { CloseReason, TerminationRecord } from "./termination.ts";
import { Vigil } from "./vigil.ts";

interface Ending {
  reason: CloseReason;
  by: "peer" | "local";
  error: MillraceError | undefined;
  message: string | undefined;
  code: string | undefined;
}

/** One connection at work. */
export class Session<Received, Sent, Context> implements PipelineOwner<Received>, OutboxOwner, TurnMember {
  readonly id: string;
  readonly startedAt: number;
  readonly transport: Transport;
  readonly profile: ConnectionProfile<Received, Sent, Context>;
  readonly connection: Connection<Received, Sent, Context>;
  readonly pipeline: Pipeline<Received>;
  readonly outbox: Outbox<Sent>;
  readonly inbox: Inbox<Received> = new Inbox();
  state: ConnectionState = "open";
  /** The record, once closed. */
  record: TerminationRecord | undefined = undefined;
  /** Milliseconds from the start to the first byte; -1 before it. */
  firstByteMs = -1;

  readonly #owner: SessionOwner<Received, Sent, Context>;
  readonly #begun: number;
  readonly #vigil: Vigil;
  #ending: Ending | undefined = undefined;
  #endedWith: "fin" | "rst" = "fin";
  #started = false;
  #over = false;
  #held = false;
  #delivering = false;
  #inTurn = false;
  #handling = false;
  #finWanted = false;
  #finSent = false;
  #inboxBytes = 0;
  #unhandled = 0;
  #closing: Deadline | undefined = undefined;
  #interrupt: (() => void) | undefined = undefined;
  #flushers: { resolve: () => void; reject: (error: Error) => void }[] | undefined = undefined;
  #listeners: (() => void)[] | undefined = undefined;

  constructor(
    transport: Transport,
    profile: ConnectionProfile<Received, Sent, Context>,
    owner: SessionOwner<Received, Sent, Context>,
  ) {
    this.startedAt = owner.clock.wallTime();
    this.id = makeConnectionId(this.startedAt);
    this.#begun = owner.clock.now();
    this.transport = transport;
    this.profile = profile;
    this.#owner = owner;
    this.#vigil = new Vigil(owner.wheel, profile, this);
    this.pipeline = new Pipeline(transport, profile.framing, this.#vigil, this);
    this.outbox = new Outbox(transport, profile.framing, profile.egressLimit, profile.egressPolicy, this);
    this.connection = new Connection(this);
  }

  /** Tells the hooks, starts the handler, then the transport. Called once, by the owner, after registering. */
  start(): void {
    const { options, handler } = this.profile;
    try {
      this.connection.context = options.context?.(this.connection as never) as Context;
      options.onConnect?.(this.connection);
      if (handler !== undefined && !this.#over) this.#run(handler(this.connection));
    } catch (error) {
      this.#handlerFailed(error);
    }
    this.#started = true;
    this.#vigil.start();
    this.transport.start(this.pipeline);
    if (this.#endedWith === "rst") this.transport.abort();
    else this.#advance();
  }

  // In: from the pipeline.

  frame(frame: Received): void {
    if (this.pipeline.framesReceived === 1) this.#vigil.firstFrameCame();
    if (this.#over) {
      this.#unhandled++;
      return;
    }
    if (this.profile.options.onFrame === undefined || this.#held || this.inbox.length > 0) {
      this.inbox.push(frame);
    } else this.#deliver(frame);
  }

  chunkDone(bytes: number, partial: boolean): void {
    if (this.firstByteMs < 0) this.firstByteMs = this.#owner.clock.now() - this.#begun;
    this.#vigil.frameProgress(partial, this.pipeline.framesReceived);
    if (this.inbox.length > 0) {
      this.#inboxBytes += bytes;
      if (this.#inboxBytes > this.profile.ingressLimit || this.inbox.length > defaults.ingressFrames) {
        this.pipeline.gate.close(GateReason.inbox);
      }
    }
    if (this.outbox.pending > 0 && this.profile.options.onFrame !== undefined) this.flushNow();
  }

  skipped(error: FrameError): void {
    error.connectionId = this.id;
    this.#owner.frameFailed(this, error);
    this.#hook(() => this.profile.options.onFrameError?.(error, this.connection));
  }

  faulted(error: FrameError): void {
    this.skipped(error);
    this.#wind("frame_error", "peer", error);
    this.inbox.end(error);
    this.#finishIfIdle();
  }

  inputEnded(byPeer: boolean): void {
    if (byPeer) {
      this.#mark("peer_closed", "peer");
      if (this.state === "open" || this.state === "draining") this.#closingDeadline().set(this.profile.close);
    }
    this.inbox.end();
    this.#finishIfIdle();
  }

  transportDrained(): void {
    this.outbox.drained();
  }

  transportClosed(error: SocketError | undefined): void {
    if (this.state === "closed") return;
    if (error !== undefined) {
      error.connectionId = this.id;
      if (this.#ending?.reason === "peer_closed") this.#ending = undefined;
      this.#mark("peer_reset", "peer", error);
    } else this.#mark("peer_closed", "peer");
    this.#finalize(error);
  }

  // Out: from the outbox, the turn and the clocks.

  wrote(): void {
    this.#vigil.noteWrite();
  }

  congested(full: boolean): void {
    if (full) this.pipeline.gate.close(GateReason.outbox);
    else this.pipeline.gate.open(GateReason.outbox);
  }

  overflowed(error: LimitError): void {
    error.connectionId = this.id;
    this.#drop("egress_limit", "local", error);
  }

  emptied(): void {
    const flushers = this.#flushers;
    this.#flushers = undefined;
    flushers?.forEach(({ resolve }) => resolve());
    if (this.#finWanted) this.#sendFin();
  }

  endTurn(): void {
    this.#inTurn = false;
    this.flushNow();
  }

  /** True while received frames wait for a handler that is at work: the peer is not idle then, we are slow. */
  get busy(): boolean {
    return this.#held || this.inbox.length > 0 ||
      (this.#handling && this.inbox.taken && !this.inbox.awaited) ||
      !this.pipeline.gate.isOpen;
  }

  timedOut(reason: CloseReason, error: TimeoutError): void {
    error.connectionId = this.id;
    this.inbox.end(error);
    if (this.outbox.pending > 0) this.#drop(reason, "local", error);
    else this.finish(reason, "local", error);
  }

  sendKeepalive(payload: Uint8Array): void {
    if (this.#finWanted || this.outbox.pending > 0) return;
    this.outbox.sendEncoded(payload);
    this.flushNow();
  }

  // What users ask for, through `Connection`.

  send(frame: Sent, listen?: OutcomeListener): void | Promise<void> {
    const result = this.outbox.send(frame, listen);
    if (!this.#inTurn && !this.#delivering) this.#joinTurn();
    return result;
  }

  sendEncoded(bytes: Uint8Array, listen: OutcomeListener): void {
    this.outbox.sendEncoded(bytes, listen);
    if (!this.#inTurn) this.#joinTurn();
  }

  /** The next frame for an iterator; an empty inbox is a flush point. */
  nextFrame(): Promise<IteratorResult<Received, undefined>> {
    const { inbox } = this;
    if (inbox.length === 0) {
      if (this.outbox.pending > 0) this.flushNow();
      this.#inboxBytes = 0;
      this.pipeline.gate.open(GateReason.inbox);
      if (inbox.over) this.#finishIfIdle();
    }
    return inbox.next();
  }

  flushNow(): void {
    if (this.#started) this.outbox.flush();
  }

  /** Resolves when all is in the kernel. */
  whenFlushed(): Promise<void> {
    this.flushNow();
    if (this.outbox.pending === 0) return Promise.resolve();
    if (this.record !== undefined) return Promise.reject(this.#closedError("it is closed"));
    const flushed = new Promise<void>((resolve, reject) => (this.#flushers ??= []).push({ resolve, reject }));
    flushed.catch(() => {});
    return flushed;
  }

  /** Half-close: no more frames from us. */
  end(): void {
    if (this.#finWanted) return;
    this.#finWanted = true;
    this.outbox.refuse(this.#closedError("this side has ended"));
    this.#advance();
  }

  /** Deliver what was sent, FIN, wait for the peer's for a little while. */
  finish(reason: CloseReason, by: "peer" | "local", error?: MillraceError, message?: string): void {
    if (this.state === "closing" || this.state === "closed") return;
    this.#wind(reason, by, error, message);
    this.state = "closing";
    this.#over = true;
    this.inbox.end();
    this.#unhandled += this.inbox.discard();
    this.pipeline.discard();
    if (this.#finSent) this.#closingDeadline().set(this.profile.linger);
    else this.end();
  }

  /** Stop reading at a frame boundary, let the handler end, then finish. */
  drain(): void {
    if (this.state !== "open") return;
    this.state = "draining";
    this.#mark("drained", "local");
    this.#signal();
    // What the kernel holds already was sent before the peer could know: it is read first.
    const { clock } = this.#owner;
    clock.endOfTurn(() => clock.endOfTurn(() => this.pipeline.stopAtBoundary()));
  }

  /** Drop now, with this reason even if the connection was ending for another. */
  destroy(
    reason: CloseReason,
    why?: { readonly message?: string | undefined; readonly code?: string | undefined },
  ): void {
    if (this.state === "closed") return;
    this.#ending = undefined;
    this.#drop(reason, "local", undefined, why?.message, why?.code);
  }

  /** Calls back when the server drains or the connection ends, whichever is first. */
  onSignal(listener: () => void): void {
    if (this.signalled) listener();
    else (this.#listeners ??= []).push(listener);
  }

  get signalled(): boolean {
    return this.#ending !== undefined;
  }

  get ageMs(): number {
    return this.#owner.clock.now() - this.#begun;
  }

  // Inside.

  #deliver(frame: Received): void {
    this.#delivering = true;
    try {
      const result = this.profile.options.onFrame!(frame, this.connection);
      if (result !== undefined && typeof result.then === "function") this.#hold(result);
    } catch (error) {
      this.#handlerFailed(error);
    }
    this.#delivering = false;
  }

  /** `onFrame` returned a promise: the frames after it wait until it settles. */
  #hold(result: Promise<void>): void {
    this.#held = true;
    result.then(() => this.#release(), (error) => {
      this.#held = false;
      this.#handlerFailed(error);
    });
  }

  #release(): void {
    this.#held = false;
    while (this.inbox.length > 0 && !this.#held && !this.#over) this.#deliver(this.inbox.take());
    this.flushNow();
    if (this.inbox.length > 0) return;
    this.#inboxBytes = 0;
    this.pipeline.gate.open(GateReason.inbox);
    this.#finishIfIdle();
  }

  #run(result: void | Promise<void> | Effect.Effect<void, unknown>): void {
    if (result === undefined) return;
    if (Effect.isEffect(result)) {
      this.#handling = true;
      this.#owner.handlerBegan(this);
      this.#interrupt = this.#owner.runEffect(
        result,
        this,
        (failure) => failure === undefined ? this.#handlerDone() : this.#handlerFailed(failure.error),
      );
    } else if (typeof result.then === "function") {
      this.#handling = true;
      this.#owner.handlerBegan(this);
      result.then(() => this.#handlerDone(), (error) => this.#handlerFailed(error));
    }
  }

  #handlerDone(): void {
    this.#handling = false;
    this.#owner.handlerEnded(this);
    this.finish("handler_done", "local");
  }

  #handlerFailed(error: unknown): void {
    if (this.#handling) {
      this.#handling = false;
      this.#owner.handlerEnded(this);
    }
    // A handler that lets the connection's own end pass through has not failed.
    const own = this.#ending !== undefined && error instanceof MillraceError &&
      error.connectionId === this.id;
    if (!own) {
      this.#owner.handlerFailed(this, error);
      this.#hook(() => this.profile.options.onError?.(error, this.connection));
    }
    this.finish("handler_error", "local", undefined, String((error as Error)?.message ?? error));
  }

  /** Without a handler that decides, a connection is done when its input has ended and nothing waits. */
  #finishIfIdle(): void {
    const { length, over } = this.inbox;
    if (this.#handling || this.#held || length > 0 || !over) return;
    const byPeer = this.#ending?.reason === "peer_closed";
    if (byPeer && this.profile.allowHalfOpen) return;
    this.finish("peer_closed", "peer");
  }

  #mark(
    reason: CloseReason,
    by: "peer" | "local",
    error?: MillraceError,
    message?: string,
    code?: string,
  ): void {
    this.#ending ??= { reason, by, error, message, code };
  }

  /** The end has begun: tell the handler, and bound how long it may take. */
  #wind(reason: CloseReason, by: "peer" | "local", error?: MillraceError, message?: string): void {
    this.#mark(reason, by, error, message);
    if (this.state === "open") this.state = "draining";
    this.#closingDeadline().set(this.profile.close);
    this.#signal();
  }

  #drop(
    reason: CloseReason,
    by: "peer" | "local",
    error?: MillraceError,
    message?: string,
    code?: string,
  ): void {
    this.#mark(reason, by, error, message, code);
    this.state = "closing";
    this.#over = true;
    this.#endedWith = "rst";
    this.#signal();
    this.inbox.end(error);
    if (this.#started) this.transport.abort();
  }

  #advance(): void {
    if (!this.#started || !this.#finWanted) return;
    this.outbox.flush();
    if (this.outbox.pending === 0) this.#sendFin();
  }

  #sendFin(): void {
    if (this.#finSent || !this.#started || this.state === "closed") return;
    this.#finSent = true;
    if (this.state === "closing") this.#closingDeadline().set(this.profile.linger);
    this.transport.end();
  }

  #closingDeadline(): Deadline {
    return this.#closing ??= new Deadline(this.#owner.wheel, () => {
      if (this.#finSent && this.state === "closing") return this.transport.abort();
      const limit = this.profile.close;
      const error = new TimeoutError(
        "half_close",
        limit,
        `close a connection: the handler or the peer took longer than closeTimeout ${limit} ms`,
      );
      error.connectionId = this.id;
      this.#ending = undefined;
      this.#drop("close_timeout", "local", error);
    });
  }

  #joinTurn(): void {
    this.#inTurn = true;
    this.#owner.turn.join(this);
  }

  #signal(): void {
    const listeners = this.#listeners;
    this.#listeners = undefined;
    listeners?.forEach((listener) => listener());
  }

  #hook(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#owner.handlerFailed(this, error);
    }
  }

  #closedError(how: string): MillraceError {
    const error = this.#ending?.error ?? new SocketError("closed", `send on connection ${this.id}: ${how}`);
    error.connectionId = this.id;
    return error;
  }

  #finalize(error: SocketError | undefined): void {
    const { pipeline, outbox, transport } = this;
    const ending = this.#ending!;
    this.state = "closed";
    this.#over = true;
    this.#closing?.unset();
    this.#vigil.stop();
    this.inbox.end(ending.error ?? error);
    if (!this.#handling) this.#unhandled += this.inbox.discard();
    this.record = {
      connectionId: this.id,
      peer: transport.peer,
      reason: ending.reason,
      endedBy: ending.by,
      endedWith: error?.reason === "reset" && ending.by === "peer" ? "rst" : this.#endedWith,
      code: ending.code,
      message: ending.message ?? ending.error?.message,
      error: ending.error,
      startedAt: this.startedAt,
      durationMs: this.ageMs,
      bytesReceived: pipeline.bytesReceived,
      framesReceived: pipeline.framesReceived,
      partialFrameBytes: pipeline.partialFrameBytes,
      framesUnhandled: this.#unhandled + this.inbox.length,
      bytesSent: outbox.bytesSent,
      framesSent: outbox.framesSent,
      bytesUnsent: outbox.pending,
      framesUnsent: outbox.framesPending,
      framesDropped: outbox.framesDropped,
    };
    const failure = this.#closedError(`it is closed (${ending.reason})`);
    outbox.close(failure);
    this.#flushers?.forEach(({ reject }) => reject(failure));
    this.#flushers = undefined;
    this.#signal();
    this.#interrupt?.();
    this.#hook(() => this.profile.options.onDisconnect?.(this.record!, this.connection));
    this.#owner.ended(this, this.record);
    this.connection.settle(this.record);
  }
}
