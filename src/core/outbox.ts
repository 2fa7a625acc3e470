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
import { giveLedger, type Ledger, takeLedger } from "./ledger.ts";
import type { EgressPolicy, OutcomeListener } from "./outcome.ts";
import { makeRoom, refuse, type Room } from "./room.ts";
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

/** A frame kept apart so that it can still be dropped. */
interface WholeFrame {
  readonly bytes: Uint8Array;
  readonly listen: OutcomeListener | undefined;
}

/** Bytes at which the outbox flushes by itself. */
const mostGathered = 256 * 1024;
const scratch = new ByteWriter();

/** Outbound queue of one connection. */
export class Outbox<Sent> {
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
  #ledger: Ledger | undefined = undefined;
  #room: Room | undefined = undefined;
  #lent: Uint8Array<ArrayBuffer> | undefined = undefined;
  #bytesSent = 0;
  #framesSent = 0;
  #inTransport = 0;
  #blocked = false;
  #full = false;
  /** Makes the error for whoever still sends. */
  #refusing: (() => MillraceError) | undefined = undefined;
  /** What is refused only for a while, and is then `#refusing` too. */
  #holding: (() => MillraceError) | undefined = undefined;
  #closed = false;
  /** Frames that were left when it closed. */
  #framesLeft: number | undefined = undefined;

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

  /** Bytes that the kernel has taken. */
  get bytesSent(): number {
    this.look();
    return this.#bytesSent;
  }

  /** Frames that the kernel has taken whole. */
  get framesSent(): number {
    this.look();
    return this.#framesSent;
  }

  /** Frames accepted, not dropped, and not taken whole by the kernel. */
  get framesPending(): number {
    this.look();
    return this.#framesLeft ?? (this.#ledger?.frames ?? 0) + (this.#whole?.length ?? 0);
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

  /** Counts what the kernel has taken by now of what the transport holds, and tells the outcomes. */
  look(): void {
    if (this.#inTransport === 0 || this.#closed) return;
    const handed = this.#bytesSent + this.#inTransport;
    const taken = Math.min(this.#transport.taken, handed) - this.#bytesSent;
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
    if (this.#refusing === this.#holding) this.#refusing = error;
  }

  /** The connection is over: every frame still held fails, once. */
  close(error: () => MillraceError): void {
    if (this.#closed) return;
    this.#framesLeft = this.framesPending;
    this.#closed = true;
    this.#refusing = error;
    const ledger = this.#ledger;
    const whole = this.#whole;
    this.#writer =
      this.#whole =
      this.#ledger =
      this.#lent =
        undefined;
    ledger?.fail(this.#bytesSent + this.#inTransport, error);
    while (whole !== undefined && whole.length > 0) {
      whole.take().listen?.({ status: "failed", kernel: "none", error: error() });
    }
    this.#room?.reject(error());
    this.#room = undefined;
  }

  #accept(size: number, listen: OutcomeListener | undefined): void | Promise<void> {
    this.pending += size;
    (this.#ledger ??= takeLedger(this.#bytesSent)).add(size, listen);
    // Nothing will tell of a frame without bytes.
    if (this.pending === 0) this.#count(0);
    if (this.pending - this.#inTransport >= this.#flushFrom) this.flush();
    if (this.pending <= this.#limit || this.#closed) return;
    if (!this.#full) {
      this.#full = true;
      this.#owner.congested(true);
    }
    if (this.#policy === "wait") return (this.#room ??= makeRoom()).promise;
  }

  /** One frame always fits. Under `wait`, frames past the limit are held while senders wait, up to as much again. */
  #admits(size: number): boolean {
    const { pending } = this;
    if (pending === 0) return true;
    return this.#policy === "wait" && (pending <= this.#limit || pending + size <= 2 * this.#limit);
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
    const limit = this.#limit;
    if (this.#policy === "drop-newest" || this.#policy === "drop-oldest") {
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
    const ledger = this.#ledger ??= takeLedger(this.#bytesSent);
    while (whole.length > 0) {
      const { bytes, listen } = whole.take();
      ledger.add(bytes.length, listen);
      writer.bytes(bytes);
    }
    this.#whole = undefined;
  }

  #writePiece(writer: SlabWriter): void {
    const piece = writer.next();
    const slab = writer.lastSlab;
    this.#inTransport = piece.length;
    // Blocked until the answer is known, so that whoever is called from inside the write cannot write ahead.
    this.#blocked = true;
    if (this.#transport.write(piece)) {
      this.#blocked = false;
      if (slab !== undefined) giveSlab(slab);
      this.#taken();
    } else this.#lent = slab;
  }

  #count(bytes: number): void {
    this.#inTransport -= bytes;
    this.pending -= bytes;
    const position = this.#bytesSent += bytes;
    const ledger = this.#ledger;
    if (ledger !== undefined) {
      this.#framesSent += ledger.takenTo(position);
      const empty = ledger.frames === 0;
      if (empty) this.#ledger = undefined;
      ledger.settle(position);
      if (empty) giveLedger(ledger);
    }
    if (bytes > 0) this.#owner.wrote();
  }

  /** The kernel has all that was handed over. */
  #taken(): void {
    this.#count(this.#inTransport);
    if (this.#full && this.pending <= this.#limit / 2) {
      this.#full = false;
      this.#room?.resolve();
      this.#room = undefined;
      this.#owner.congested(false);
    }
    if (this.pending === 0) this.#owner.emptied();
  }
}
