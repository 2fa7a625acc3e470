/**
 * Numbers of bytes as people write them: the one grammar of the library's options, of the configuration and of the
 * command line. Inside there are only numbers.
 */
import { misread, read, type Reading } from "./reading.ts";

/**
 * A unit of size in text such as `"64KiB"`: `k`, `m`, `g` and units with `i` are powers of 1024, the others powers of
 * 1000.
 */
export type SizeUnit =
  | "B"
  | "KB"
  | "kB"
  | "MB"
  | "GB"
  | "KiB"
  | "MiB"
  | "GiB"
  | "k"
  | "K"
  | "m"
  | "M"
  | "g"
  | "G";

/**
 * A number of bytes, or text with a number and a unit: `65_536`, `"64KiB"`, `"64k"`, `"1.5 MB"`. `Infinity`, as a
 * number or text, for no limit.
 */
export type SizeInput = number | `${number}${SizeUnit}` | `${number} ${SizeUnit}` | "Infinity";

/** What may stand in a place. */
export interface SizeRange {
  /** The least, in bytes. @default 1 */
  readonly least?: number;
  /** The most, in bytes. @default any that a number holds */
  readonly most?: number;
  /** `Infinity` may. @default true */
  readonly infinite?: boolean;
}

const text = /^(\d+(?:\.\d+)?)\s*(?:([kmg])(i?b)?|b)?$/;
const units = "the units are B, KB, MB, GB (powers of 1000), k, m, g or KiB, MiB, GiB (powers of 1024)";

/**
 * Reads a size: what it is in bytes, always whole. Texts are read whatever their case, with or without spaces between
 * number and unit; a number without a unit is one of bytes.
 */
export function readSize(
  input: unknown,
  { least = 1, most = Infinity, infinite = most === Infinity }: SizeRange = {},
): Reading<number> {
  const bytes = bytesOfText(input);
  if (Number.isSafeInteger(bytes) && bytes >= least && bytes <= most) return read(bytes);
  if (bytes === Infinity && infinite) return read(bytes);
  const range = most === Infinity ? `${least} or more` : `${least} to ${most}`;
  const endless = infinite ? ', or "Infinity" for no limit' : "";
  return misread(`a number of bytes (whole, ${range}) such as 65536, "64KiB" or "1 MB"${endless}`, units);
}

/** Reads bytes a second, above 0 and not necessarily whole; otherwise written as sizes are. */
export function readByteRate(input: unknown): Reading<number> {
  const bytes = bytesOfText(input);
  if (bytes > 0) return read(bytes);
  return misread(
    'a number of bytes a second, more than 0, such as 65536, "64KiB" or "1 MB", or "Infinity" for no limit',
    units,
  );
}

/** NaN for what is no size. */
function bytesOfText(input: unknown): number {
  if (typeof input === "number") return input;
  if (typeof input !== "string") return NaN;
  const plain = input.trim().toLowerCase();
  if (plain === "infinity") return Infinity;
  const [, digits, prefix = "", unit] = text.exec(plain) ?? [];
  const bytes = Number(digits) * (unit === "b" ? 1000 : 1024) ** " kmg".indexOf(prefix || " ");
  // Digits beyond what a number holds would mean no limit.
  return bytes === Infinity ? NaN : bytes;
}
