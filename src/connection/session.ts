/**
 * The life of one connection, from its transport to its termination record: between the pipeline (in), the outbox (out),
 * the handler and the clocks it decides what follows from what. Users have its `Connection`; its owner hears how it ended.
 */
import type { Diagnosis } from "../core/framing/diagnosis.ts";
import type { FrameError, LimitError, SocketError, TimeoutError } from "../core/errors.ts";
import type { Inbox } from "../core/flow/inbox.ts";
import { Outbox } from "../core/flow/outbox.ts";
import type { OutboxOwner, OutcomeListener } from "../core/flow/outcome.ts";
import { Pipeline } from "../core/flow/pipeline.ts";
import { GateReason, type PipelineOwner } from "../core/flow/pipeline_owner.ts";
import type { TimerWheel } from "../core/time/timer_wheel.ts";
import type { Transport } from "../core/transport.ts";
import type { TurnMember } from "../core/time/turn.ts";
import type { Connection, ConnectionState } from "./connection.ts";
import { type Deferred, deferred } from "../core/deferred.ts";
import { Delivery, type DeliveryOwner } from "./delivery.ts";
import { makeConnectionId } from "./identity.ts";
import { Life } from "./life.ts";
import type { ConnectionProfile } from "./profile.ts";
import type { Tally } from "./tally.ts";
import { type CloseReason, makeRecord, type Retiring, type TerminationRecord } from "./termination.ts";
import * as user from "./user_code.ts";
import { Vigil } from "./vigil.ts";

/** One connection at work. */
export class Session<Received, Sent, Context>
  implements PipelineOwner<Received>, DeliveryOwner<Received>, user.HandlingOwner, OutboxOwner, TurnMember {
  readonly id: string;
  readonly startedAt: number;
  readonly transport: Transport;
  /** Of its server or client, unless its framing has changed. */
  profile: ConnectionProfile<Received, Sent, Context>;
  readonly connection: Connection<Received, Sent, Context>;
  readonly pipeline: Pipeline<Received>;
  readonly delivery: Delivery<Received>;
  readonly outbox: Outbox<Sent>;
  readonly vigil: Vigil;
  readonly wheel: TimerWheel;
  started = false;
  /** What is sent leaves at the next call of `endTurn`. */
  inTurn = false;
  /** `onFirstByte` was called. */
  heard = false;
  /** Frames that could not be cut. */
  frameErrors = 0;
  /** The record, once closed, and who waits for it. */
  record: TerminationRecord | undefined = undefined;
  tellRecord: ((record: TerminationRecord) => void) | undefined = undefined;
  /** Where rates are taken: what was counted by the last time. */
  tally: Tally | undefined = undefined;
  readonly #owner: user.SessionOwner<Session<Received, Sent, Context>>;
  readonly #begun: number;
  #run: user.HandlerRun = "none";
  #interrupt: (() => void) | undefined = undefined;
  #life: Life | undefined = undefined;
  /** For those who wait until everything sent is in the kernel. */
  #flushed: Deferred | undefined = undefined;

  constructor(
    transport: Transport,
    profile: ConnectionProfile<Received, Sent, Context>,
    owner: user.SessionOwner<Session<Received, Sent, Context>>,
  ) {
    const { framing, options, ingressLimit, egressLimit, egressPolicy, reframable } = profile;
    this.startedAt = owner.clock.wallTime();
    this.id = transport.connectionId ?? makeConnectionId(this.startedAt);
    this.#begun = owner.clock.now();
    this.transport = transport;
    this.profile = profile;
    this.#owner = owner;
    this.wheel = owner.wheel;
    this.vigil = new Vigil(owner.wheel, profile, this);
    this.pipeline = new Pipeline(transport, profile, this.vigil, owner, this);
    this.delivery = new Delivery(this, this.pipeline, !!options.onFrame, ingressLimit, reframable);
    this.outbox = new Outbox(transport, framing, egressLimit, egressPolicy, owner.wheel, this);
    this.connection = owner.connectionOf(this);
  }

  get state(): ConnectionState {
    return this.#life === undefined ? "open" : this.#life.state;
  }

  /** Made when it is first asked for: most often when the end begins. */
  get life(): Life {
    return this.#life ??= new Life(this);
  }

  /** A handler is at work, or replies are owed, be the connection still open or not. */
  get handling(): boolean {
    return this.#run === "running" || this.#run === "owing";
  }

  /** Tells the hooks, starts the handler, then the transport. Called once, by the owner, after registering. */
  start(): void {
    const { options, handler } = this.profile;
    try {
      this.connection.context = options.context?.(this.connection as never) as Context;
      options.onConnect?.(this.connection);
      if (handler !== undefined && this.state === "open") {
        this.#run = "called";
        this.#interrupt = user.follow(handler(this.connection), this, this.#owner.effectRunner(this));
      }
    } catch (error) {
      this.handlerOver({ error });
    }
    this.vigil.start();
    this.transport.start(this.pipeline);
    this.started = true;
    this.#life?.start();
    this.outbox.flush();
  }

  // In: from the pipeline.

  firstFrame(): void {
    this.#heardFirst();
    this.vigil.firstFrameCame();
  }

  chunkDone(bytes: number, partial: boolean): void {
    if (this.pipeline.bytesReceived === bytes) this.#heardFirst();
    this.vigil.frameProgress(partial, this.pipeline.framesReceived);
    this.delivery.chunkDone(bytes);
    if (this.outbox.pending === 0) return;
    // What `onFrame` has sent leaves now; what a hook has, with what a loop is about to send.
    if (this.profile.options.onFrame !== undefined) this.flushNow();
    else if (!this.inTurn) this.#joinTurn();
  }

  skipped(error: FrameError, last = false): void {
    if (this.record !== undefined) return;
    this.#heardFirst();
    user.tellFrameError(this, this.#owner, error, last);
  }

  otherProtocol(found: Diagnosis): void {
    user.tellOtherProtocol(this, this.#owner, found);
  }

  faulted(error: FrameError): void {
    this.skipped(error, true);
    if (this.record === undefined) this.life.wind("frame_error", "peer", error);
    this.delivery.end(error);
    this.#finishIfIdle();
    this.flushNow();
  }

  inputEnding(): void {
    this.vigil.inputOver();
    this.life.limit();
  }

  inputEnded(byPeer: boolean): void {
    if (byPeer) {
      this.life.mark("peer_closed", "peer");
      this.inputEnding();
    }
    this.delivery.end();
    this.#finishIfIdle();
    this.flushNow();
  }

  transportDrained(): void {
    this.outbox.drained();
  }

  transportClosed(error: SocketError | undefined): void {
    if (this.state === "closed") return;
    this.delivery.cutOff(this.#abandoned);
    const cut = error && this.pipeline.cutShort(error);
    if (cut !== undefined) this.skipped(cut, true);
    this.#finalize(error, cut);
  }

  // In: to the user's code.

  deliver(frame: Received): void | Promise<void> {
    return this.profile.options.onFrame!(frame, this.connection);
  }

  released(): void {
    this.flushNow();
    this.#finishIfIdle();
  }

  handlerBegan(): void {
    this.#run = "running";
  }

  /** Replies are owed, which keep it open as a handler does that is at work; or they are no longer. */
  owes(some: boolean): void {
    if (this.#run === "running" || this.#run === "over") return;
    this.#run = some ? "owing" : "called";
    if (some) return;
    this.#owner.handlerEnded(this);
    this.released();
  }

  handlerOver(end: user.HandlerEnd): void {
    this.#run = "over";
    this.#owner.handlerEnded(this);
    if (end === "done") this.life.finish("handler_done", "local");
    // What it has sent may be half of something: a FIN would say that it was all.
    else if (end === "interrupted") this.life.destroy("aborted");
    else this.userFailed(end.error);
  }

  /** A function of the user's threw or rejected. */
  userFailed(error: unknown): void {
    user.tellFailure(this, this.#owner, error, this.#life?.ending !== undefined);
    this.life.finish("handler_error", "local", undefined, String((error as Error)?.message ?? error));
  }

  // Out: from the outbox, the turn and the clocks.

  wrote(): void {
    this.vigil.noteWrite();
  }

  congested(full: boolean): void {
    this.pipeline[full ? "closeGate" : "openGate"](GateReason.outbox);
    if (full) this.profile.budget?.grew(this.outbox.pending);
  }

  overflowed(error: LimitError): void {
    this.life.drop("egress_limit", "local", error);
  }

  emptied(): void {
    this.#flushed?.resolve();
    this.#flushed = undefined;
    this.#life?.emptied();
  }

  endTurn(): void {
    this.inTurn = false;
    this.flushNow();
  }

  /** True while this side works on received frames or does not read: then the peer is not idle, this side is slow. */
  get busy(): boolean {
    return (this.pipeline.gateReasons & ~GateReason.inbox) !== 0 || this.#run === "owing" ||
      this.delivery.busy(this.handling);
  }

  get owing(): boolean {
    return this.outbox.pending > 0;
  }

  timedOut(reason: CloseReason, error: TimeoutError): void {
    // The silence of one side is no fault of a connection that has begun to close, which has limits of its own.
    if (this.state === "closing" && error.reason !== "idle") return;
    user.describeTimeout(error, this);
    this.delivery.end(error);
    this.life[this.outbox.pending > 0 ? "drop" : "finish"](reason, "local", error);
  }

  /** The end is wanted, by nobody's fault: for how many ms to read on, undefined where it has begun already. */
  retire(reason: Retiring, hook?: user.LeavingHook<Received, Sent, Context>): number | undefined {
    return this.life.drain(reason) ? user.tellLeaving(this, this.#owner, hook) : undefined;
  }

  sendKeepalive(payload: Uint8Array): void {
    if (this.#life?.leaving || this.outbox.pending > 0) return;
    this.outbox.sendEncoded(payload);
    this.flushNow();
  }

  // What users ask for, through `Connection`.

  send(frame: Sent, listen?: OutcomeListener): void | Promise<void> {
    const result = this.outbox.send(frame, listen);
    // What is sent while a chunk is cut leaves at the end of the chunk.
    if (!this.inTurn && !this.pipeline.cutting) this.#joinTurn();
    return result;
  }

  sendEncoded(bytes: Uint8Array, listen?: OutcomeListener): void | Promise<void> {
    if (!this.inTurn) this.#joinTurn();
    return this.outbox.sendEncoded(bytes, listen);
  }

  /** What a reader takes from the inbox; one that is empty is a flush point. */
  read<Read>(take: (inbox: Inbox<Received>) => Read): Read {
    const { inbox } = this.delivery;
    if (this.delivery.ready() && !inbox.over) return take(inbox);
    if (inbox.length === 0 && this.outbox.pending > 0) this.flushNow();
    this.delivery.asked();
    const read = take(inbox);
    if (inbox.over) this.#finishIfIdle();
    return read;
  }

  flushNow(): void {
    if (this.started) this.outbox.flush();
  }

  /** Resolves when all is in the kernel. */
  whenFlushed(): Promise<void> {
    this.flushNow();
    if (this.outbox.pending === 0) return Promise.resolve();
    if (this.record !== undefined) return Promise.reject(this.life.closedError("it is closed")());
    return (this.#flushed ??= deferred()).promise;
  }

  get ageMs(): number {
    return this.#owner.clock.now() - this.#begun;
  }

  /** Without a handler that decides, a connection is done when its input has ended and its reader knows. */
  #finishIfIdle(): void {
    if (this.handling || this.delivery.unfinished) return;
    if (this.#life?.ending?.reason === "peer_closed" && this.profile.allowHalfOpen) return;
    this.life.finish("peer_closed", "peer");
  }

  /** Its first bytes are here; asked where a first chunk can lead, since a chunk itself should cost nothing. */
  #heardFirst(): void {
    if (!this.heard && this.pipeline.bytesReceived > 0) user.tellFirstByte(this, this.#owner);
  }

  /** Nobody is there who might still ask for frames. A loop that a plain function left behind may. */
  get #abandoned(): boolean {
    return this.#run === "over" || this.delivery.abandoned(this.#run === "called");
  }

  #joinTurn(): void {
    this.inTurn = true;
    this.#owner.turn.join(this);
  }

  #finalize(error: SocketError | undefined, cut: FrameError | undefined): void {
    const { life, delivery, outbox } = this;
    const endedWith = life.over(error);
    const ending = life.ending!;
    this.vigil.stop();
    delivery.end(cut ?? ending.error ?? error);
    if (this.#abandoned) delivery.stop();
    const record = this.record = makeRecord(this, ending, endedWith);
    const failure = life.goneError();
    outbox.close(failure);
    this.#flushed?.reject(failure());
    life.signal();
    this.#interrupt?.();
    user.tellEnd(this, this.#owner, record, error === record.error ? error : undefined);
    this.#owner.ended(this, record);
    this.tellRecord?.(record);
  }
}
