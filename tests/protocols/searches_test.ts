// Bytes that may begin or end a frame and never do: presets that go on after bad frames look at each byte a few times at most.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { searchBytes } from "../../src/core/bytes/byte_search.ts";
import { presets } from "../../src/protocols/presets.ts";
import { bytes as ascii, hex } from "../support/frames.ts";

let searched = 0;
searchBytes((bytes, byte, from) => {
  const at = bytes.indexOf(byte, from);
  searched += Math.max(0, (at < 0 ? bytes.length : at + 1) - from);
  return at;
});

const total = 64 * 1024;
/** So many starts, then what makes them all wrong. */
const many = (start: string, end: string): string => start.repeat(5000) + end;

const hostile: Array<[preset: string, unit: Uint8Array]> = [
  ["mllp", hex("0b")],
  ["mllp", hex(many("0b", "1c00"))],
  ["mllp", hex("0b1c")],
  ["fix", ascii("8=FIX")],
  ["fix", ascii("8=FIX.4.4\x019=5000\x01")],
  ["fix", ascii("8=FIX.4.4\x019=5\x01xxxx\x0110=000\x01")],
  ["nmea", ascii("$!\\")],
  ["nmea", ascii("\\\n")],
  ["nmea", ascii(many("$", "\n"))],
  ["stxEtx", hex("02")],
  ["stxEtx", hex(many("02", "0300"))],
  ["astm", hex("02")],
  ["astm", hex(many("02", "0a"))],
  ["gt06", hex("78")],
  ["gt06", hex("79790fff")],
  ["gt06", hex("7979001000000a")],
  ["teltonika", hex("00")],
  ["teltonika", hex("000000000000100000")],
  ["dnp3", hex("0564")],
];

describe("bad frames without an end", () => {
  for (const [name, unit] of hostile) {
    const shown = `${unit.length} bytes from ${unit.subarray(0, 8).join()} on`;
    it(`S-38: ${name}: of ${shown}, again and again, each byte is searched a few times, whole and in pieces (F-8)`, () => {
      const bytes = Uint8Array.from({ length: total }, (_, at) => unit[at % unit.length]!);
      for (const piece of [total, 7]) {
        const decoder = presets.get(name)!.make({ onFrameError: "skip" } as never).decoder(() => {});
        searched = 0;
        for (let at = 0; at < total; at += piece) decoder.push(bytes.subarray(at, at + piece), () => {});
        try {
          decoder.flush?.(() => {});
        } catch {
          // The end may be inside a frame.
        }
        assert.ok(searched <= 10 * total, `${searched / total} times each byte, in pieces of ${piece}`);
      }
    });
  }
});
