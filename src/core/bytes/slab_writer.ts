/**
 * Where outgoing frames are written: copied one behind the other into slabs, so that the sender's memory is the sender's
 * again. Large ones are only borrowed for as long as it takes to offer them to the kernel, where a runtime allows that;
 * memory that never changes is referenced. The whole comes out as few pieces. Used by the outbox alone; a writer that is empty goes
 * back to a pool, so that an idle connection holds neither slab nor writer.
 *
 * A connection starts with a small slab and gets large ones once it fills that, so that a thousand slow
 * readers with a few bytes each do not hold a thousand large slabs.
 */
import { adjoined } from "./bytes.ts";
import type { ByteSink } from "../framing/framing.ts";

const smallSlab = 4 * 1024;
const largeSlab = 64 * 1024;
/** Sources of memory that never changes are referenced if they are this long. */
const referenceFrom = 4096;
/** Below this, a copy costs less than a write of its own. */
const borrowFrom = 32 * 1024;
/** Above this, a copy is one new stretch of memory: so many slabs would be so many writes. */
const longestInSlabs = 2 * largeSlab;
/** A piece above the first is handed to the transport in parts of the second, so that a slow peer's progress shows. */
const largestPiece = 512 * 1024;
const partOfPiece = 256 * 1024;

type Slab = Uint8Array<ArrayBuffer>;
/** The most that a pool keeps, in bytes: a runtime whose writes take their time lends one slab a connection. */
const mostPooled = 2 * 1024 * 1024;
const smallSlabs: Slab[] = [];
const largeSlabs: Slab[] = [];
const mostWriters = 512;
const writers: SlabWriter[] = [];
const utf8 = new TextEncoder();

/** Gives a slab back; nobody may hold a view of it any more. */
export function giveSlab(slab: Slab): void {
  const pool = slab.length === smallSlab ? smallSlabs : largeSlabs;
  if (pool.length * slab.length < mostPooled) pool.push(slab);
}

/** An empty writer from the pool. */
export function takeWriter(): SlabWriter {
  return writers.pop() ?? new SlabWriter();
}

/** Gives an empty writer back. */
export function giveWriter(writer: SlabWriter): void {
  if (writers.length < mostWriters) writers.push(writer);
}

/** Bytes to be written, in order. */
export class SlabWriter implements ByteSink {
  /** Bytes held. */
  length = 0;
  /** Large sources may be borrowed until `own`. */
  borrows = false;
  #slab: Slab | undefined = undefined;
  #start = 0;
  #end = 0;
  #pieces: Uint8Array[] = [];
  /** For each piece, the slab that is free once the piece is through. */
  #slabs: (Slab | undefined)[] = [];
  /** So many of the pieces, from the first on, end with the last one that is borrowed. */
  #borrowed = 0;
  // Where the frame that is being written began.
  #markedPieces = 0;
  #markedBorrowed = 0;
  #markedLast: Uint8Array | undefined = undefined;
  #markedSlab: Slab | undefined = undefined;
  #markedStart = 0;
  #markedEnd = 0;
  #markedLength = 0;
  /** The slab behind the piece that `next` gave last, if that was its last piece. */
  lastSlab: Slab | undefined = undefined;

  byte(value: number): void {
    if (this.#slab === undefined || this.#end === this.#slab.length) this.#nextSlab(1);
    this.#slab![this.#end++] = value;
    this.length++;
  }

  bytes(source: Uint8Array): void {
    const { length } = source;
    if (length >= borrowFrom) this.#large(source);
    else if (length > largeSlab - this.#end) this.#fill(source);
    else {
      if (this.#slab === undefined || length > this.#slab.length - this.#end) this.#nextSlab(length);
      this.#slab!.set(source, this.#end);
      this.#end += length;
    }
    this.length += length;
  }

  /** The same for memory that nobody changes any more. */
  shared(source: Uint8Array): void {
    if (source.length < referenceFrom) return this.bytes(source);
    this.#reference(source);
    this.length += source.length;
  }

  /** True while a piece is borrowed: it is the next one, or behind it. */
  get borrowing(): boolean {
    return this.#borrowed > 0;
  }

  /** Copies what is borrowed still. */
  own(): void {
    for (let at = 0; at < this.#borrowed; at++) {
      if (this.#slabs[at] === undefined) this.#pieces[at] = copy(this.#pieces[at]!);
    }
    this.#borrowed = 0;
  }

  text(source: string): void {
    const most = source.length * 3;
    if (most >= referenceFrom) return this.shared(utf8.encode(source));
    if (this.#slab === undefined || most > this.#slab.length - this.#end) this.#nextSlab(most);
    const { written } = utf8.encodeInto(source, this.#slab!.subarray(this.#end));
    this.#end += written;
    this.length += written;
  }

  /** Remembers this place for `rollback`. */
  mark(): void {
    const { length } = this.#pieces;
    this.#markedPieces = length;
    this.#markedBorrowed = this.#borrowed;
    if (length > 0) this.#markedLast = this.#pieces[length - 1];
    this.#markedSlab = this.#slab;
    this.#markedStart = this.#start;
    this.#markedEnd = this.#end;
    this.#markedLength = this.length;
  }

  /** Forgets what was written since `mark`. Nothing may have been taken out in between. */
  rollback(): void {
    const pieces = this.#markedPieces;
    this.#pieces.length = this.#slabs.length = pieces;
    this.#borrowed = this.#markedBorrowed;
    if (pieces > 0) this.#pieces[pieces - 1] = this.#markedLast!;
    this.#slab = this.#markedSlab;
    this.#start = this.#markedStart;
    this.#end = this.#markedEnd;
    this.length = this.#markedLength;
  }

  /** Takes the next piece out; `lastSlab` tells which slab it frees. Only when `length` is not 0. */
  next(): Uint8Array {
    if (this.#pieces.length === 0) {
      const slab = this.#slab!;
      const piece = slab.subarray(this.#start, this.#end);
      this.lastSlab = slab;
      this.#slab = this.#markedSlab = this.#markedLast = undefined;
      this.#start = this.#end = this.length = 0;
      return piece;
    }
    let piece = this.#pieces[0]!;
    if (piece.length > largestPiece) {
      this.#pieces[0] = piece.subarray(partOfPiece);
      piece = piece.subarray(0, partOfPiece);
      this.lastSlab = undefined;
    } else {
      this.#pieces.shift();
      this.lastSlab = this.#slabs.shift();
      if (this.#borrowed > 0) this.#borrowed--;
    }
    this.length -= piece.length;
    return piece;
  }

  #large(source: Uint8Array): void {
    if (this.borrows) {
      this.#reference(source);
      this.#borrowed = this.#pieces.length;
    } else if (source.length > longestInSlabs) this.#reference(copy(source));
    else this.#fill(source);
  }

  /** Copies a source over as many slabs as it takes. */
  #fill(source: Uint8Array): void {
    for (let at = 0; at < source.length;) {
      if (this.#slab === undefined || this.#end === this.#slab.length) this.#nextSlab(source.length - at);
      const slab = this.#slab!;
      const part = source.subarray(at, at + slab.length - this.#end);
      slab.set(part, this.#end);
      this.#end += part.length;
      at += part.length;
    }
  }

  /** Small bytes before a large source take its beginning with them: a packet of a few bytes costs as much as a full one. */
  #reference(source: Uint8Array): void {
    let rest = source;
    if (this.#end > this.#start) {
      const slab = this.#slab!;
      const filling = Math.min(slab.length - this.#end, referenceFrom, source.length);
      slab.set(source.subarray(0, filling), this.#end);
      this.#end += filling;
      rest = source.subarray(filling);
      this.#seal(undefined);
    }
    if (rest.length === 0) return;
    const last = this.#pieces.length - 1;
    // Frames that came in one chunk and go out again one after the other are one stretch of memory.
    const before = this.#slabs[last] === undefined ? this.#pieces[last] : undefined;
    const both = before === undefined ? undefined : adjoined(before, rest);
    if (both !== undefined) this.#pieces[last] = both;
    else {
      this.#pieces.push(rest);
      this.#slabs.push(undefined);
    }
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

/** In memory of its own, whatever subclass it is of. */
function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
