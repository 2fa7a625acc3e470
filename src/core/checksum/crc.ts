/**
 * Cyclic redundancy checks of up to 32 bits, eight bytes at a time.
 *
 * Used by `checksums.ts`, which names them. Knows nothing of frames. The table of a polynomial is made when it is first needed.
 */

/** The checksum of bytes `start` to `end`. `before` is that of the bytes which precede them, so that parts can be summed up. */
export type ChecksumFunction = (bytes: Uint8Array, start?: number, end?: number, before?: number) => number;

/** How one is defined, as in the catalogue of CRC algorithms. */
interface CrcDefinition {
  readonly width: 16 | 32;
  /** The lowest bit comes first: the polynomial is written from its lowest bit on. */
  readonly reflected: boolean;
  readonly polynomial: number;
  readonly initial: number;
  /** What the result is combined with at the end. */
  readonly final: number;
}

/** Eight tables in one: what a byte does to the checksum that 0 to 7 bytes later is complete. */
type Tables = Int32Array;

/** By polynomial, and for which end of a byte comes first. */
const made = new Map<number, Tables>();

/** A function for one of them. */
export function crc(definition: CrcDefinition): ChecksumFunction {
  const { width, reflected, polynomial, initial, final } = definition;
  // A checksum whose highest bit comes first stands at the upper end of 32 bits.
  const up = reflected ? 0 : 32 - width;
  const key = reflected ? polynomial : -polynomial;
  const update = reflected ? lowestFirst : highestFirst;
  let tables: Tables | undefined;
  return (bytes, start = 0, end = bytes.length, before = (initial ^ final) >>> 0) => {
    tables ??= tablesOf(key, reflected, polynomial << up);
    const state = update(tables, bytes, start, end, (before ^ final) << up);
    return ((state >>> up) ^ final) >>> 0;
  };
}

function tablesOf(key: number, reflected: boolean, polynomial: number): Tables {
  const found = made.get(key);
  if (found !== undefined) return found;
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let state = reflected ? byte : byte << 24;
    for (let bit = 0; bit < 8; bit++) {
      if (reflected) state = (state & 1) === 0 ? state >>> 1 : (state >>> 1) ^ polynomial;
      else state = state >= 0 ? state << 1 : (state << 1) ^ polynomial;
    }
    tables[byte] = state;
  }
  for (let at = 256; at < tables.length; at++) {
    const state = tables[at - 256]!;
    tables[at] = reflected ? (state >>> 8) ^ tables[state & 255]! : (state << 8) ^ tables[state >>> 24]!;
  }
  made.set(key, tables);
  return tables;
}

function lowestFirst(t: Tables, bytes: Uint8Array, start: number, end: number, before: number): number {
  let state = before;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    state ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    state = t[1792 + (state & 255)]! ^ t[1536 + ((state >>> 8) & 255)]! ^
      t[1280 + ((state >>> 16) & 255)]! ^ t[1024 + (state >>> 24)]! ^
      t[768 + bytes[at + 4]!]! ^ t[512 + bytes[at + 5]!]! ^ t[256 + bytes[at + 6]!]! ^ t[bytes[at + 7]!]!;
  }
  for (; at < end; at++) state = t[(state ^ bytes[at]!) & 255]! ^ (state >>> 8);
  return state;
}

function highestFirst(t: Tables, bytes: Uint8Array, start: number, end: number, before: number): number {
  let state = before;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    state ^= (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    state = t[1792 + (state >>> 24)]! ^ t[1536 + ((state >>> 16) & 255)]! ^
      t[1280 + ((state >>> 8) & 255)]! ^ t[1024 + (state & 255)]! ^
      t[768 + bytes[at + 4]!]! ^ t[512 + bytes[at + 5]!]! ^ t[256 + bytes[at + 6]!]! ^ t[bytes[at + 7]!]!;
  }
  for (; at < end; at++) state = t[(state >>> 24) ^ bytes[at]!]! ^ (state << 8);
  return state;
}
