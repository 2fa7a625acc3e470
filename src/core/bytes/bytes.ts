/**
 * Small work on bytes that several modules share: a writer that grows, comparing, showing.
 *
 * Used by framings, the outbox, broadcast and `EncoderStream`. Knows nothing of frames or sockets.
 */
import type { ByteSink } from "../framing/framing.ts";

/** A writer keeps no more memory than this between uses. */
const keptBytes = 64 * 1024;
const firstBytes = 256;

const utf8 = /* @__PURE__ */ new TextEncoder();

/** Bytes written one after the other into memory that grows as needed. */
export class ByteWriter implements ByteSink {
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(firstBytes);
  #length = 0;

  /** Bytes written since the last `take` or `reset`. */
  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    if (this.#length === this.#buffer.length) this.#grow(1);
    this.#buffer[this.#length++] = value;
  }

  bytes(source: Uint8Array): void {
    if (source.length > this.#buffer.length - this.#length) this.#grow(source.length);
    this.#buffer.set(source, this.#length);
    this.#length += source.length;
  }

  /** Writes UTF-8; a lone surrogate becomes U+FFFD. */
  text(source: string): void {
    const most = source.length * 3;
    if (most > this.#buffer.length - this.#length) {
      // Three bytes a character is the worst case; for a long text the exact size is worth the pass.
      if (most > keptBytes) return this.bytes(utf8.encode(source));
      this.#grow(most);
    }
    this.#length += utf8.encodeInto(source, this.#buffer.subarray(this.#length)).written;
  }

  /** Everything written, as an array that nobody else holds; the writer is empty afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    const length = this.#length;
    const taken = length > keptBytes ? this.#buffer.subarray(0, length) : this.#buffer.slice(0, length);
    this.reset();
    return taken;
  }

  /** Takes back what was written after the first `length` bytes: all of it unless told otherwise. */
  reset(length = 0): this {
    if (!(length >= 0 && length <= this.#length)) {
      throw new RangeError(
        `reset a writer: found ${length}, expected 0 to ${this.#length}, the bytes written`,
      );
    }
    this.#length = length;
    if (length === 0 && this.#buffer.length > keptBytes) this.#buffer = new Uint8Array(firstBytes);
    return this;
  }

  #grow(more: number): void {
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + more));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

/** JavaScriptCore keeps arrays up to this length without a buffer, and has to make one for a view. */
const inlineLength = 1000;
/** Frames up to this length are copied rather than viewed. */
let copiedLength = 0;
/** A view is always the cheaper. */
let viewsOnly = false;

/**
 * From now on, frames up to this length are copied rather than viewed; with 0, none are. Said once, by the adapter of a
 * runtime that knows which is cheaper there.
 */
export function copyFrames(upTo: number): void {
  copiedLength = upTo;
  viewsOnly = upTo === 0;
}

/** Whether `buffer` may have to be made for this array. */
function mayLackBuffer({ constructor, length, byteOffset }: Uint8Array): boolean {
  return !viewsOnly && length <= inlineLength && byteOffset === 0 && constructor === Uint8Array;
}

/**
 * Bytes `start` to `end` as a plain `Uint8Array`, whatever subclass `bytes` is of: a view, or a copy where a few bytes
 * have memory of their own and a copy is the cheaper. `buffer` is not asked for where it may have to be made.
 */
export function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (bytes.constructor !== Uint8Array) {
    return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
  }
  return end - start <= copiedLength || mayLackBuffer(bytes)
    ? bytes.slice(start, end)
    : bytes.subarray(start, end);
}

/**
 * The memory of a chunk of which frames are cut, asked for once a chunk, since that may be a call into the engine.
 * Undefined where it may have to be made, or where frames are copied.
 */
export function memoryOf(chunk: Uint8Array): ArrayBufferLike | undefined {
  return copiedLength > 0 || mayLackBuffer(chunk) ? undefined : chunk.buffer;
}

/** Frames of this chunk are best copied, with `slice`, up to this length; -1 where none are. */
export function copiedOf(chunk: Uint8Array): number {
  return copiedLength > 0 && chunk.constructor === Uint8Array ? copiedLength : -1;
}

/** The same as `view`, of a chunk whose memory and place in it are known. */
export function viewIn(
  chunk: Uint8Array,
  memory: ArrayBufferLike | undefined,
  byteOffset: number,
  start: number,
  end: number,
): Uint8Array {
  return memory === undefined
    ? view(chunk, start, end)
    : new Uint8Array(memory, byteOffset + start, end - start);
}

/** Both as one view, where `after` lies right behind `before` in the same memory; else undefined. */
export function adjoined(before: Uint8Array, after: Uint8Array): Uint8Array | undefined {
  const { byteOffset, length } = before;
  // The places first: `buffer` may have to be made.
  if (byteOffset + length !== after.byteOffset || before.buffer !== after.buffer) return undefined;
  return new Uint8Array(before.buffer, byteOffset, length + after.length);
}

/** True when both hold the same bytes. */
export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  const { length } = one;
  if (length !== other.length) return false;
  for (let i = 0; i < length; i++) if (one[i] !== other[i]) return false;
  return true;
}

/** Several arrays as one. */
export function concatBytes(
  parts: readonly Uint8Array[],
  whole: Uint8Array<ArrayBuffer> = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0)),
): Uint8Array<ArrayBuffer> {
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const mostLent = 1024 * 1024;
let lendable = new Uint8Array(0);

/** So many bytes of memory that is lent to one after the other: fresh memory costs more than the copy that goes into it. */
export function lentBytes(size: number): Uint8Array<ArrayBuffer> {
  if (size > mostLent) return new Uint8Array(size);
  if (size > lendable.length) lendable = new Uint8Array(size * 2);
  return lendable.subarray(0, size);
}

/** Bytes for people: printable ASCII as quoted text, anything else in hex; at most `most` bytes of it. */
export function showBytes(bytes: Uint8Array, most = 32): string {
  const shown = bytes.subarray(0, most);
  const more = bytes.length > most ? "…" : "";
  if (shown.every((byte) => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13)) {
    return JSON.stringify(String.fromCharCode(...shown)) + more;
  }
  return showHex(shown) + more;
}

/** Bytes as a hexadecimal number: `0x1c0d`. */
export function showHex(bytes: Uint8Array): string {
  return "0x" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
