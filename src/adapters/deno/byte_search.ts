/**
 * Looks for a byte in words of four: V8's `indexOf` of a `Uint8Array` looks at one byte after the other, and takes 15 µs for
 * 64 KiB where this takes 6. Deno has nothing that is faster without copying: text made of the bytes is searched
 * in 2 µs, but as garbage it costs more than it saves.
 *
 * Used by `deno/adapter.ts`.
 */
import type { ByteSearch } from "../../core/bytes/byte_search.ts";

/** So far a loop, which needs no call and no other view, is the fastest. */
const near = 256;
/** Words that are looked at together. */
const together = 4;
const ones = 0x01010101;
const signs = 0x80808080;

/** The search of Deno. */
export const denoByteSearch: ByteSearch = (bytes, byte, from) => {
  const { length } = bytes;
  let at = from;
  for (const end = Math.min(length, from + near); at < end; at++) if (bytes[at] === byte) return at;
  if (length - at < near) return bytes.indexOf(byte, at);
  const { buffer, byteOffset } = bytes;
  // The rest in words, from the first that lies where words do.
  while (((byteOffset + at) & 3) !== 0) if (bytes[at++] === byte) return at - 1;
  const words = new Int32Array(buffer, byteOffset + at, (length - at) >> 2);
  const wanted = byte * ones;
  const last = words.length - together;
  let word = 0;
  for (; word <= last; word += together) {
    const a = words[word]! ^ wanted;
    const b = words[word + 1]! ^ wanted;
    const c = words[word + 2]! ^ wanted;
    const d = words[word + 3]! ^ wanted;
    // A byte of zeros gives its sign bit, and only then does any other.
    const found = ((a - ones) & ~a) | ((b - ones) & ~b) | ((c - ones) & ~c) | ((d - ones) & ~d);
    if ((found & signs) !== 0) break;
  }
  for (at += 4 * word; at < length; at++) if (bytes[at] === byte) return at;
  return -1;
};
