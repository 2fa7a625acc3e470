/**
 * The inbound half of a connection: the order of its stages, from the transport's chunks to frames.
 *
 * metrics tap → idle watchdog → rate limiter → framer → the connection. One boolean comes back on the same
 * call stack: go on reading, or stop. Frames are cut on demand, and so many at once that other
 * connections get their turn; until then they are the bytes that came. Used by `connection/session.ts`; knows no
 * handler and no outbox.
 */
import type { Diagnosis } from "../framing/diagnosis.ts";
import { FrameError, type SocketError } from "../errors.ts";
import { Fifo } from "../bytes/fifo.ts";
import type { Framing } from "../framing/framing.ts";
import { type StoppableDecoder, stoppableDecoder } from "../framing/piecewise_decoder.ts";
import { Pace } from "./pace.ts";
import type {
  Gate,
  GateReason,
  PipelineOwner,
  PipelineSettings,
  PipelineTime,
  ReadWitness,
} from "./pipeline_owner.ts";
import { StreamHead } from "./stream_head.ts";
import type { Transport, TransportEvents } from "../transport.ts";
import type { Turn, TurnMember } from "../time/turn.ts";

/** So many frames of one connection are cut before others have their turn. */
export const framesAtOnce = 1024;
/** A frame that is refused costs about as much as so many good ones: an error is made, told and logged. */
const refusalCost = 16;

/** Takes a transport's events. */
export class Pipeline<Received> implements TransportEvents, TurnMember, Gate {
  bytesReceived = 0;
  framesReceived = 0;
  /** The decoder is on the call stack. */
  cutting = false;
  /** Why reading is stopped, as bits of `GateReason`; 0 while it is not. */
  gateReasons = 0;
  readonly #transport: Transport;
  #framing: Framing<Received, never>;
  #decoder: StoppableDecoder<Received>;
  readonly #watchdog: ReadWitness;
  readonly #pace: Pace | undefined;
  readonly #turn: Turn;
  readonly #owner: PipelineOwner<Received>;
  readonly #next: (frame: Received) => boolean;
  readonly #looksAtHeads: boolean;
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
  #stopping = false;
  /** Chunks that came before stopping began, and are not cut up yet. */
  #chunksBeforeStop = 0;
  /** How many frames there were then: the next one that is complete ends at a boundary. */
  #stoppingAt = 0;

  constructor(
    transport: Transport,
    { framing, rateLimit, looksAtHeads }: PipelineSettings<Received>,
    watchdog: ReadWitness,
    time: PipelineTime,
    owner: PipelineOwner<Received>,
  ) {
    this.#framing = framing;
    this.#decoder = this.#decoderOf(framing, owner);
    this.#watchdog = watchdog;
    this.#turn = time.turn;
    this.#looksAtHeads = looksAtHeads;
    this.#owner = owner;
    this.#transport = transport;
    this.#pace = rateLimit && new Pace(rateLimit, time.clock, time.wheel, this);
    this.#next = (frame) => {
      if (++this.framesReceived === 1) owner.firstFrame();
      return owner.delivery.frame(frame) && --this.#share > 0;
    };
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
    return this.framesReceived > 0
      ? undefined
      : this.#head?.recognise({ framing: this.#framing, reason: "truncated" });
  }

  data(chunk: Uint8Array): boolean {
    // Read once, before: a frame may be the chunk itself, and its receiver may transfer the memory.
    const { length } = chunk;
    this.bytesReceived += length;
    this.#watchdog.noteRead();
    if (this.#discarding) return true;
    if (this.#stopped || this.#waiting !== undefined || this.cutting) {
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
      else {
        this.#yielding = true;
        this.#turn.yield(this);
      }
    }
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
    if (this.behind || this.cutting) this.#owner.inputEnding();
    else this.#finishAtEnd();
  }

  close(error?: SocketError): void {
    // What came before it and only waits for its turn is delivered first.
    if (this.#yielding) this.#gone = { error };
    else this.#owner.transportClosed(error);
  }

  /** What comes from now on is cut by this framing, from its beginning. Only between two frames. */
  reframe(framing: Framing<Received, never>): void {
    this.#watchdog.noteRead();
    this.#framing = framing;
    this.#decoder = this.#decoderOf(framing, this.#owner);
  }

  closeGate(reason: GateReason): void {
    this.gateReasons |= reason;
  }

  openGate(reason: GateReason): void {
    const before = this.gateReasons;
    this.gateReasons = before & ~reason;
    if (before === 0 || this.gateReasons !== 0) return;
    this.#watchdog.noteResumed();
    this.#transport.resume();
  }

  /** From now on, whatever arrives is read and forgotten, so that the peer's FIN is seen. */
  discard(): void {
    if (this.#discarding) return;
    this.#discarding = true;
    this.openGate(this.gateReasons);
    if (!this.cutting) this.#countRest();
  }

  /** Stop at the next frame boundary, and report the end of input there. */
  stopAtBoundary(): void {
    if (this.#discarding || this.#stopping) return;
    this.#stopping = true;
    this.#stoppingAt = this.framesReceived;
    this.#chunksBeforeStop = (this.#stopped || this.cutting ? 1 : 0) + (this.#waiting?.length ?? 0);
    if (this.#chunksBeforeStop === 0 && this.#decoder.buffered === 0) this.#finishInput();
  }

  /**
   * The transport is gone, and nothing more comes. Cuts what is left as far as it is wanted, so that it is counted;
   * the rest stays for a later reader.
   */
  cutOff(): void {
    this.#closed = true;
    this.#pace?.stop();
    this.goOn();
  }

  /** The error for a connection that broke inside a frame; undefined when it did not. */
  cutShort(cause: SocketError): FrameError | undefined {
    if (this.#discarding || this.behind || this.partialFrameBytes === 0) return undefined;
    return this.#diagnosed(this.#truncated("the connection broke", cause));
  }

  #decoderOf(framing: Framing<Received, never>, owner: PipelineOwner<Received>): StoppableDecoder<Received> {
    return stoppableDecoder(framing, (error) => {
      if (this.#discarding) return true;
      owner.skipped(this.#diagnosed(error));
      return (this.#share -= refusalCost) > 0;
    });
  }

  /** Cuts a chunk, or goes on with the rest of one, as far as frames are wanted. `bytes` of it came just now. */
  #cut(chunk: Uint8Array | undefined, bytes: number): void {
    const before = this.framesReceived;
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
    if (this.#discarding) return this.#countRest();
    if (this.#head !== undefined && this.framesReceived > 0) this.#lookAtHead(this.#head);
    const buffered = this.#stopped ? 0 : this.#decoder.buffered;
    this.#owner.chunkDone(bytes, buffered > 0);
    if (this.#pace !== undefined && !this.#discarding) this.#pace.take(bytes, this.framesReceived - before);
    if (this.#stopped) return;
    if (this.#stopping && !this.#discarding) this.#stopAfterChunk(buffered);
    if (this.#peerEnded && !this.behind) this.#finishAtEnd();
  }

  #lookAtHead(head: StreamHead): void {
    const found = this.#looksAtHeads && this.#framing.hint?.kind !== "raw" ? head.known : undefined;
    if (found !== undefined) this.#owner.otherProtocol(found);
    if (found !== undefined || head.full || !this.#looksAtHeads) this.#head = undefined;
  }

  /** Goes on with the chunk that was cut in part, or with the oldest that waits. */
  #cutMore(): void {
    if (this.#stopped) return this.#cut(undefined, 0);
    const waiting = this.#waiting!;
    const chunk = waiting.take();
    if (waiting.length === 0) this.#waiting = undefined;
    this.#head?.add(chunk);
    this.#cut(chunk, 0);
  }

  #stopAfterChunk(buffered: number): void {
    if (this.#chunksBeforeStop > 0) {
      if (--this.#chunksBeforeStop > 0) return;
      this.#stoppingAt = this.framesReceived;
    }
    if (buffered === 0 || this.framesReceived > this.#stoppingAt) this.#finishInput();
  }

  /** Nobody wants what is left: its frames are only counted. */
  #countRest(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.cutting = true;
    try {
      while (this.#stopped) this.#stopped = this.#decoder.resume(this.#next) === false;
      while (waiting !== undefined && waiting.length > 0) {
        this.#stopped = this.#decoder.push(waiting.take(), this.#next) === false;
        while (this.#stopped) this.#stopped = this.#decoder.resume(this.#next) === false;
      }
    } catch {
      // A fault that lies behind the place where it was ended is nobody's business any more.
    }
    this.cutting = this.#stopped = false;
  }

  /** The peer's FIN, and nothing is left before it. */
  #finishAtEnd(): void {
    if (this.#discarding) return this.#owner.inputEnded(true);
    const decoder = this.#decoder;
    this.cutting = true;
    try {
      if (decoder.flush !== undefined) decoder.flush(this.#next);
      else if (decoder.buffered > 0) throw this.#truncated("the input ended");
    } catch (error) {
      this.cutting = false;
      return this.#fault(error);
    }
    this.cutting = false;
    this.#owner.inputEnded(true);
  }

  #truncated(how: string, cause?: SocketError): FrameError {
    const held = this.partialFrameBytes;
    const offset = this.bytesReceived - held;
    const what = `cut a frame: ${how} ${held} bytes into the frame that begins at byte ${offset}`;
    return new FrameError("truncated", what, { offset }, cause && { cause });
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

  /** A framing of the user's own may throw anything; the connection gets a `FrameError` in any case. */
  #diagnosed(error: unknown): FrameError {
    const fault = error instanceof FrameError ? error : new FrameError(
      "malformed",
      `cut a frame: framing ${this.#framing.name} threw ${String(error)}`,
      { offset: this.bytesReceived },
      { cause: error },
    );
    if (this.framesReceived > 0 || this.#head === undefined) return fault;
    return this.#head.diagnosed(fault, this.#framing);
  }
}
