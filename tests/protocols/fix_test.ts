// FIX: a message of the field, data that holds SOH, wrong checksums and wrong lengths.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fix } from "../../src/protocols/fix.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { bytes as ascii, encoded, text } from "../support/frames.ts";
import { vector } from "./device_vectors.ts";
import { caseOf, problemsIn } from "./vector_cases.ts";

const fields = (shown: string): Uint8Array => ascii(shown.replaceAll("|", "\x01"));

/** A message whose BodyLength and CheckSum are right, unless they are given. */
function message(body: string, length = body.length, sum?: string): string {
  const head = `8=FIX.4.4|9=${length}|${body}`;
  const right = fields(head).reduce((total, byte) => total + byte, 0) % 256;
  return `${head}10=${sum ?? String(right).padStart(3, "0")}|`;
}

const [one, two] = [message("35=0|34=1|"), message("35=0|34=2|")];
const frames = [fields(one), fields(two)];
/** 95 is the length of 96, which holds SOH and what looks like the end of a message and the beginning of another. */
const data = message("35=B|95=30|96=a|b|10=123|8=FIX.4.4|9=5|35=0|34=3|");

describe("fix", () => {
  it("cuts and writes whole messages at every split, with data that holds SOH (F-8)", () => {
    assertFramer(fix(), [
      caseOf("fix-1", [vector("fix-1").wire]),
      { bytes: fields(one + data + two), frames: [one, data, two].map(fields), exact: true },
      {
        bytes: fields(message("35=0|").replace("FIX", "FIXT")),
        frames: [],
        sent: false,
        skipped: ["checksum"],
      },
    ]);
    assertFramer(fix(), [{ bytes: "", frames: [] }], {
      frameOfSize: (size) => fields(message(`35=B|58=${"x".repeat(size)}|`)),
    });
  });

  it("ignores a message whose checksum is wrong, and reports it (F-8)", () => {
    const wrong = message("35=8|34=9|", undefined, "999");
    const error = { reason: "checksum", offset: one.length } as const;
    const size = wrong.length;
    assertFramer(fix(), [{ bytes: fields(one + wrong + two), frames, skipped: [{ ...error, size }] }]);
    assertFramer(fix({ onFrameError: "close" }), [{
      bytes: fields(one + wrong + two),
      frames: [frames[0]!],
      error,
    }]);
    assert.match(problemsIn(fix(), fields(wrong))[0]!, /found the CheckSum "999", expected "\d{3}"$/);
  });

  it("goes on with the next 8=FIX after a wrong length and what is no message (F-8)", () => {
    const error = { reason: "malformed", offset: one.length } as const;
    const bad = (shown: string) => ({
      name: shown,
      bytes: fields(one + shown + two),
      frames,
      skipped: [error],
    });
    assertFramer(fix(), [
      bad(message("35=8|34=9|", 4)),
      bad(message("35=8|34=9|", 12)),
      bad(message("35=8|34=9|", 40)),
      bad("35=8|34=9|10=000|"),
      bad(message("35=8|58=x")),
      bad("x8=FI8=8="),
      bad("8=FIX.4.4|35=0|9=5|10=000|"),
      bad("8=FIX.4.4|9=|35=0|10=000|"),
      bad("8=FIX.4.4|9=1234567890|35=0|10=000|"),
      bad("8=FIX.4.4|9=-5|35=0|10=000|"),
      bad("8=FIX.4.4 and no end of the first field|"),
    ]);
    // More was claimed than came: what is whole is not lost, and the end is said.
    assertFramer(fix(), [
      {
        bytes: fields(one + message("35=8|34=9|", 500) + two + two),
        frames: [...frames, frames[1]!],
        error: { reason: "truncated", offset: one.length },
      },
    ]);
  });

  it("bounds messages, and looks for the next behind one that is too large (F-8)", () => {
    const large = message("35=B|58=too large for the maximum|");
    assertFramer(fix({ maxFrameBytes: one.length, maxSentFrameBytes: one.length }), [
      {
        bytes: fields(one + large + two),
        frames,
        skipped: [{ reason: "too_large", offset: one.length, size: large.length, limit: one.length }],
      },
      { bytes: fields(one + two), frames, exact: true },
      {
        bytes: fields(one + two),
        frames,
        sent: ["8=FIX.4.4|35=0|34=1|", "8=FIX.4.4|35=0|34=2|"].map(fields),
        exact: true,
      },
    ], { refuses: [fields(large), fields("8=FIX.4.4|35=B|58=too large for the maximum|")] });
  });

  it("completes what it sends, or verifies it (F-8)", () => {
    const sent = ["8=FIX.4.4|35=0|34=1|", one].map(fields);
    assert.equal(text(encoded(fix(), sent)).replaceAll("\x01", "|"), one + one);
    assertFramer(fix(), [{ bytes: "", frames: [] }], {
      refuses: [
        message("35=0|", 4),
        message("35=0|", undefined, "999"),
        one.slice(0, -1),
        one + two,
        "8=FIX.4.4|",
        "8=FIX.4.4|35=0",
        "8=FIX.4.4|35=0|10=123|",
        "35=0|34=1|",
        "8=FIX.4.4",
      ].map(fields),
    });
  });
});
