/**
 * The outbound half of a connection: frames are encoded into a writer and handed to the transport at the
 * flush points, so that the frames of one turn leave in one write (F-43), under an egress limit (F-42).
 *
 * Used by `connection/connection.ts`, which decides when to flush. Knows the transport and the policy;
 * knows neither handlers nor timers. It never writes while the transport still holds bytes.
 */
import { ByteWriter } from "./bytes.ts";
import { LimitError, type MillraceError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import type { Framing } from "./framing/framing.ts";
import type { EgressPolicy, OutcomeListener } from "./outcome.ts";
import { giveSlab, giveWriter, type SlabWriter, takeWriter } from "./slab_writer.ts";
import type { Transport } from "./transport.ts";

/** What the outbox tells its connection. Called synchronously. */
export interface OutboxOwner {
  /** The kernel took bytes: as far as writing goes, the peer is alive. */
  wrote(): void;
  /** Held bytes went above the egress limit (true), or fell back to half of it (false). */
  congested(full: boolean): void;
  /** Policy `close`: a frame did not fit. */
  overflowed(error: LimitError): void;
  /** Nothing is held any more, by us or by the transport. */
  emptied(): void;
}

/** Somebody who wants the outcome of the frame at these positions of the outbound stream. */
interface Waiter {
  readonly start: number;
  readonly end: number;
  readonly listen: OutcomeListener;
}
/** A frame kept apart so that it can still be dropped. */
interface WholeFrame {
  readonly bytes: Uint8Array;
  readonly listen: OutcomeListener | undefined;
}
interface Room {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Bytes at which the outbox flushes by itself. */
const mostGathered = 256 * 1024;
const scratch = new ByteWriter();

/** Outbound queue of one connection. */
export class Outbox<Sent> {
  /** Bytes the kernel has taken. */
  bytesSent = 0;
  /** Frames the kernel has taken whole, as known when it last took everything that had been handed over. */
  framesSent = 0;
  /** Frames given up by a drop policy. */
  framesDropped = 0;
  /** Bytes accepted and not yet taken by the kernel. */
  pending = 0;

  readonly #transport: Transport;
  #framing: Framing<unknown, Sent>;
  readonly #limit: number;
  readonly #policy: EgressPolicy;
  readonly #owner: OutboxOwner;
  readonly #flushFrom: number;
  #writer: SlabWriter | undefined = undefined;
  #whole: Fifo<WholeFrame> | undefined = undefined;
  #waiters: Waiter[] | undefined = undefined;
  #room: Room | undefined = undefined;
  #lent: Uint8Array<ArrayBuffer> | undefined = undefined;
  #inTransport = 0;
  #blocked = false;
  #full = false;
  #accepted = 0;
  #handed = 0;
  /** Makes the error for whoever still sends. */
  #refusing: (() => MillraceError) | undefined = undefined;
  /** What is refused only for a while, and is then `#refusing` too. */
  #holding: (() => MillraceError) | undefined = undefined;
  #closed = false;

  constructor(
    transport: Transport,
    framing: Framing<unknown, Sent>,
    limit: number,
    policy: EgressPolicy,
    owner: OutboxOwner,
  ) {
    this.#transport = transport;
    this.#framing = framing;
    this.#limit = limit;
    this.#flushFrom = Math.min(mostGathered, limit);
    this.#policy = policy;
    this.#owner = owner;
  }

  /** Frames accepted, not dropped, and not known to be in the kernel. */
  get framesPending(): number {
    return this.#accepted - this.framesSent - this.framesDropped;
  }

  /** Encodes and accepts one frame; a promise means: wait before sending more. Throws what the framing throws. */
  send(frame: Sent, listen?: OutcomeListener): void | Promise<void> {
    if (this.#refusing !== undefined) return refuse(this.#refusing(), listen);
    if (this.#blocked && this.#policy === "drop-oldest") {
      scratch.reset();
      this.#framing.encode(frame, scratch);
      return this.#sendWhole(scratch.take(), listen);
    }
    const writer = this.#writer ??= takeWriter();
    const before = writer.length;
    writer.mark();
    try {
      this.#framing.encode(frame, writer);
    } catch (error) {
      writer.rollback();
      throw error;
    }
    const size = writer.length - before;
    if (this.pending + size > this.#limit && !this.#admits(size)) {
      writer.rollback();
      return this.#madeRoom() ? this.send(frame, listen) : this.#overflow(size, listen);
    }
    return this.#accept(size, listen);
  }

  /** Accepts bytes that are one encoded frame already: a broadcast, or a keepalive. */
  sendEncoded(bytes: Uint8Array, listen?: OutcomeListener): void | Promise<void> {
    const { length } = bytes;
    if (this.#refusing !== undefined) return refuse(this.#refusing(), listen);
    if (this.#blocked && this.#policy === "drop-oldest") return this.#sendWhole(bytes, listen);
    if (this.pending + length > this.#limit && !this.#admits(length) && !this.#madeRoom()) {
      return this.#overflow(length, listen);
    }
    (this.#writer ??= takeWriter()).bytes(bytes);
    return this.#accept(length, listen);
  }

  /** How frames are written now. */
  get framing(): Framing<unknown, Sent> {
    return this.#framing;
  }

  /** Takes no frames until `release`; what was accepted is still delivered. */
  hold(error: () => MillraceError): void {
    this.#refusing ??= this.#holding = error;
  }

  /** True from `hold` to `release`. */
  get held(): boolean {
    return this.#holding !== undefined;
  }

  /** Takes frames again, written by this framing. */
  release(framing: Framing<unknown, Sent>): void {
    this.#framing = framing;
    if (this.#refusing === this.#holding) this.#refusing = undefined;
    this.#holding = undefined;
  }

  /** Hands over what has gathered, unless the transport is still busy with the last write. */
  flush(): void {
    while (!this.#blocked && !this.#closed) {
      if (this.#whole !== undefined) this.#unpackWhole(this.#whole);
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

  /** The kernel has taken what the transport held. */
  drained(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    if (this.#lent !== undefined) giveSlab(this.#lent);
    this.#lent = undefined;
    this.#taken(this.#inTransport);
    this.flush();
  }

  /** Takes no more frames; what was accepted is still delivered. */
  refuse(error: () => MillraceError): void {
    if (this.#refusing === this.#holding) this.#refusing = error;
  }

  /** The connection is over: every frame still held fails, once. */
  close(error: () => MillraceError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#refusing = error;
    const waiters = this.#waiters;
    const whole = this.#whole;
    this.#writer =
      this.#whole =
      this.#waiters =
      this.#lent =
        undefined;
    const handed = this.bytesSent + this.#inTransport;
    waiters?.forEach(({ start, listen }) =>
      listen({ status: "failed", kernel: start < handed ? "unknown" : "none", error: error() })
    );
    while (whole !== undefined && whole.length > 0) {
      whole.take().listen?.({ status: "failed", kernel: "none", error: error() });
    }
    this.#room?.reject(error());
    this.#room = undefined;
  }

  #accept(size: number, listen: OutcomeListener | undefined): void | Promise<void> {
    this.#accepted++;
    this.pending += size;
    if (listen !== undefined) this.#wait(this.bytesSent + this.pending - size, size, listen);
    if (this.pending - this.#inTransport >= this.#flushFrom) this.flush();
    if (this.pending <= this.#limit || this.#closed) return;
    if (!this.#full) {
      this.#full = true;
      this.#owner.congested(true);
    }
    if (this.#policy === "wait") return (this.#room ??= makeRoom()).promise;
  }

  #wait(start: number, size: number, listen: OutcomeListener): void {
    (this.#waiters ??= []).push({ start, end: start + size, listen });
  }

  /** One frame always fits. Under `wait`, frames past the limit are held while senders wait, up to as much again. */
  #admits(size: number): boolean {
    const { pending } = this;
    if (pending === 0) return true;
    return this.#policy === "wait" && (pending <= this.#limit || pending + size <= 2 * this.#limit);
  }

  /** What has only gathered is not the peer's slowness: it goes first, and all of it fits unless the peer is slow. */
  #madeRoom(): boolean {
    if (this.#blocked) return false;
    this.flush();
    return !this.#blocked && !this.#closed;
  }

  #overflow(size: number, listen: OutcomeListener | undefined): void | Promise<void> {
    const limit = this.#limit;
    if (this.#policy === "drop-newest" || this.#policy === "drop-oldest") {
      this.#accepted++;
      this.framesDropped++;
      listen?.({ status: "dropped", policy: this.#policy });
      return;
    }
    const held =
      `send a frame: ${this.pending} bytes wait for a slow peer and ${size} more pass egressLimit ${limit}`;
    if (this.#policy === "wait") {
      const hint = "; await the promise that send returns, or choose another egressPolicy";
      return refuse(new LimitError("waiting_sends", limit, held + hint), listen);
    }
    const error = new LimitError("egress", limit, `${held}; egressPolicy "close" closes the connection`);
    this.#owner.overflowed(error);
    return refuse(error, listen);
  }

  #sendWhole(bytes: Uint8Array, listen: OutcomeListener | undefined): void | Promise<void> {
    const whole = this.#whole ??= new Fifo();
    const { length } = bytes;
    while (this.pending + length > this.#limit && whole.length > 0) this.#dropOldest(whole.take());
    if (this.pending + length > this.#limit) return this.#overflow(length, listen);
    this.#accepted++;
    this.pending += length;
    whole.push({ bytes, listen });
  }

  #dropOldest({ bytes, listen }: WholeFrame): void {
    this.pending -= bytes.length;
    this.framesDropped++;
    listen?.({ status: "dropped", policy: "drop-oldest" });
  }

  /** Nothing is in the transport: frames that could still be dropped get their place in the stream. */
  #unpackWhole(whole: Fifo<WholeFrame>): void {
    const writer = this.#writer ??= takeWriter();
    while (whole.length > 0) {
      const { bytes, listen } = whole.take();
      if (listen !== undefined) this.#wait(this.bytesSent + writer.length, bytes.length, listen);
      writer.bytes(bytes);
    }
    this.#whole = undefined;
  }

  #writePiece(writer: SlabWriter): void {
    const piece = writer.next();
    const slab = writer.lastSlab;
    if (writer.length === 0) this.#handed = this.#accepted - this.framesDropped - (this.#whole?.length ?? 0);
    this.#inTransport = piece.length;
    // Blocked until the answer is known, so that whoever is called from inside the write cannot write ahead.
    this.#blocked = true;
    if (this.#transport.write(piece)) {
      this.#blocked = false;
      if (slab !== undefined) giveSlab(slab);
      this.#taken(piece.length);
    } else this.#lent = slab;
  }

  #taken(bytes: number): void {
    this.#inTransport = 0;
    this.pending -= bytes;
    this.bytesSent += bytes;
    this.framesSent = this.#handed;
    this.#owner.wrote();
    if (this.#waiters !== undefined) this.#settle();
    if (this.#full && this.pending <= this.#limit / 2) {
      this.#full = false;
      this.#room?.resolve();
      this.#room = undefined;
      this.#owner.congested(false);
    }
    if (this.pending === 0) this.#owner.emptied();
  }

  #settle(): void {
    const waiters = this.#waiters!;
    const left = waiters.findIndex((waiter) => waiter.end > this.bytesSent);
    this.#waiters = left < 0 ? undefined : waiters.slice(left);
    for (const waiter of left < 0 ? waiters : waiters.slice(0, left)) waiter.listen({ status: "sent" });
  }
}

function refuse(error: MillraceError, listen: OutcomeListener | undefined): Promise<void> {
  listen?.({ status: "failed", kernel: "none", error });
  const refused = Promise.reject(error);
  refused.catch(ignore);
  return refused;
}

function makeRoom(): Room {
  let resolve!: () => void, reject!: (error: Error) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Whoever does not await must not bring the process down when the connection dies.
  promise.catch(ignore);
  return { promise, resolve, reject };
}

function ignore(): void {}
