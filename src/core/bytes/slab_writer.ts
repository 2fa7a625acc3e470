/**
 * Where outgoing frames are written: copied one behind the other into slabs, so that the sender's memory is the sender's
 * again. Very large ones are only borrowed for as long as it takes to offer them to the kernel, where a runtime allows that;
 * memory that never changes is referenced. The whole comes out as few pieces: a frame that is copied lies in one of them,
 * with its header and its delimiter. Used by the outbox alone; a writer that is empty goes back to a pool, so that an idle
 * connection holds neither slab nor writer.
 *
 * A connection starts with a small slab and gets large ones once it fills that, so that a thousand slow
 * readers with a few bytes each do not hold a thousand large slabs.
 */
import { adjoined } from "./bytes.ts";
import type { ByteSink } from "../framing/framing.ts";

/** Sources of memory that never changes are referenced if they are this long. */
const referenceFrom = 4096;
/** What stands around a frame, its delimiter above all: so much of a slab is left for that behind each source. */
const around = 16;
/** So much of a frame's beginning moves to the next slab with the rest of it. */
const longestHead = 4096;
const smallSlab = 4 * 1024;
/** Frames have round sizes: a slab has room for so many of them and for what stands around them. */
const largeSlab = 68 * 1024;
const hugeSlab = 260 * 1024;
/** Of frames from this length on, a large slab would hold one alone. */
const hugeFrom = 32 * 1024;
/** Below this, a copy costs less than a write of its own for what stands before or behind. */
const borrowFrom = 256 * 1024;
/** A piece above the first is handed to the transport in parts of the second, so that a slow peer's progress shows. */
const largestPiece = 512 * 1024;
const partOfPiece = 256 * 1024;

type Slab = Uint8Array<ArrayBuffer>;
/** The most that a pool keeps, in bytes: a runtime whose writes take their time lends one slab a connection. */
const mostPooled = 2 * 1024 * 1024;
const pools: readonly (readonly [size: number, slabs: Slab[]])[] = [
  [smallSlab, []],
  [largeSlab, []],
  [hugeSlab, []],
];
const mostWriters = 512;
const writers: SlabWriter[] = [];
const utf8 = new TextEncoder();

/** Gives a slab back; nobody may hold a view of it any more. */
export function giveSlab(slab: Slab): void {
  for (const [size, slabs] of pools) {
    if (slab.length === size && slabs.length * size < mostPooled) slabs.push(slab);
  }
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
  /** What was in it has moved; it is free unless that is rolled back. */
  #vacated: Slab | undefined = undefined;
  /** The slab behind the piece that `next` gave last, if that was its last piece. */
  lastSlab: Slab | undefined = undefined;

  byte(value: number): void {
    if (this.#slab === undefined || this.#end === this.#slab.length) this.#nextSlab(1);
    this.#slab![this.#end++] = value;
    this.length++;
  }

  bytes(source: Uint8Array): void {
    const { length } = source;
    if (length >= borrowFrom && this.borrows) {
      this.#reference(source);
      this.#borrowed = this.#pieces.length;
    } else {
      if (this.#slab === undefined || length + around > this.#slab.length - this.#end) this.#nextSlab(length);
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
    if (most + around > hugeSlab) return this.bytes(utf8.encode(source));
    if (this.#slab === undefined || most + around > this.#slab.length - this.#end) this.#nextSlab(most);
    const { written } = utf8.encodeInto(source, this.#slab!.subarray(this.#end));
    this.#end += written;
    this.length += written;
  }

  /** Remembers this place for `rollback`. */
  mark(): void {
    if (this.#vacated !== undefined) giveSlab(this.#vacated);
    this.#vacated = undefined;
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
    this.#vacated = undefined;
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

  /** Goes on in a slab that has room for a source; what there is of its frame moves along. */
  #nextSlab(length: number): void {
    const had = this.#slab;
    const end = this.#end;
    let head = end - (had === this.#markedSlab ? Math.max(this.#start, this.#markedEnd) : this.#start);
    // What is written without a mark may find one of another use of the slab.
    if (head < 0 || head > longestHead) head = 0;
    this.#end -= head;
    if (head > 0 && this.#end === 0) this.#vacated = had;
    this.#seal(had);
    const slab = this.#slab = takeSlab(
      length >= hugeFrom ? hugeSlab : had === undefined ? 0 : largeSlab,
      head + length + around,
    );
    if (head > 0) slab.set(had!.subarray(end - head, end));
    this.#start = 0;
    this.#end = head;
  }
}

/** A slab with room for so many bytes, and of a size at least. */
function takeSlab(least: number, bytes: number): Slab {
  for (const [size, slabs] of pools) {
    if (size >= least && size >= bytes) return slabs.pop() ?? new Uint8Array(size);
  }
  return new Uint8Array(bytes);
}

/** In memory of its own, whatever subclass it is of. */
function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
