/**
 * The outbound half of a connection: frames are encoded into a writer and handed to the transport at the
 * flush points, so that the frames of one turn leave in one write, under an egress limit.
 *
 * Used by `connection/session.ts`, which decides when to flush. Knows the transport and the policy;
 * knows no handlers. It never writes while the transport still holds bytes.
 */
import type { MillraceError } from "../errors.ts";
import { Congestion, encodeWhole, overLimit, Refusal, refuse, WholeFrames } from "./congestion.ts";
import type { Framing } from "../framing/framing.ts";
import type { EgressPolicy, OutboxOwner, OutcomeListener } from "./outcome.ts";
import { Outflow } from "./ledger.ts";
import { giveSlab, giveWriter, type SlabWriter, takeWriter } from "../bytes/slab_writer.ts";
import type { TimerWheel } from "../time/timer_wheel.ts";
import type { Transport } from "../transport.ts";

/** Bytes at which the outbox flushes by itself. */
const mostGathered = 256 * 1024;
/**
 * What may be held above the limit while the kernel has not answered: as much as a kernel takes of one connection at
 * most, which those that answer at once never hold.
 */
const largestBurst = 4 * 1024 * 1024;

/** Outbound queue of one connection. */
export class Outbox<Sent> {
  /** Bytes accepted and not yet taken by the kernel. */
  pending = 0;
  /** How frames are written; another may take its place. */
  framing: Framing<unknown, Sent>;
  /** Why it takes no frames, if it does not; what was accepted before is still delivered. */
  readonly refusal: Refusal = new Refusal();

  readonly #transport: Transport;
  readonly #limit: number;
  readonly #policy: EgressPolicy;
  readonly #owner: OutboxOwner;
  readonly #flushFrom: number;
  #writer: SlabWriter | undefined = undefined;
  readonly #wheel: TimerWheel;
  #whole: WholeFrames | undefined = undefined;
  #framesDropped = 0;
  #lent: Uint8Array<ArrayBuffer> | undefined = undefined;
  readonly flow: Outflow = new Outflow();
  #blocked = false;
  /** From when more than the limit is held until half of it is free. */
  #congestion: Congestion | undefined = undefined;
  #closed = false;
  /** Frames that were left when it closed. */
  #framesLeft: number | undefined = undefined;

  constructor(
    transport: Transport,
    framing: Framing<unknown, Sent>,
    limit: number,
    policy: EgressPolicy,
    wheel: TimerWheel,
    owner: OutboxOwner,
  ) {
    this.#transport = transport;
    this.framing = framing;
    this.#limit = limit;
    this.#flushFrom = Math.min(mostGathered, limit);
    this.#policy = policy;
    this.#wheel = wheel;
    this.#owner = owner;
  }

  /** Bytes that the kernel has taken. */
  get bytesSent(): number {
    this.look();
    return this.flow.bytes;
  }

  /** Frames that the kernel has taken whole. */
  get framesSent(): number {
    this.look();
    return this.flow.frames;
  }

  /** Frames dropped by the egress policy. */
  get framesDropped(): number {
    return this.#framesDropped + (this.#whole?.dropped ?? 0);
  }

  /** Frames accepted, not dropped, and not taken whole by the kernel. */
  get framesPending(): number {
    this.look();
    return this.#framesLeft ?? this.flow.framesLeft + (this.#whole?.length ?? 0);
  }

  /** Encodes and accepts one frame; a promise means: wait before sending more. Throws what the framing throws. */
  send(frame: Sent, listen?: OutcomeListener): void | Promise<void> {
    const { reason } = this.refusal;
    if (reason !== undefined) return refuse(reason(), listen);
    if (this.#keepsWhole()) return this.#sendWhole(encodeWhole(this.framing, frame), listen);
    const writer = this.#writer ??= takeWriter();
    const before = writer.length;
    writer.borrows = !this.#blocked && this.#transport.offer !== undefined;
    writer.mark();
    try {
      this.framing.encode(frame, writer);
    } catch (error) {
      writer.rollback();
      throw error;
    }
    const size = writer.length - before;
    const pending = this.pending + size;
    // Nearly every frame is one of few bytes and far from any bound.
    if (pending < this.#flushFrom && pending > 0 && !writer.borrowing) {
      this.pending = pending;
      return this.flow.add(size, listen);
    }
    if (pending > this.#limit && !this.#admits(size)) {
      writer.rollback();
      if (this.#madeRoom()) return this.send(frame, listen);
      return this.#unanswered(size)
        ? this.#sendWhole(encodeWhole(this.framing, frame), listen)
        : this.#overflow(size, listen);
    }
    const result = this.#accept(size, listen);
    if (writer.borrowing) this.#giveBack(writer);
    return result;
  }

  /** Accepts bytes that are one encoded frame already, and never change: a broadcast, or a keepalive. */
  sendEncoded(bytes: Uint8Array, listen?: OutcomeListener): void | Promise<void> {
    const { length } = bytes;
    const { reason } = this.refusal;
    if (reason !== undefined) return refuse(reason(), listen);
    if (this.#keepsWhole()) return this.#sendWhole(bytes, listen);
    if (this.pending + length > this.#limit && !this.#admits(length) && !this.#madeRoom()) {
      return this.#unanswered(length) ? this.#sendWhole(bytes, listen) : this.#overflow(length, listen);
    }
    (this.#writer ??= takeWriter()).shared(bytes);
    return this.#accept(length, listen);
  }

  /** Hands over what has gathered, unless the transport is still busy with the last write. */
  flush(): void {
    while (!this.#blocked && !this.#closed) {
      if (this.#whole !== undefined) this.#unpack(this.#whole);
      const writer = this.#writer;
      if (writer === undefined) return;
      if (writer.length > 0) this.#writePiece(writer);
      if (writer.length > 0) continue;
      if (this.#writer === writer) {
        this.#writer = undefined;
        giveWriter(writer);
      }
      return;
    }
  }

  /** Counts what the kernel has taken by now of what the transport holds, and tells the outcomes. */
  look(): void {
    const { underWay, bytes } = this.flow;
    if (underWay === 0 || this.#closed) return;
    const taken = Math.min(this.#transport.taken - bytes, underWay);
    if (taken > 0) this.#count(taken);
  }

  /** The kernel has taken what the transport held. */
  drained(): void {
    if (!this.#blocked || this.#closed) return;
    this.#blocked = false;
    if (this.#lent !== undefined) giveSlab(this.#lent);
    this.#lent = undefined;
    this.#taken();
    this.flush();
  }

  /** Takes no more frames; what was accepted is still delivered. */
  refuse(error: () => MillraceError): void {
    this.refusal.always(error);
  }

  /** The connection is over: every frame still held fails, once. */
  close(error: () => MillraceError): void {
    if (this.#closed) return;
    [this.#framesLeft, this.#framesDropped] = [this.framesPending, this.framesDropped];
    this.#closed = true;
    this.refusal.reason = error;
    const whole = this.#whole;
    this.#writer = this.#whole = this.#lent = undefined;
    this.flow.fail(error);
    whole?.fail(error);
    this.#congestion?.over(error());
    this.#congestion = undefined;
  }

  #accept(size: number, listen: OutcomeListener | undefined): void | Promise<void> {
    this.pending += size;
    this.flow.add(size, listen);
    // Nothing will tell of a frame without bytes.
    if (this.pending === 0) this.#count(0);
    if (this.pending - this.flow.underWay >= this.#flushFrom) this.flush();
    if (this.pending <= this.#limit || this.#closed) return;
    const congestion = this.#congest();
    if (this.#policy === "wait") return congestion.room;
  }

  /** More than the limit is held. */
  #congest(): Congestion {
    let congestion = this.#congestion;
    if (congestion === undefined) {
      congestion = this.#congestion = new Congestion();
      this.#owner.congested(true);
    }
    if (!this.#transport.prompt && !congestion.slow && !congestion.awaiting) {
      congestion.await(this.#wheel, () => this.#overdue());
    }
    return congestion;
  }

  /** Frames go where they can still be dropped: behind others that do, and always under `drop-oldest`. */
  #keepsWhole(): boolean {
    return this.#whole !== undefined || (this.#blocked && this.#policy === "drop-oldest");
  }

  /** Offers what is borrowed to the kernel, and copies what it does not take: the memory is the sender's again. */
  #giveBack(writer: SlabWriter): void {
    while (writer.borrowing && !this.#blocked && !this.#closed && this.#writer === writer) {
      this.#writePiece(writer);
    }
    writer.own();
  }

  /** One frame always fits. Under `wait`, frames past the limit are held while senders wait, up to as much again. */
  #admits(size: number): boolean {
    const { pending } = this;
    if (pending === 0) return true;
    if (this.#policy !== "wait") return false;
    return pending <= this.#limit || pending + size <= 2 * this.#limit || this.#unanswered(size);
  }

  /** Our own burst is not the peer's slowness: it may be held for as long as the kernel has not answered. */
  #unanswered(size: number): boolean {
    return this.#blocked && !this.#transport.prompt && !this.#congestion?.slow && !this.#closed &&
      this.pending + size <= this.#limit + largestBurst;
  }

  /** No answer is one: the kernel is full, and what is held above the limit is for the policy. */
  #overdue(): void {
    this.look();
    const congestion = this.#congestion;
    if (congestion === undefined || !this.#blocked || this.pending <= this.#limit) return;
    congestion.slow = true;
    const whole = this.#whole;
    // One frame alone always fits.
    if (whole === undefined || whole.length === 0) return;
    const excess = this.pending - this.#limit;
    if (this.#policy === "close") {
      this.#owner.overflowed(overLimit("close", this.#limit, this.pending, excess));
    } else this.pending -= whole.drop(excess, this.#policy as "drop-newest" | "drop-oldest");
  }

  /** What has only gathered is not the peer's slowness: it goes first, and all of it fits unless the peer is slow. */
  #madeRoom(): boolean {
    if (this.#blocked) {
      const before = this.pending;
      this.look();
      return this.pending < before;
    }
    this.flush();
    return !this.#blocked && !this.#closed;
  }

  #overflow(size: number, listen: OutcomeListener | undefined): void | Promise<void> {
    if (this.#policy === "drop-newest" || this.#policy === "drop-oldest") {
      this.#framesDropped++;
      listen?.({ status: "dropped", policy: this.#policy });
      return;
    }
    const error = overLimit(this.#policy, this.#limit, this.pending, size);
    if (this.#policy === "close") this.#owner.overflowed(error);
    return refuse(error, listen);
  }

  #sendWhole(bytes: Uint8Array, listen: OutcomeListener | undefined): void | Promise<void> {
    const whole = this.#whole ??= new WholeFrames();
    const { length } = bytes;
    const excess = this.pending + length - this.#limit;
    if (excess > 0 && !this.#unanswered(length)) {
      if (this.#policy === "drop-oldest") this.pending -= whole.drop(excess, "drop-oldest");
      if (this.pending + length > this.#limit) return this.#overflow(length, listen);
    }
    this.pending += length;
    whole.push({ bytes, listen });
    if (this.pending > this.#limit) this.#congest();
  }

  /** Nothing is in the transport: frames get their place in the stream, as many as leave together. */
  #unpack(whole: WholeFrames): void {
    const writer = this.#writer ??= takeWriter();
    while (whole.length > 0 && writer.length < this.#flushFrom) {
      const { bytes, listen } = whole.take();
      this.flow.add(bytes.length, listen);
      writer.shared(bytes);
    }
    if (whole.length > 0) return;
    this.#framesDropped += whole.dropped;
    this.#whole = undefined;
  }

  #writePiece(writer: SlabWriter): void {
    const { borrowing } = writer;
    const piece = writer.next();
    const slab = writer.lastSlab;
    this.flow.underWay = piece.length;
    // Blocked until the answer is known, so that code called from inside the write cannot write ahead.
    this.#blocked = true;
    if (borrowing ? this.#offer(piece) : this.#transport.write(piece)) {
      this.#blocked = false;
      if (slab !== undefined) giveSlab(slab);
      this.#taken();
    } else this.#lent = slab;
  }

  /** Writes a piece whose memory has to be given back. */
  #offer(piece: Uint8Array): boolean {
    const taken = this.#transport.offer!(piece);
    return taken === piece.length || this.#transport.write(new Uint8Array(piece.subarray(taken)));
  }

  #count(bytes: number): void {
    this.pending -= bytes;
    this.flow.take(bytes);
    if (bytes > 0) this.#owner.wrote();
  }

  /** The kernel has all that was handed over. */
  #taken(): void {
    this.#count(this.flow.underWay);
    if (this.#congestion !== undefined && this.pending <= this.#limit / 2) {
      this.#congestion.over();
      this.#congestion = undefined;
      this.#owner.congested(false);
    }
    if (this.pending === 0) this.#owner.emptied();
  }
}
