/**
 * The inbound half of a connection: the order of its stages, from the transport's chunks to frames.
 *
 * metrics tap → idle watchdog → rate limiter → framer → the connection. One boolean comes back on the same
 * call stack: go on reading, or stop. Used by `connection/session.ts`; knows no handler and no outbox.
 */
import { withDiagnosis } from "./diagnosis.ts";
import { FrameError, type SocketError } from "./errors.ts";
import type { Decoder, Framing } from "./framing/framing.ts";
import { Gate, GateReason } from "./gate.ts";
import type { RateLimiter } from "./rate_limiter.ts";
import type { Transport, TransportEvents } from "./transport.ts";

/** What the pipeline tells its connection, in the transport's own turn. */
export interface PipelineOwner<Received> {
  frame(frame: Received): void;
  /** A chunk of so many bytes has gone through: `partial` says that a frame has begun and is not complete. */
  chunkDone(bytes: number, partial: boolean): void;
  /** A bad frame was skipped; reading goes on. */
  skipped(error: FrameError): void;
  /** No frame can follow this one. */
  faulted(error: FrameError): void;
  /** No more frames: the peer sent FIN at a frame boundary, or reading was stopped at one. */
  inputEnded(byPeer: boolean): void;
  /** The peer is over its rate: reading is stopped, and may go on after so many milliseconds (`gate`). */
  overRate(wait: number): void;
  transportDrained(): void;
  transportClosed(error: SocketError | undefined): void;
}

/** Whoever wants to know of each read, in one plain call. */
export interface ReadWitness {
  noteRead(): void;
}

/** How much of the first chunk is kept to say what a wrong peer speaks. */
const headLength = 64;

/** Takes a transport's events. */
export class Pipeline<Received> implements TransportEvents {
  bytesReceived = 0;
  framesReceived = 0;
  readonly gate: Gate;
  #framing: Framing<Received, never>;
  #decoder: Decoder<Received>;
  readonly #watchdog: ReadWitness;
  readonly #limiter: RateLimiter | undefined;
  readonly #owner: PipelineOwner<Received>;
  readonly #next: (frame: Received) => void;
  #head: Uint8Array | undefined = undefined;
  #discarding = false;
  #stopping = false;
  /** How many frames there were when stopping began: the next one that is complete ends at a boundary. */
  #stoppingAt = 0;

  constructor(
    transport: Transport,
    framing: Framing<Received, never>,
    watchdog: ReadWitness,
    limiter: RateLimiter | undefined,
    owner: PipelineOwner<Received>,
  ) {
    this.#framing = framing;
    this.#decoder = this.#decoderOf(framing, owner);
    this.#watchdog = watchdog;
    this.#limiter = limiter;
    this.#owner = owner;
    this.gate = new Gate(transport);
    this.#next = (frame) => {
      this.framesReceived++;
      owner.frame(frame);
    };
  }

  /** Bytes held of a frame that is not complete. */
  get partialFrameBytes(): number {
    return this.#decoder.buffered;
  }

  data(chunk: Uint8Array): boolean {
    // Read once, before: a frame may be the chunk itself, and its receiver may transfer the memory.
    const { length } = chunk;
    this.bytesReceived += length;
    if (this.#discarding) return true;
    this.#watchdog.noteRead();
    const framesBefore = this.framesReceived;
    // Borrowed for as long as the call lasts, then copied if there was no frame.
    if (framesBefore === 0) this.#head ??= chunk;
    try {
      this.#decoder.push(chunk, this.#next);
    } catch (error) {
      this.#fault(error);
      return true;
    }
    if (framesBefore === 0) this.#keepHead(chunk);
    const { buffered } = this.#decoder;
    this.#owner.chunkDone(length, buffered > 0);
    if (this.#limiter !== undefined && !this.#discarding) {
      this.#limit(this.#limiter, length, this.framesReceived - framesBefore);
    }
    if (this.#stopping && (buffered === 0 || this.framesReceived > this.#stoppingAt)) this.#finishInput();
    return this.#discarding || this.gate.isOpen;
  }

  drain(): void {
    this.#owner.transportDrained();
  }

  end(): void {
    if (this.#discarding) return this.#owner.inputEnded(true);
    const decoder = this.#decoder;
    try {
      if (decoder.flush !== undefined) decoder.flush(this.#next);
      else if (decoder.buffered > 0) throw this.#truncated("the input ended");
    } catch (error) {
      return this.#fault(error);
    }
    this.#owner.inputEnded(true);
  }

  close(error?: SocketError): void {
    this.#owner.transportClosed(error);
  }

  /** What comes from now on is cut by this framing, from its beginning. Only between two frames. */
  reframe(framing: Framing<Received, never>): void {
    this.#watchdog.noteRead();
    this.#framing = framing;
    this.#decoder = this.#decoderOf(framing, this.#owner);
  }

  #decoderOf(framing: Framing<Received, never>, owner: PipelineOwner<Received>): Decoder<Received> {
    return framing.decoder((error) => {
      if (!this.#discarding) owner.skipped(this.#diagnosed(error));
    });
  }

  /** From now on, whatever arrives is read and forgotten, so that the peer's FIN is seen. */
  discard(): void {
    if (this.#discarding) return;
    this.#discarding = true;
    this.gate.openAll();
  }

  /** Stop at the next frame boundary, and report the end of input there (F-18). */
  stopAtBoundary(): void {
    if (this.#discarding || this.#stopping) return;
    this.#stopping = true;
    this.#stoppingAt = this.framesReceived;
    if (this.#decoder.buffered === 0) this.#finishInput();
  }

  /** The error for a connection that broke inside a frame; undefined when it did not. */
  cutShort(cause: SocketError): FrameError | undefined {
    if (this.#discarding || this.partialFrameBytes === 0) return undefined;
    return this.#truncated("the connection broke", cause);
  }

  #truncated(how: string, cause?: SocketError): FrameError {
    const held = this.partialFrameBytes;
    const offset = this.bytesReceived - held;
    const what = `cut a frame: ${how} ${held} bytes into the frame that begins at byte ${offset}`;
    return new FrameError("truncated", what, { offset }, cause && { cause });
  }

  #keepHead(chunk: Uint8Array): void {
    if (this.framesReceived > 0) this.#head = undefined;
    else if (this.#head === chunk) this.#head = chunk.slice(0, headLength);
  }

  #finishInput(): void {
    this.discard();
    this.#owner.inputEnded(false);
  }

  #limit(limiter: RateLimiter, bytes: number, frames: number): void {
    const wait = limiter.take(bytes, frames);
    if (wait <= 0) return;
    this.gate.close(GateReason.rate);
    this.#owner.overRate(wait);
  }

  #fault(error: unknown): void {
    // What comes behind the place where the connection was closed is nobody's business any more.
    if (this.#discarding) return;
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
    return this.framesReceived === 0 && this.#head !== undefined
      ? withDiagnosis(fault, this.#head, this.#framing)
      : fault;
  }
}
