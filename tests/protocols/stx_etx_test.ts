// Frames between STX and ETX with an LRC: the four rules of the field, and what comes beside such frames.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { stxEtx, type StxEtxOptions } from "../../src/protocols/stx_etx.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { bytes as ascii, hex } from "../support/frames.ts";
import { caseOf, problemsIn } from "./vector_cases.ts";

const [a, b] = ["A", "B"].map(ascii) as [Uint8Array, Uint8Array];
/** An Italian payment terminal: progress reports beside frames, ACK and NAK. */
const ecr17 = { seed: 0x7f, covers: "payload", also: hex("0104"), controls: hex("0615") } as const;

describe("stxEtx", () => {
  const rules: Array<[id: string, options: StxEtxOptions]> = [
    ["stx-after-start", {}],
    ["stx-payload-7f", { covers: "payload", seed: 0x7f }],
    ["stx-payload-end-7f", { covers: "payload+end", seed: 0x7f }],
    ["stx-all", { covers: "all" }],
  ];
  for (const [id, options] of rules) {
    it(`cuts and writes frames at every split by the rule ${id} (F-8)`, () => {
      assertFramer(stxEtx(options), [caseOf(id, ["414243"])]);
    });
  }

  it("takes an LRC that is a control byte, empty frames, other brackets (F-8)", () => {
    assertFramer(stxEtx({ covers: "payload" }), [
      {
        bytes: hex("02 03 03 02 41 42 03 03"),
        frames: [],
        sent: false,
        error: { reason: "checksum", offset: 0 },
      },
      { bytes: hex("02 41 42 03 03 02 03 00"), frames: [ascii("AB"), ascii("")], exact: true },
    ]);
    assertFramer(stxEtx({ covers: "start+payload" }), [{
      bytes: hex("02 41 03 43"),
      frames: [a],
      exact: true,
    }]);
    assertFramer(stxEtx({ start: 0x0f, end: 0x0e }), [{
      bytes: hex("0f 41 0e 4f"),
      frames: [a],
      exact: true,
    }]);
    assertFramer(stxEtx(), [{ bytes: "", frames: [] }], {
      frameOfSize: (size) => new Uint8Array(size / 4).fill(65),
    });
  });

  it("has frames of other families and control bytes as frames of their own (F-8)", () => {
    const progress = hex("01 313233 04");
    assertFramer(stxEtx(ecr17), [
      {
        bytes: hex("06 02 41 03 3e 01 313233 04 15"),
        frames: [hex("06"), a, progress, hex("15")],
        exact: true,
      },
      { bytes: hex("06 01 3132"), frames: [hex("06")], error: { reason: "truncated", offset: 1 } },
      { bytes: hex("06 07"), frames: [hex("06")], error: { reason: "malformed", offset: 1 } },
      // Nobody could tell it from a progress report or an ACK.
      { bytes: hex("02 01 41 03 3f"), frames: [], error: { reason: "malformed", offset: 0, size: 5 } },
    ], { refuses: [hex("0641"), hex("013132"), hex("01 04 04"), hex("41 03"), "A" as never] });
  });

  it("rejects a wrong LRC, and goes on behind its frame (F-8)", () => {
    const bytes = hex("02 41 03 42 02 42 03 00 02 42 03 41");
    assertFramer(stxEtx(), [{ bytes, frames: [a], error: { reason: "checksum", offset: 4, size: 4 } }]);
    assertFramer(stxEtx({ onFrameError: "skip" }), [
      { bytes, frames: [a, b], skipped: [{ reason: "checksum", offset: 4, size: 4 }] },
    ]);
    assert.match(problemsIn(stxEtx(), hex("02 41 03 00"))[0]!, /found an LRC of 0, expected 66$/);
  });

  it("goes on with the next byte that begins a frame after what is none (F-8)", () => {
    const malformed = { reason: "malformed", offset: 4 } as const;
    const skips = stxEtx({ ...ecr17, maxFrameBytes: 8, onFrameError: "skip" });
    const cases: Array<[string, object]> = [
      ["41 42 43 04 03", {}],
      ["02 313233343536373839 03 00", { reason: "too_large", limit: 8 }],
      ["01 313233343536373839 04", { reason: "too_large", limit: 8 }],
    ];
    assertFramer(
      skips,
      cases.map(([bad, error]) => ({
        name: bad,
        bytes: hex(`02 41 03 3e ${bad} 06 02 42 03 3d`),
        frames: [a, hex("06"), b],
        skipped: [{ ...malformed, ...error }],
      })),
    );
    assertFramer(skips, [{ bytes: hex("02 41 03 3e 07 02 41"), frames: [a], skipped: [malformed] }]);
  });

  it("bounds frames, of which start, end and LRC are part, and checks its options (F-8)", () => {
    const limited = stxEtx({ ...ecr17, maxFrameBytes: 4, maxSentFrameBytes: 4 });
    assertFramer(limited, [
      { bytes: hex("02 41 03 3e"), frames: [a], exact: true },
      { bytes: hex("02 4141 03 7f"), frames: [], error: { reason: "too_large", offset: 0, limit: 4 } },
    ], { refuses: [ascii("AA"), hex("01 313233 04")] });
    for (
      const options of [
        { also: hex("010405") },
        { also: "01" },
        { controls: [6] },
        { controls: hex("02") },
        { controls: hex("0606") },
        { also: hex("0204") },
        { also: hex("0604"), controls: hex("06") },
        { seed: 256 },
        { covers: "none" },
      ]
    ) assert.throws(() => stxEtx(options as never), OptionsError, JSON.stringify(options));
  });
});
