// The link of laboratory instruments: frames with checksums, and control characters between them.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { astm } from "../../src/protocols/astm.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { bytes as ascii, encoded, text } from "../support/frames.ts";
import { caseOf, problemsIn } from "./vector_cases.ts";

const [frame, last] = ["\x021H|\\^&\r\x17", "\x022L|1\r\x03"].map(ascii) as [Uint8Array, Uint8Array];
const [wire, lastWire] = [frame, last].map((each) => text(encoded(astm(), [each]))) as [string, string];

describe("astm", () => {
  it("cuts and writes frames and control characters at every split (F-8)", () => {
    const [enquiry, end] = ["\x05", "\x04"].map(ascii) as [Uint8Array, Uint8Array];
    assertFramer(astm(), [
      caseOf("astm-1", ["0231417c427c437c440d03"]),
      { bytes: `\x05${wire}${lastWire}\x04`, frames: [enquiry, frame, last, end], exact: true },
      { bytes: "\x06\x15\x06", frames: ["\x06", "\x15", "\x06"].map(ascii), exact: true },
    ], { frameOfSize: (size) => ascii(`\x021${"x".repeat(size / 4)}\x03`) });
    assert.equal(wire, "\x021H|\\^&\r\x17F9\r\n");
  });

  it("rejects what is no frame, and goes on behind its line end (F-8)", () => {
    const bad: Array<[string, "malformed" | "checksum"]> = [
      ["\x021H\x0300\r\n", "checksum"],
      [wire.replace("F9", "F8"), "checksum"],
      [wire.replace("F9", "G9"), "checksum"],
      ["\x021H|\\^&\rF9\r\n", "malformed"],
      [wire.replace("\r\n", "\n"), "malformed"],
      ["\x028\x03\x03B\r\n", "malformed"],
      ["\x02\n", "malformed"],
      ["\x02\x03\r\n", "malformed"],
    ];
    for (const [shown, reason] of bad) {
      const error = { reason, offset: 1 } as const;
      assertFramer(astm(), [{ bytes: `\x05${shown}`, frames: [ascii("\x05")], error }]);
      assertFramer(astm({ onFrameError: "skip" }), [
        { bytes: `\x05${shown}${wire}`, frames: [ascii("\x05"), frame], skipped: [error] },
      ]);
    }
    assert.match(
      problemsIn(astm(), ascii(wire.replace("F9", "00")))[0]!,
      /found the checksum "00", expected "F9"/,
    );
    assertFramer(astm(), [{ bytes: wire.replace("F9", "f9"), frames: [frame] }]);
  });

  it("goes on with the next frame or control character after other bytes (F-8)", () => {
    const error = { reason: "malformed", offset: 1 } as const;
    assertFramer(astm(), [{ bytes: "\x05MSH|", frames: [ascii("\x05")], error }]);
    assertFramer(astm({ onFrameError: "skip", maxFrameBytes: 16 }), [
      { bytes: `\x05MSH|\r\n${wire}`, frames: [ascii("\x05"), frame], skipped: [error] },
      {
        bytes: `\x05\x021too long for the maximum${wire}`,
        frames: [ascii("\x05"), frame],
        skipped: [{ reason: "too_large", offset: 1, limit: 16 }],
      },
      { bytes: "\x021H", frames: [], error: { reason: "truncated", offset: 0 } },
    ]);
  });

  it("bounds frames, by 64,000 bytes unless told otherwise, and checks what is sent (F-8)", () => {
    const most = ascii(`\x021${"x".repeat(63_993)}\x03`);
    assert.equal(encoded(astm(), [most]).length, 64_000);
    const tooLong = encoded(astm(), [ascii(`\x021${"x".repeat(63_994)}\x03`)]);
    assertFramer(astm(), [
      { bytes: tooLong, frames: [], error: { reason: "too_large", offset: 0, limit: 64_000 } },
    ], { randomSplits: 1 });
    assertFramer(astm({ maxSentFrameBytes: 14 }), [{ bytes: "", frames: [] }], {
      refuses: [
        "",
        "H",
        "\x07",
        "\x021H",
        "\x029\x03",
        "\x02\x03",
        "\x021a\nb\x03",
        "\x05\x05",
        "\x021too long\x03",
      ].map(
        ascii,
      ),
    });
  });
});
