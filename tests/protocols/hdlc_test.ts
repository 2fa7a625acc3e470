// HDLC of DLMS meters: frames with flags of their own and shared ones, wrong checksums, lengths past the flag.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { hdlc } from "../../src/protocols/hdlc.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { encoded, hex } from "../support/frames.ts";
import { vector, vectorsOf } from "./device_vectors.ts";
import { caseOf, problemsIn } from "./vector_cases.ts";

const { wire } = vector("hdlc-snrm");
const frame = wire.slice(2, -6);
const body = wire.slice(2, -2);

describe("hdlc", () => {
  it("cuts and writes frames at every split, with one flag between them or more (F-8)", () => {
    assertFramer(hdlc(), [
      ...vectorsOf("hdlc").map(({ id, wire }) => caseOf(id, [wire.slice(2, -6)])),
      { bytes: hex(wire + wire), frames: [hex(frame), hex(frame)], exact: true },
      { bytes: hex(`7e${body}7e${body}7e`), frames: [hex(frame), hex(frame)] },
      { bytes: hex(`7e7e7e${body}7e7e7e7e`), frames: [hex(frame)] },
    ]);
    const flags = hex("a00b022321937e7e7e");
    const longest = Uint8Array.of(0xa7, 0xff, 2, 0x23, 0x21, 0x93, ...new Uint8Array(2039).fill(0x7e));
    for (const each of [flags, longest]) {
      assertFramer(hdlc(), [{ bytes: encoded(hdlc(), [each]), frames: [each], exact: true }], {
        randomSplits: 5,
      });
    }
  });

  it("rejects a wrong checksum, and goes on behind the frame (F-8)", () => {
    const damaged = wire.replace("bd64", "bd65");
    const error = { reason: "checksum", offset: 11, size: 9 } as const;
    assertFramer(hdlc(), [{ bytes: hex(wire + damaged), frames: [hex(frame)], error }]);
    assertFramer(hdlc({ onFrameError: "skip" }), [
      { bytes: hex(wire + damaged + wire), frames: [hex(frame), hex(frame)], skipped: [error] },
    ]);
    assert.match(problemsIn(hdlc(), hex(damaged))[0]!, /found the checksum 26045, expected 25789$/);
  });

  it("goes on at the next flag after a length past the flag and what is no frame (F-8)", () => {
    const cases = ["a00a02232193bd64", "a00702232193bd64", "a006022321", "b008022321", "474554"];
    for (const bad of cases) {
      const error = { reason: "malformed", offset: 11 } as const;
      assertFramer(hdlc(), [{
        name: bad,
        bytes: hex(`${wire}7e${bad}7e${wire}`),
        frames: [hex(frame)],
        error,
      }]);
      assertFramer(hdlc({ onFrameError: "skip" }), [
        {
          name: bad,
          bytes: hex(`${wire}7e${bad}7e${wire}`),
          frames: [hex(frame), hex(frame)],
          skipped: [error],
        },
      ]);
    }
    // What is whole is not lost behind a length that is never reached.
    assertFramer(hdlc({ onFrameError: "skip" }), [
      {
        bytes: hex(`7ea7ff02232193bd64${wire}`),
        frames: [hex(frame)],
        error: { reason: "truncated", offset: 1 },
      },
    ]);
  });

  it("refuses to send what it would not accept (F-8)", () => {
    assertFramer(hdlc(), [{ bytes: "", frames: [] }], {
      refuses: ["", "a0", "a00502", `${frame}00`, frame.slice(0, -2), frame.replace("a0", "b0"), "a0060223"]
        .map(hex),
    });
    assert.throws(() => hdlc({ maxFrameBytes: 10 } as never), OptionsError);
  });
});
