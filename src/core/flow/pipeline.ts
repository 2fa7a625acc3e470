/**
 * The inbound half of a connection: the order of its stages, from the transport's chunks to frames.
 *
 * metrics tap → idle watchdog → rate limiter → framer → the connection. One boolean comes back on the same
 * call stack: go on reading, or stop. Frames are cut on demand, and so many at once that other
 * connections get their turn; until then they are the bytes that came. Used by `connection/session.ts`; knows no
 * handler and no outbox.
 */
import type { Diagnosis } from "../framing/diagnosis.ts";
import type { FrameError, SocketError } from "../errors.ts";
import { Fifo } from "../bytes/fifo.ts";
import type { Framing } from "../framing/framing.ts";
import { countFrames } from "./frame_count.ts";
import { frameFault, truncatedFault } from "./frame_fault.ts";
import { ExactDecoder } from "../framing/exact_decoder.ts";
import { type StoppableDecoder, stoppableDecoder } from "../framing/piecewise_decoder.ts";
import { Pace } from "./pace.ts";
import type { PipelineOwner, PipelineSettings, PipelineTime, ReadWitness } from "./pipeline_owner.ts";
import { ReadGate } from "./read_gate.ts";
import { StopAtBoundary } from "./stop_at_boundary.ts";
import { StreamHead } from "./stream_head.ts";
import { type SilenceOwner, SilenceWatch } from "../time/silence_watch.ts";
import type { TimerWheel } from "../time/timer_wheel.ts";
import type { Transport, TransportEvents } from "../transport.ts";
import { Unread } from "./unread.ts";
import type { Turn, TurnMember } from "../time/turn.ts";

/** So many frames of one connection are cut before others have their turn. */
export const framesAtOnce = 1024;
/** Stands between two chunks where nothing came for as long as the framing says. */
const silenceMark = new Uint8Array(0);
/** A frame that is refused costs about as much as so many good ones: an error is made, told and logged. */
const refusalCost = 16;

/** Takes a transport's events. */
export class Pipeline<Received> extends ReadGate implements TransportEvents, TurnMember, SilenceOwner {
  bytesReceived = 0;
  framesReceived = 0;
  /** The decoder is on the call stack. */
  cutting = false;
  #framing: Framing<Received, never>;
  #decoder: StoppableDecoder<Received>;
  readonly #pace: Pace | undefined;
  readonly #turn: Turn;
  readonly #wheel: TimerWheel;
  readonly #owner: PipelineOwner<Received>;
  readonly #next: (frame: Received) => boolean;
  readonly #looksAtHeads: boolean;
  /** Where the framing may change: what has come behind the last frame. */
  readonly #unread: Unread | undefined;
  /** The framing that takes its place as soon as the decoder is off the call stack. */
  #following: Framing<Received, never> | undefined = undefined;
  /** Until the first frame, or for as long as it may still tell of another protocol. */
  #head: StreamHead | undefined = new StreamHead();
  /** The decoder holds the rest of a chunk. */
  #stopped = false;
  /** Chunks behind that one. */
  #waiting: Fifo<Uint8Array> | undefined = undefined;
  /** How many frames may still be cut before others have their turn. */
  #share = framesAtOnce;
  #yielding = false;
  #peerEnded = false;
  /** The transport is gone, which is told when the turn has come. */
  #gone: { readonly error: SocketError | undefined } | undefined = undefined;
  #discarding = false;
  #closed = false;
  #stopping: StopAtBoundary | undefined = undefined;

  constructor(
    transport: Transport,
    { framing, rateLimit, looksAtHeads, reframable }: PipelineSettings<Received>,
    watchdog: ReadWitness,
    time: PipelineTime,
    owner: PipelineOwner<Received>,
  ) {
    super(transport, watchdog);
    this.#framing = framing;
    this.#unread = reframable ? new Unread() : undefined;
    this.#turn = time.turn;
    this.#wheel = time.wheel;
    this.#looksAtHeads = looksAtHeads;
    this.#owner = owner;
    this.#decoder = this.#decoderOf(framing);
    this.#pace = rateLimit && new Pace(rateLimit, time.clock, time.wheel, this);
    this.#next = (frame) => {
      if (++this.framesReceived === 1) owner.firstFrame();
      return owner.delivery.frame(frame) && --this.#share > 0;
    };
  }

  /** What cuts its frames now. */
  get decoder(): StoppableDecoder<Received> {
    return this.#decoder;
  }

  /** Bytes held of a frame that is not complete. */
  get partialFrameBytes(): number {
    return this.#decoder.buffered;
  }

  /** Bytes have come of which nobody has wanted the frames yet. */
  get behind(): boolean {
    return this.#stopped || this.#waiting !== undefined;
  }

  /** What the stream looks like, where no frame has come of it. */
  get lookedLike(): Diagnosis | undefined {
    const head = this.framesReceived > 0 ? undefined : this.#head;
    return head?.recognise({ framing: this.#framing, reason: "truncated" });
  }

  data(chunk: Uint8Array): boolean {
    // Read once, before: a frame may be the chunk itself, and its receiver may transfer the memory.
    const { length } = chunk;
    this.bytesReceived += length;
    this.watchdog.noteRead();
    if (this.#discarding) return true;
    if (this.silence !== undefined) this.silence.arrived();
    // Where the framing may change, a chunk of which no frame is wanted is not looked at.
    const unwanted = this.#unread !== undefined && !this.#owner.delivery.hungry;
    if (this.#stopped || this.#waiting !== undefined || this.cutting || unwanted) {
      (this.#waiting ??= new Fifo()).push(chunk);
      this.#owner.chunkDone(length, false);
      this.#pace?.take(length, 0);
      return this.gateReasons === 0;
    }
    if (this.#head !== undefined) this.#head.add(chunk);
    this.#share = framesAtOnce;
    this.#cut(chunk, length);
    if (this.behind) this.goOn();
    return this.#discarding || this.gateReasons === 0;
  }

  /** Goes on with what came and was not wanted then: in the next turn, if this connection has had its share of this. */
  goOn(): void {
    while (this.behind && this.#owner.delivery.hungry && !this.cutting && !this.#yielding) {
      if (this.#share > 0 || this.#closed) this.#cutMore();
      else this.#giveWay();
    }
  }

  #giveWay(): void {
    this.#yielding = true;
    this.#turn.yield(this);
  }

  /** Others have had their turn. */
  endTurn(): void {
    this.#yielding = false;
    this.#share = framesAtOnce;
    this.goOn();
    const gone = this.#gone;
    if (gone === undefined || this.#yielding) return;
    this.#gone = undefined;
    this.#owner.transportClosed(gone.error);
  }

  drain(): void {
    this.#owner.transportDrained();
  }

  end(): void {
    if (this.#discarding) return this.#owner.inputEnded(true);
    this.#peerEnded = true;
    this.silence?.stop();
    if (this.behind || this.cutting) this.#owner.inputEnding();
    else this.#finishAtEnd();
  }

  close(error?: SocketError): void {
    // What came before it and only waits for its turn is delivered first.
    if (this.#yielding) this.#gone = { error };
    else this.#owner.transportClosed(error);
  }

  /** Cuts what comes from now on by this framing; where it may change, what has come behind the last frame too. */
  reframe(framing: Framing<Received, never>): void {
    if (this.cutting) {
      // Below 0, so that no more is cut until it is turned round again.
      if (this.#following === undefined) this.#share = -this.#share;
      this.#following = framing;
      return;
    }
    this.#recut(framing);
    // Not at once: who asks for it is not ready for frames yet.
    if (this.behind && this.#owner.delivery.hungry && !this.#yielding) this.#giveWay();
  }

  /** For the watch: it has its place between two chunks, as frames are not always cut when they come. */
  silent(): void {
    (this.#waiting ??= new Fifo()).push(silenceMark);
    this.goOn();
  }

  /** From now on, whatever arrives is read and forgotten, so that the peer's FIN is seen. */
  discard(): void {
    if (this.#discarding) return;
    this.#discarding = true;
    this.silence?.stop();
    this.openGate(this.gateReasons);
    if (!this.cutting) this.#countRest();
  }

  /** Stop at the next frame boundary, and report the end of input there. */
  stopAtBoundary(): void {
    if (this.#discarding || this.#stopping !== undefined) return;
    if (this.#decoder.stop !== undefined) return this.#decoder.stop();
    const chunks = (this.#stopped || this.cutting ? 1 : 0) + (this.#waiting?.length ?? 0);
    this.#stopping = new StopAtBoundary(chunks, this.framesReceived);
    if (chunks === 0 && this.#decoder.buffered === 0) this.#finishInput();
  }

  /** The transport is gone. Cuts what is left as far as it is wanted, to be counted; the rest is for a reader. */
  cutOff(): void {
    this.#closed = true;
    this.silence?.stop();
    this.#pace?.stop();
    this.goOn();
  }

  /** The error for a connection that broke inside a frame; undefined when it did not. */
  cutShort(cause: SocketError): FrameError | undefined {
    if (this.#discarding || this.behind || this.partialFrameBytes === 0) return undefined;
    const { bytesReceived, partialFrameBytes } = this;
    return this.#diagnosed(truncatedFault("the connection broke", partialFrameBytes, bytesReceived, cause));
  }

  #decoderOf(framing: Framing<Received, never>): StoppableDecoder<Received> {
    const report = (error: FrameError): boolean => {
      if (this.#discarding) return true;
      this.#owner.skipped(this.#diagnosed(error));
      return (this.#share -= refusalCost) > 0;
    };
    const decoder = stoppableDecoder(framing, report, this.#unread && ExactDecoder);
    this.silence?.stop();
    this.silence = decoder.gap === undefined ? undefined : new SilenceWatch(decoder.gap, this.#wheel, this);
    return decoder;
  }

  #recut(framing: Framing<Received, never>): void {
    const stopped = this.#unread?.keep(this.#decoder, this.#stopped) ?? false;
    if (stopped && !this.#stopped) this.#stopping?.chunkAgain();
    this.#stopped = stopped;
    this.#framing = framing;
    this.#decoder = this.#decoderOf(framing);
    if (this.behind) this.silence?.arrived();
  }

  /** The decoder is off the call stack. */
  #noteUnread(unread: Unread): void {
    if (!this.#stopped) unread.done(this.#decoder.buffered);
    const framing = this.#following;
    if (framing === undefined) return;
    this.#following = undefined;
    this.#share = -this.#share;
    this.#recut(framing);
  }

  /** Cuts a chunk, or goes on with the rest of one, as far as frames are wanted. `bytes` of it came just now. */
  #cut(chunk: Uint8Array | undefined, bytes: number): void {
    const before = this.framesReceived;
    const unread = this.#unread;
    if (unread !== undefined && chunk !== undefined) unread.begin(chunk);
    this.cutting = true;
    try {
      const went = chunk === undefined
        ? this.#decoder.resume(this.#next)
        : this.#decoder.push(chunk, this.#next);
      this.#stopped = went === false;
    } catch (error) {
      this.cutting = this.#stopped = false;
      return this.#fault(error);
    }
    this.cutting = false;
    if (unread !== undefined) this.#noteUnread(unread);
    if (this.#discarding) return this.#countRest();
    const head = this.framesReceived > 0 ? this.#head : undefined;
    if (head?.isTold(this.#looksAtHeads, this.#framing.hint, this.#owner)) this.#head = undefined;
    const buffered = this.#stopped ? 0 : this.#decoder.buffered;
    this.#owner.chunkDone(bytes, buffered > 0);
    if (this.#pace !== undefined && !this.#discarding) this.#pace.take(bytes, this.framesReceived - before);
    if (this.#stopped) return;
    if (!this.#discarding && this.#stopping?.reached(buffered, this.framesReceived)) this.#finishInput();
    if (this.#peerEnded && !this.behind) this.#finishAtEnd();
  }

  /** Goes on with the chunk that was cut in part, or with the oldest that waits. */
  #cutMore(): void {
    if (this.#stopped) return this.#cut(this.#unread?.takeRest(), 0);
    const waiting = this.#waiting!;
    const chunk = waiting.take();
    if (waiting.length === 0) this.#waiting = undefined;
    this.#head?.add(chunk);
    // One of an earlier framing means nothing to this one.
    const silent = chunk === silenceMark && this.#decoder.gap !== undefined;
    if (silent) this.#decoder.silence?.();
    this.#cut(silent ? undefined : chunk, 0);
  }

  /** Nobody wants what is left: its frames are only counted. */
  #countRest(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    const rest = this.#unread?.takeRest();
    this.cutting = true;
    countFrames(this.#decoder, this.#stopped, rest, waiting, this.#next);
    this.cutting = this.#stopped = false;
  }

  /** The peer's FIN, and nothing is left before it. */
  #finishAtEnd(): void {
    if (this.#discarding) return this.#owner.inputEnded(true);
    const decoder = this.#decoder;
    this.cutting = true;
    try {
      if (decoder.flush !== undefined) decoder.flush(this.#next);
      else if (decoder.buffered > 0) {
        throw truncatedFault("the input ended", decoder.buffered, this.bytesReceived);
      }
    } catch (error) {
      this.cutting = false;
      return this.#fault(error);
    }
    this.cutting = false;
    this.#owner.inputEnded(true);
  }

  #finishInput(): void {
    this.#stopped = false;
    this.#waiting = undefined;
    this.discard();
    this.#owner.inputEnded(false);
  }

  #fault(error: unknown): void {
    // What comes behind the place where the connection was closed is nobody's business any more.
    if (this.#discarding) return;
    this.#waiting = undefined;
    this.discard();
    this.#owner.faulted(this.#diagnosed(error));
  }

  #diagnosed(error: unknown): FrameError {
    const fault = frameFault(error, this.#framing.name, this.bytesReceived);
    return (this.framesReceived > 0 ? undefined : this.#head)?.diagnosed(fault, this.#framing) ?? fault;
  }
}
