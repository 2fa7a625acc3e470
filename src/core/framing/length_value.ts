/**
 * Whole numbers in bytes, binary or as digits: how a length field is read and written.
 *
 * Used by `length_field.ts` and by `./diagnosis.ts`. Plain arithmetic: a `DataView` would be one more object.
 */
import type { ByteSink } from "./framing.ts";

/** Byte order of a number: most significant byte first, or last. */
export type Endian = "big" | "little";

/** How digits are written: one ASCII character each, or two digits in a byte (BCD). */
export type DigitFormat = "decimal" | "hex" | "bcd";

/** Reads the number that starts at `at`; all of its bytes must be there. `NaN` if they are no number. */
type LengthReader = (bytes: Uint8Array, at: number) => number;

/** A reader of unsigned numbers. Eight bytes with the top bit set give `NaN`, above 2^53 the nearest double. */
export function lengthReader(width: number, endian: Endian): LengthReader {
  const high = width - 4;
  if (endian === "big") {
    if (width === 1) return (bytes, at) => bytes[at]!;
    if (width === 2) return (bytes, at) => bytes[at]! << 8 | bytes[at + 1]!;
    if (width === 3) return (bytes, at) => bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
    if (width === 4) return big4;
    if (width < 8) {
      const readHigh = lengthReader(high, endian);
      return (bytes, at) => readHigh(bytes, at) * 2 ** 32 + big4(bytes, at + high);
    }
    return (bytes, at) => bytes[at]! > 127 ? NaN : big4(bytes, at) * 2 ** 32 + big4(bytes, at + 4);
  }
  if (width === 1) return (bytes, at) => bytes[at]!;
  if (width === 2) return (bytes, at) => bytes[at + 1]! << 8 | bytes[at]!;
  if (width === 3) return (bytes, at) => bytes[at + 2]! << 16 | bytes[at + 1]! << 8 | bytes[at]!;
  if (width === 4) return little4;
  if (width < 8) {
    const readHigh = lengthReader(high, endian);
    return (bytes, at) => readHigh(bytes, at + 4) * 2 ** 32 + little4(bytes, at);
  }
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

/** A reader of numbers in digits, most significant first, of which there are as many as the field holds. */
export function digitReader(width: number, format: DigitFormat): LengthReader {
  if (format === "bcd") {
    return (bytes, at) => {
      let value = 0;
      for (let i = at; i < at + width; i++) {
        const [high, low] = [bytes[i]! >> 4, bytes[i]! & 15];
        if (high > 9 || low > 9) return NaN;
        value = value * 100 + high * 10 + low;
      }
      return value;
    };
  }
  const base = format === "hex" ? 16 : 10;
  return (bytes, at) => {
    let value = 0;
    for (let i = at; i < at + width; i++) {
      const digit = digitOf(bytes[i]!);
      if (digit >= base) return NaN;
      value = value * base + digit;
    }
    return value;
  };
}

/** What a character stands for; 16 if it is no digit. */
function digitOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : 16;
}

/** Writes a whole number that fits, with zeros before it; letters of hexadecimal digits are upper-case. */
export function writeDigits(value: number, width: number, format: DigitFormat, out: ByteSink): void {
  const base = { decimal: 10, hex: 16, bcd: 100 }[format];
  for (let power = base ** (width - 1); power >= 1; power /= base) {
    const digit = Math.floor(value / power) % base;
    if (format === "bcd") out.byte(Math.floor(digit / 10) << 4 | digit % 10);
    else out.byte(digit < 10 ? 48 + digit : 55 + digit);
  }
}

/** The largest number that a field of so many bytes holds. */
export function largestLength(width: number, format: "binary" | DigitFormat): number {
  return { binary: 256, decimal: 10, hex: 16, bcd: 100 }[format] ** width - 1;
}

/** Where in a number its length is: contiguous bits of it. */
export interface LengthBits {
  /** Value of the lowest of these bits. */
  readonly unit: number;
  /** How many values they have, 2 to the number of bits. */
  readonly values: number;
}

/** Reads a mask, such as `0x0fff`; undefined unless its bits are contiguous and fit into so many bytes. */
export function lengthBits(mask: number, width: number): LengthBits | undefined {
  if (!Number.isSafeInteger(mask) || mask < 1 || mask >= 256 ** width) return undefined;
  let unit = 1;
  while (mask / unit % 2 === 0) unit *= 2;
  const values = mask / unit + 1;
  return Number.isInteger(Math.log2(values)) && 2 ** Math.round(Math.log2(values)) === values
    ? { unit, values }
    : undefined;
}
