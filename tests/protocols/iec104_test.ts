// IEC 60870-5-104: unnumbered and numbered messages, and what must be rejected.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { iec104 } from "../../src/protocols/iec104.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { hex } from "../support/frames.ts";
import { vector } from "./device_vectors.ts";
import { caseOf, problemsIn } from "./vector_cases.ts";

const start = "680407000000";

describe("iec104", () => {
  it("cuts and writes whole messages at every split (F-8)", () => {
    const largest = hex(`68fd${"01".repeat(253)}`);
    assertFramer(iec104(), [
      caseOf("iec104-u", vector("iec104-u").wire.match(/.{12}/g)!),
      caseOf("iec104-i-seq", [vector("iec104-i-seq").wire]),
      { bytes: largest, frames: [largest], exact: true },
    ]);
  });

  it("rejects another start byte, and lengths that are none (F-8)", () => {
    const error = { reason: "malformed", offset: 6 } as const;
    const frames = [hex(start)];
    for (const bad of ["6904", "6803010000", "6800", "68fe0000", "474554"]) {
      assertFramer(iec104(), [{ name: bad, bytes: hex(start + bad), frames, error }]);
    }
    assertFramer(iec104(), [{
      bytes: hex(`${start}68`),
      frames,
      error: { reason: "truncated", offset: 6, size: 1 },
    }]);
    assert.match(problemsIn(iec104(), hex("4745"))[0]!, /found byte 71, expected the start byte 68/);
    assert.match(problemsIn(iec104(), hex("68fe"))[0]!, /found a length of 254, which is 4 to 253/);
    assert.throws(() => iec104({ maxFrameBytes: 10 } as never), OptionsError);
  });

  it("refuses to send what it would not accept (F-8)", () => {
    assertFramer(iec104(), [{ bytes: hex(""), frames: [] }], {
      refuses: [
        hex(`${start}00`),
        hex(start.slice(0, -2)),
        hex("690407000000"),
        hex("68"),
        hex(""),
        "a" as never,
      ],
    });
  });
});
