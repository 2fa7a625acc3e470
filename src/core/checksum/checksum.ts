/**
 * Checksums by name, as options, configurations and texts say them.
 */
import { OptionsCheck } from "../options.ts";
import {
  crc16arc,
  crc16ccittFalse,
  crc16dnp,
  crc16kermit,
  crc16modbus,
  crc16x25,
  crc16xmodem,
  crc32,
  crc32c,
  sum16,
  sum8,
  xor8,
} from "./checksums.ts";
import type { ChecksumFunction } from "./crc.ts";

export type { ChecksumFunction } from "./crc.ts";

/** Names of checksums, as `checksum` takes them. CRCs are those of the catalogue of CRC algorithms. */
export type ChecksumName =
  | "xor"
  | "sum8"
  | "sum16"
  | "crc16-x25"
  | "crc16-kermit"
  | "crc16-arc"
  | "crc16-modbus"
  | "crc16-dnp"
  | "crc16-ccitt-false"
  | "crc16-xmodem"
  | "crc32"
  | "crc32c";

/** One of them. */
interface ChecksumKind {
  readonly of: ChecksumFunction;
  /** Bytes that its value takes. */
  readonly bytes: 1 | 2 | 4;
  /** It may begin with a value other than 0. */
  readonly seeded: boolean;
}

/** All of them. */
export const checksumKinds: ReadonlyMap<ChecksumName, ChecksumKind> = new Map<ChecksumName, ChecksumKind>([
  ["xor", { of: xor8, bytes: 1, seeded: true }],
  ["sum8", { of: sum8, bytes: 1, seeded: true }],
  ["sum16", { of: sum16, bytes: 2, seeded: true }],
  ["crc16-x25", { of: crc16x25, bytes: 2, seeded: false }],
  ["crc16-kermit", { of: crc16kermit, bytes: 2, seeded: false }],
  ["crc16-arc", { of: crc16arc, bytes: 2, seeded: false }],
  ["crc16-modbus", { of: crc16modbus, bytes: 2, seeded: false }],
  ["crc16-dnp", { of: crc16dnp, bytes: 2, seeded: false }],
  ["crc16-ccitt-false", { of: crc16ccittFalse, bytes: 2, seeded: false }],
  ["crc16-xmodem", { of: crc16xmodem, bytes: 2, seeded: false }],
  ["crc32", { of: crc32, bytes: 4, seeded: false }],
  ["crc32c", { of: crc32c, bytes: 4, seeded: false }],
]);

/**
 * Sums up bytes, for framings of your own. To sum up several parts, pass the result for the first as `before` of the second;
 * for `xor`, `sum8` and `sum16` that is also the seed.
 *
 * @example
 * ```ts
 * import { checksum } from "@millrace/millrace/streams";
 *
 * const digits = new TextEncoder().encode("123456789");
 * console.log(checksum("crc16-modbus", digits).toString(16)); // 4b37
 * ```
 *
 * @throws {OptionsError} `invalid`, for another name, and for a part that is not within the bytes
 */
export function checksum(
  name: ChecksumName,
  bytes: Uint8Array,
  start: number = 0,
  end: number = bytes.length,
  before?: number,
): number {
  const check = new OptionsCheck();
  const kind = checksumKinds.get(name);
  if (kind === undefined) check.refuse("name", name, `one of ${[...checksumKinds.keys()].join(", ")}`);
  if (!(Number.isInteger(start) && start >= 0 && start <= bytes.length)) {
    check.refuse("start", start, `a whole number, 0 to ${bytes.length}`);
  }
  if (!(Number.isInteger(end) && end >= start && end <= bytes.length)) {
    check.refuse("end", end, `a whole number, ${start} to ${bytes.length}`);
  }
  check.done();
  return kind!.of(bytes, start, end, before);
}
