/**
 * Looks for a byte in a chunk, first four at a time: where frames are short, a call into the engine for each of them takes
 * longer than the search. What lies further ahead is left to the engine, or to what the adapter of its runtime knows.
 *
 * Used by `delimited_decoder.ts` and others of the framings. Knows nothing of frames.
 */

/** Says where a byte first occurs at or after `from`, or -1. */
export type ByteSearch = (bytes: Uint8Array, byte: number, from: number) => number;

/**
 * What is in the global scope of Node and not of the others. V8's own search of a `Uint8Array` looks at one byte after the
 * other, 15 µs for 64 KiB; that of Node's `Buffer` is `memchr`, half a µs. It is looked for here since `millrace/streams` runs
 * without an adapter; the `Buffer` of Deno is slower than V8, and Bun's engine needs none.
 */
const { Buffer, Bun, Deno } = globalThis as {
  readonly Buffer?: { readonly prototype: { indexOf(byte: number, from: number): number } };
  readonly Bun?: unknown;
  readonly Deno?: unknown;
};
const memchr = Bun === undefined && Deno === undefined ? Buffer?.prototype.indexOf : undefined;

let search: ByteSearch = memchr === undefined
  ? (bytes, byte, from) => bytes.indexOf(byte, from)
  : (bytes, byte, from) => memchr.call(bytes, byte, from);

/** From now on, bytes are looked for in this way. Said once, by the adapter of a runtime that has a faster one than its engine. */
export function searchBytes(by: ByteSearch): void {
  search = by;
}

/** As `indexOf`. */
export function indexOfByte(bytes: Uint8Array, byte: number, from: number): number {
  return search(bytes, byte, from);
}

/** For shorter chunks it is not worth the setting up. */
const shortestChunk = 128;
/** For what lies further ahead, the engine is faster. */
const mostWords = 32;

/** The chunk in words, for `findByte`; undefined where the engine is to be asked instead. `memory` is that of the chunk. */
export function wordsOf(
  chunk: Uint8Array,
  memory: ArrayBufferLike,
  byteOffset: number,
): Int32Array | undefined {
  if (chunk.length < shortestChunk) return undefined;
  const before = byteOffset & 3;
  return new Int32Array(memory, byteOffset - before, (before + chunk.length) >> 2);
}

/** As `indexOf`. `before` bytes of the first word are not of the chunk. */
export function findByte(
  chunk: Uint8Array,
  words: Int32Array,
  before: number,
  byte: number,
  from: number,
): number {
  const { length } = chunk;
  let at = from;
  for (; ((before + at) & 3) !== 0 && at < length; at++) if (chunk[at] === byte) return at;
  let word = (before + at) >> 2;
  const last = Math.min(word + mostWords, words.length);
  const everywhere = Math.imul(byte, 0x01010101);
  for (; word < last; word++) {
    // Zero where the byte is. A borrow runs on only from a byte that is zero, so that the lowest one found is one.
    const difference = words[word]! ^ everywhere;
    if (((difference - 0x01010101) & ~difference & 0x80808080) !== 0) break;
  }
  at = Math.max(from, 4 * word - before);
  // Also where the memory has been taken away meanwhile, of which the engine complains.
  if (word >= last) return search(chunk, byte, at);
  while (chunk[at] !== byte) at++;
  return at;
}
