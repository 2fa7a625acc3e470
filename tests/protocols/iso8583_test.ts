// Links that carry ISO 8583 messages: each way to write a length, keepalives, TPDU and trailer.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { iso8583, type Iso8583Options, swapTpdu } from "../../src/protocols/iso8583.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { bytes as ascii, hex } from "../support/frames.ts";
import { caseOf, problemsIn } from "./vector_cases.ts";

const [empty, ab, c] = ["", "ab", "c"].map(ascii) as [Uint8Array, Uint8Array, Uint8Array];

describe("iso8583", () => {
  it("cuts and writes the messages of other implementations at every split (F-8)", () => {
    const a = (count: number): string => "41".repeat(count);
    assertFramer(iso8583(), [caseOf("iso-2be", [a(319)]), caseOf("iso-nac-tpdu", ["6000018000" + a(15)])]);
    assertFramer(iso8583({ length: "bcd2" }), [caseOf("iso-bcd2", [a(115)])]);
    assertFramer(iso8583({ length: "vml" }), [caseOf("iso-vml", [a(15)]), caseOf("iso-cs-keepalive", [""])]);
    assertFramer(iso8583({ header: hex("6000018000") }), [caseOf("iso-nac-tpdu", [a(15)])]);
  });

  const notations: Array<[Iso8583Options, wire: string]> = [
    [{ length: "be2" }, "0002 6162 0000 0001 63"],
    [{ length: "be4" }, "00000002 6162 00000000 00000001 63"],
    [{ length: "bcd2" }, "0002 6162 0000 0001 63"],
    [{ length: "ascii4" }, "30303032 6162 30303030 30303031 63"],
    [{ length: "hex4" }, "30303032 6162 30303030 30303031 63"],
    [{ length: "vml" }, "00020000 6162 00000000 00010000 63"],
    [{ length: "be2", includesItself: true }, "0004 6162 0002 0003 63"],
    [{ length: "ascii4", includesItself: true }, "30303036 6162 30303034 30303035 63"],
    [{ length: "vml", includesItself: true }, "00060000 6162 00040000 00050000 63"],
    [{ header: hex("60"), trailer: hex("03") }, "0004 60 6162 03 0000 0003 60 63 03"],
    [{ header: hex("60"), includesItself: true }, "0005 60 6162 0002 0004 60 63"],
  ];
  for (const [options, wire] of notations) {
    it(`reads and writes lengths, and keepalives as empty frames, as ${JSON.stringify(options)} says (F-8)`, () => {
      assertFramer(iso8583(options), [{ bytes: hex(wire), frames: [ab, empty, c], exact: true }]);
      assertFramer(iso8583({ ...options, emptyFrames: "drop" }), [
        { bytes: hex(wire), frames: [ab, c], sent: false },
      ]);
    });
  }

  it("reads digits beyond nine (F-8)", () => {
    const ten = ascii("abcdefghij");
    assertFramer(iso8583({ length: "hex4" }), [{ bytes: "000Aabcdefghij", frames: [ten], exact: true }]);
    assertFramer(iso8583({ length: "hex4" }), [{ bytes: "000aabcdefghij", frames: [ten] }]);
    assertFramer(iso8583({ length: "bcd2" }), [{
      bytes: hex("0010 6162636465666768696a"),
      frames: [ten],
      exact: true,
    }]);
  });

  it("rejects what is no length, and another trailer (F-8)", () => {
    const error = { reason: "malformed", offset: 3 } as const;
    const frames = [c];
    assertFramer(iso8583({ length: "bcd2" }), [{ bytes: hex("000163 000a"), frames, error }]);
    assertFramer(iso8583({ includesItself: true }), [{ bytes: hex("000363 0001"), frames, error }]);
    assertFramer(iso8583({ length: "ascii4" }), [
      { bytes: "0001c000A", frames, error: { ...error, offset: 5 } },
      { bytes: "0001c0", frames, error: { reason: "truncated", offset: 5, size: 1 } },
    ]);
    assert.match(
      problemsIn(iso8583({ length: "ascii4" }), ascii("000A"))[0]!,
      /found a length of "000A", expected 0 or more, or 0 for a keepalive, in decimal digits/,
    );
    const options = { header: hex("60"), trailer: hex("0d03") };
    assertFramer(iso8583(options), [
      { bytes: hex("000460630d03 0002 600d"), frames, error: { ...error, offset: 6 } },
      { bytes: hex("000460630d03 000460630d04"), frames, error: { ...error, offset: 6, size: 6 } },
    ]);
    assertFramer(iso8583({ ...options, onFrameError: "skip", maxFrameBytes: 8 }), [
      {
        bytes: hex("000460630003 000700000000000000 000460630d03"),
        frames,
        skipped: [{ ...error, offset: 0 }, { reason: "too_large", offset: 6, size: 9, limit: 8 }],
      },
    ]);
  });

  it("bounds what is sent by its options and by what a length can say (F-8)", () => {
    const nothing = [{ bytes: empty, frames: [] }];
    assertFramer(iso8583({ maxSentFrameBytes: 8 }), nothing, { refuses: [new Uint8Array(7), "a" as never] });
    assertFramer(iso8583({ length: "ascii4" }), nothing, { refuses: [new Uint8Array(10_000)] });
    assertFramer(iso8583({ length: "bcd2", includesItself: true }), nothing, {
      refuses: [new Uint8Array(9998)],
    });
    const largest = new Uint8Array(9997).fill(65);
    assertFramer(iso8583({ length: "bcd2", includesItself: true }), [
      { bytes: Uint8Array.of(0x99, 0x99, ...largest), frames: [largest], exact: true },
    ]);
    assertFramer(iso8583(), [{
      bytes: hex("ffff"),
      frames: [],
      error: { reason: "too_large", offset: 0, size: 65537 },
    }]);
  });

  it("gives the TPDU of an answer, and checks its options (F-8)", () => {
    assert.deepEqual(swapTpdu(hex("60000180000800")), hex("6080000001"));
    assert.throws(() => swapTpdu(hex("60000180")), { _tag: "FrameError", reason: "malformed" });
    for (const options of [{ header: empty }, { trailer: "03" }, { includesItself: 1 }, { length: "be3" }]) {
      assert.throws(() => iso8583(options as never), OptionsError);
    }
  });
});
