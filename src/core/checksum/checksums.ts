/**
 * The checksums of the field, each a plain function: sums, XOR, and CRCs under the names of the catalogue.
 *
 * Used by `checksum.ts`, which finds them by name, and by framings of protocols. All have the same form: `before` is the
 * checksum of what precedes, or the seed.
 */
import { type ChecksumFunction, crc } from "./crc.ts";

/** All bytes combined by exclusive or, also called LRC or BCC. `before` is the seed. */
export const xor8: ChecksumFunction = (bytes, start = 0, end = bytes.length, before = 0) => {
  let sum = before;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    sum ^= bytes[at]! ^ bytes[at + 1]! ^ bytes[at + 2]! ^ bytes[at + 3]! ^
      bytes[at + 4]! ^ bytes[at + 5]! ^ bytes[at + 6]! ^ bytes[at + 7]!;
  }
  for (; at < end; at++) sum ^= bytes[at]!;
  return sum & 255;
};

/** The sum of all bytes, of which the lowest 8 bits are kept. */
export const sum8: ChecksumFunction = (bytes, start = 0, end = bytes.length, before = 0) =>
  sum32(bytes, start, end, before) & 255;

/** The sum of all bytes, of which the lowest 16 bits are kept. */
export const sum16: ChecksumFunction = (bytes, start = 0, end = bytes.length, before = 0) =>
  sum32(bytes, start, end, before) & 65_535;

function sum32(bytes: Uint8Array, start: number, end: number, before: number): number {
  let sum = before;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    sum = sum + bytes[at]! + bytes[at + 1]! + bytes[at + 2]! + bytes[at + 3]! +
        bytes[at + 4]! + bytes[at + 5]! + bytes[at + 6]! + bytes[at + 7]! | 0;
  }
  for (; at < end; at++) sum = sum + bytes[at]! | 0;
  return sum;
}

/** CRC-16/IBM-SDLC: HDLC, PPP, GT06. */
export const crc16x25: ChecksumFunction = crc({
  width: 16,
  reflected: true,
  polynomial: 0x8408,
  initial: 0xffff,
  final: 0xffff,
});

/** CRC-16/KERMIT, which is also called CCITT. */
export const crc16kermit: ChecksumFunction = crc({
  width: 16,
  reflected: true,
  polynomial: 0x8408,
  initial: 0,
  final: 0,
});

/** CRC-16/ARC, which is also called IBM: Teltonika. */
export const crc16arc: ChecksumFunction = crc({
  width: 16,
  reflected: true,
  polynomial: 0xa001,
  initial: 0,
  final: 0,
});

/** CRC-16/MODBUS. */
export const crc16modbus: ChecksumFunction = crc({
  width: 16,
  reflected: true,
  polynomial: 0xa001,
  initial: 0xffff,
  final: 0,
});

/** CRC-16/DNP. */
export const crc16dnp: ChecksumFunction = crc({
  width: 16,
  reflected: true,
  polynomial: 0xa6bc,
  initial: 0,
  final: 0xffff,
});

/** CRC-16/IBM-3740, which is also called CCITT-FALSE. */
export const crc16ccittFalse: ChecksumFunction = crc({
  width: 16,
  reflected: false,
  polynomial: 0x1021,
  initial: 0xffff,
  final: 0,
});

/** CRC-16/XMODEM. */
export const crc16xmodem: ChecksumFunction = crc({
  width: 16,
  reflected: false,
  polynomial: 0x1021,
  initial: 0,
  final: 0,
});

/** CRC-32/ISO-HDLC: Ethernet, zlib, PNG. */
export const crc32: ChecksumFunction = crc({
  width: 32,
  reflected: true,
  polynomial: 0xedb88320,
  initial: 0xffffffff,
  final: 0xffffffff,
});

/** CRC-32/ISCSI, which is also called CRC-32C. */
export const crc32c: ChecksumFunction = crc({
  width: 32,
  reflected: true,
  polynomial: 0x82f63b78,
  initial: 0xffffffff,
  final: 0xffffffff,
});
