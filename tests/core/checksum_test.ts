// Checksums against the check values of their catalogue, and in parts.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { checksum, type ChecksumName } from "../../streams.ts";
import { checksumKinds } from "../../src/core/checksum/checksum.ts";
import { seeded } from "../../src/testing/framer_splits.ts";
import { bytes, hex } from "../support/frames.ts";
import { it } from "../support/it.ts";

/** Of the nine digits: the values of the catalogue of CRC algorithms, and sums by hand. */
const checkValues: Readonly<Record<ChecksumName, number>> = {
  xor: 0x31,
  sum8: 0xdd,
  sum16: 0x01dd,
  "crc16-x25": 0x906e,
  "crc16-kermit": 0x2189,
  "crc16-arc": 0xbb3d,
  "crc16-modbus": 0x4b37,
  "crc16-dnp": 0xea82,
  "crc16-ccitt-false": 0x29b1,
  "crc16-xmodem": 0x31c3,
  crc32: 0xcbf43926,
  crc32c: 0xe3069283,
};
const names = Object.keys(checkValues) as ChecksumName[];

describe("checksums", () => {
  it("have the check values of their catalogue (F-80)", () => {
    assert.deepEqual([...checksumKinds.keys()].sort(), [...names].sort());
    for (const name of names) assert.equal(checksum(name, bytes("123456789")), checkValues[name], name);
  });

  it("agree with a computation bit by bit, at every length up to 40", () => {
    const random = seeded(1);
    const sample = Uint8Array.from({ length: 40 }, () => random() * 256);
    const slow: Partial<Record<ChecksumName, (part: Uint8Array) => number>> = {
      "crc16-x25": (part) => bitwise(part, 16, 0x1021, 0xffff, 0xffff, true),
      "crc16-kermit": (part) => bitwise(part, 16, 0x1021, 0, 0, true),
      "crc16-arc": (part) => bitwise(part, 16, 0x8005, 0, 0, true),
      "crc16-modbus": (part) => bitwise(part, 16, 0x8005, 0xffff, 0, true),
      "crc16-dnp": (part) => bitwise(part, 16, 0x3d65, 0, 0xffff, true),
      "crc16-ccitt-false": (part) => bitwise(part, 16, 0x1021, 0xffff, 0, false),
      "crc16-xmodem": (part) => bitwise(part, 16, 0x1021, 0, 0, false),
      crc32: (part) => bitwise(part, 32, 0x04c11db7, 0xffffffff, 0xffffffff, true),
      crc32c: (part) => bitwise(part, 32, 0x1edc6f41, 0xffffffff, 0xffffffff, true),
    };
    for (const [name, compute] of Object.entries(slow)) {
      for (let end = 0; end <= sample.length; end++) {
        const part = sample.subarray(0, end);
        assert.equal(checksum(name as ChecksumName, part), compute(part), `${name} of ${end} bytes`);
      }
    }
  });

  it("of two parts, one after the other, are those of the whole, wherever it is cut", () => {
    const whole = bytes("The quick brown fox jumps over the lazy dog");
    for (const name of names) {
      for (let at = 0; at <= whole.length; at++) {
        const first = checksum(name, whole, 0, at);
        assert.equal(checksum(name, whole, at, whole.length, first), checksum(name, whole), `${name}, ${at}`);
      }
    }
  });

  it("begin with the seed that is given", () => {
    assert.equal(checksum("xor", hex("02 41 03"), 1, 3, 0x7f), 0x7f ^ 0x41 ^ 0x03);
    assert.equal(checksum("sum8", hex("ff 02"), 0, 2, 0xff), 0);
    assert.equal(checksum("sum16", hex("01"), 0, 1, 0xffff), 0);
  });

  it("of many large bytes do not overflow", () => {
    const many = new Uint8Array(20_000_000).fill(255);
    assert.equal(checksum("sum16", many), (20_000_000 * 255) % 65_536);
  });

  it("of another name, or of bytes that are not there, are rejected", () => {
    assert.throws(() => checksum("md5" as "xor", bytes("a")), /name: found "md5", expected one of xor, sum8/);
    assert.throws(() => checksum("xor", bytes("a"), 2), /start: found 2, expected a whole number, 0 to 1/);
    assert.throws(() => checksum("xor", bytes("a"), 0, 2), /end: found 2, expected a whole number, 0 to 1/);
    assert.throws(() => checksum("xor", bytes("ab"), 1, 0), /end: found 0, expected a whole number, 1 to 2/);
  });
});

/** As the catalogue describes them: one bit after the other. */
function bitwise(
  part: Uint8Array,
  width: 16 | 32,
  polynomial: number,
  initial: number,
  final: number,
  reflected: boolean,
): number {
  const most = 2n ** BigInt(width);
  const highest = most / 2n;
  let state = BigInt(initial);
  for (const byte of part) {
    for (let bit = 0; bit < 8; bit++) {
      const input = BigInt(byte >> (reflected ? bit : 7 - bit) & 1);
      const top = (state & highest) === 0n ? 0n : 1n;
      state = state * 2n % most;
      if (top !== input) state ^= BigInt(polynomial);
    }
  }
  const digits = state.toString(2).padStart(width, "0");
  const value = BigInt("0b" + (reflected ? [...digits].reverse().join("") : digits));
  return Number(value ^ BigInt(final));
}
