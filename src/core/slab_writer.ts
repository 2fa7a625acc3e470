/**
 * Where outgoing frames are written: small ones are copied one behind the other into a slab, large ones are
 * referenced, and the whole comes out as few pieces. Used by the outbox alone; a writer that is empty goes
 * back to a pool, so that an idle connection holds neither slab nor writer.
 *
 * A connection starts with a small slab and gets large ones once it fills that, so that a thousand slow
 * readers with a few bytes each do not hold a thousand large slabs.
 */
import type { ByteSink } from "./framing/framing.ts";

const smallSlab = 4 * 1024;
/** Bytes of a large slab, and the amount at which the outbox flushes by itself. */
export const largeSlab: number = 64 * 1024;
/** Sources at least this long are referenced, shorter ones are copied. */
const referenceFrom = 4096;
/** The most handed to the transport at once, so that a slow peer's progress shows. */
const largestPiece = 256 * 1024;

type Slab = Uint8Array<ArrayBuffer>;
const pooled = 32;
const smallSlabs: Slab[] = [];
const largeSlabs: Slab[] = [];
const writers: SlabWriter[] = [];
const utf8 = new TextEncoder();

/** Gives a slab back; nobody may hold a view of it any more. */
export function giveSlab(slab: Slab): void {
  const pool = slab.length === smallSlab ? smallSlabs : largeSlabs;
  if (pool.length < pooled) pool.push(slab);
}

/** An empty writer from the pool. */
export function takeWriter(): SlabWriter {
  return writers.pop() ?? new SlabWriter();
}

/** Gives an empty writer back. */
export function giveWriter(writer: SlabWriter): void {
  if (writers.length < pooled) writers.push(writer);
}

/** Bytes to be written, in order. */
export class SlabWriter implements ByteSink {
  /** Bytes held. */
  length = 0;
  #slab: Slab | undefined = undefined;
  #start = 0;
  #end = 0;
  #pieces: Uint8Array[] = [];
  /** For each piece, the slab that is free once the piece is through. */
  #slabs: (Slab | undefined)[] = [];
  #marked: { pieces: number; slab: Slab | undefined; start: number; end: number; length: number } = {
    pieces: 0,
    slab: undefined,
    start: 0,
    end: 0,
    length: 0,
  };
  /** The slab behind the piece that `next` gave last, if that was its last piece. */
  lastSlab: Slab | undefined = undefined;

  byte(value: number): void {
    if (this.#slab === undefined || this.#end === this.#slab.length) this.#nextSlab(1);
    this.#slab![this.#end++] = value;
    this.length++;
  }

  bytes(source: Uint8Array): void {
    const { length } = source;
    if (length >= referenceFrom) {
      this.#seal(undefined);
      this.#pieces.push(source);
      this.#slabs.push(undefined);
    } else {
      if (this.#slab === undefined || length > this.#slab.length - this.#end) this.#nextSlab(length);
      this.#slab!.set(source, this.#end);
      this.#end += length;
    }
    this.length += length;
  }

  text(source: string): void {
    const most = source.length * 3;
    if (most >= referenceFrom) return this.bytes(utf8.encode(source));
    if (this.#slab === undefined || most > this.#slab.length - this.#end) this.#nextSlab(most);
    const { written } = utf8.encodeInto(source, this.#slab!.subarray(this.#end));
    this.#end += written;
    this.length += written;
  }

  /** Remembers this place for `rollback`. */
  mark(): void {
    const marked = this.#marked;
    marked.pieces = this.#pieces.length;
    marked.slab = this.#slab;
    marked.start = this.#start;
    marked.end = this.#end;
    marked.length = this.length;
  }

  /** Forgets what was written since `mark`. Nothing may have been taken out in between. */
  rollback(): void {
    const marked = this.#marked;
    this.#pieces.length = this.#slabs.length = marked.pieces;
    this.#slab = marked.slab;
    this.#start = marked.start;
    this.#end = marked.end;
    this.length = marked.length;
  }

  /** Takes the next piece out; `lastSlab` tells which slab it frees. Only when `length` is not 0. */
  next(): Uint8Array {
    if (this.#pieces.length === 0) {
      const slab = this.#slab!;
      const piece = slab.subarray(this.#start, this.#end);
      this.lastSlab = slab;
      this.#marked.slab = this.#slab = undefined;
      this.#start = this.#end = this.length = 0;
      return piece;
    }
    let piece = this.#pieces[0]!;
    if (piece.length > largestPiece) {
      this.#pieces[0] = piece.subarray(largestPiece);
      piece = piece.subarray(0, largestPiece);
      this.lastSlab = undefined;
    } else {
      this.#pieces.shift();
      this.lastSlab = this.#slabs.shift();
    }
    this.length -= piece.length;
    return piece;
  }

  #seal(freed: Slab | undefined): void {
    if (this.#end > this.#start) {
      this.#pieces.push(this.#slab!.subarray(this.#start, this.#end));
      this.#slabs.push(freed);
      this.#start = this.#end;
    }
  }

  #nextSlab(length: number): void {
    const had = this.#slab;
    this.#seal(had);
    this.#slab = (had === undefined && length <= smallSlab)
      ? smallSlabs.pop() ?? new Uint8Array(smallSlab)
      : largeSlabs.pop() ?? new Uint8Array(largeSlab);
    this.#start = this.#end = 0;
  }
}
