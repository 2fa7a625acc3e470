/**
 * Whole numbers in bytes: how a length field is read and written.
 *
 * Used by `length_field.ts` and by `./diagnosis.ts`. Plain arithmetic: a `DataView` would be one more object.
 */
import type { ByteSink } from "./framing.ts";

/** Byte order of a number: most significant byte first, or last. */
export type Endian = "big" | "little";

/** Reads the number that starts at `at`; all of its bytes must be there. */
type LengthReader = (bytes: Uint8Array, at: number) => number;

/** A reader of unsigned numbers. Eight bytes with the top bit set give `NaN`, above 2^53 the nearest double. */
export function lengthReader(width: number, endian: Endian): LengthReader {
  if (endian === "big") {
    if (width === 1) return (bytes, at) => bytes[at]!;
    if (width === 2) return (bytes, at) => bytes[at]! << 8 | bytes[at + 1]!;
    if (width === 3) return (bytes, at) => bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
    if (width === 4) return big4;
    return (bytes, at) => bytes[at]! > 127 ? NaN : big4(bytes, at) * 2 ** 32 + big4(bytes, at + 4);
  }
  if (width === 1) return (bytes, at) => bytes[at]!;
  if (width === 2) return (bytes, at) => bytes[at + 1]! << 8 | bytes[at]!;
  if (width === 3) return (bytes, at) => bytes[at + 2]! << 16 | bytes[at + 1]! << 8 | bytes[at]!;
  if (width === 4) return little4;
  return (bytes, at) => bytes[at + 7]! > 127 ? NaN : little4(bytes, at + 4) * 2 ** 32 + little4(bytes, at);
}

function big4(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}

function little4(bytes: Uint8Array, at: number): number {
  return (bytes[at + 3]! << 24 | bytes[at + 2]! << 16 | bytes[at + 1]! << 8 | bytes[at]!) >>> 0;
}

/** Writes a whole number that fits. */
export function writeLength(value: number, width: number, endian: Endian, out: ByteSink): void {
  for (let i = 0; i < width; i++) {
    const power = endian === "big" ? width - 1 - i : i;
    out.byte(power < 4 ? (value >>> (8 * power)) & 255 : Math.floor(value / 2 ** (8 * power)) & 255);
  }
}
