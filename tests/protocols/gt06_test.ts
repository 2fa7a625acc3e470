// GPS trackers of Concox: packets of both lengths, wrong lengths of real devices, answers.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gt06, gt06Answer } from "../../src/protocols/gt06.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { hex } from "../support/frames.ts";
import { vector } from "./device_vectors.ts";
import { caseOf, problemsIn } from "./vector_cases.ts";

const login = vector("gt06-login").wire;
const [mixed, wrong] = [vector("gt06-mixed").wire, vector("gt06-wrong-length").wire];

describe("gt06", () => {
  it("cuts and writes packets with lengths of one and two bytes at every split (F-8)", () => {
    assertFramer(gt06(), [
      caseOf("gt06-login", [login]),
      caseOf("gt06-mixed", [mixed.slice(0, 28), mixed.slice(28)]),
      { bytes: hex(login + login), frames: [hex(login), hex(login)], exact: true },
    ]);
  });

  it("rejects a wrong checksum, and goes on behind the packet (F-8)", () => {
    const damaged = login.replace("8cdd", "8cde");
    const error = { reason: "checksum", offset: 18, size: 18 } as const;
    assertFramer(gt06(), [{ bytes: hex(login + damaged), frames: [hex(login)], error }]);
    assertFramer(gt06({ onFrameError: "skip" }), [
      { bytes: hex(login + damaged + login), frames: [hex(login), hex(login)], skipped: [error] },
    ]);
    assert.match(problemsIn(gt06(), hex(damaged))[0]!, /found the checksum 8CDE, expected 8CDD$/);
  });

  it("ends a packet of a wrong length at the next 0D 0A: rejected, or accepted where it is told to (F-8)", () => {
    const error = { reason: "malformed", offset: 18 } as const;
    const frames = [hex(login), hex(login)];
    // Too short by far, as a device sends it; too long by one; too long by more than there is.
    for (
      const bad of [
        wrong,
        wrong.replace("25001e10", "25000a10"),
        login.replace("0d01", "0e01"),
        login.replace("0d01", "1001"),
      ]
    ) {
      assertFramer(gt06(), [{ bytes: hex(login + bad + login), frames: [hex(login)], error }]);
      assertFramer(gt06({ onFrameError: "skip" }), [
        { bytes: hex(login + bad + login), frames, skipped: [error] },
      ]);
      assertFramer(gt06({ wrongLength: "accept" }), [
        { bytes: hex(login + bad + login), frames: [hex(login), hex(bad), hex(login)], sent: false },
      ]);
    }
    assertFramer(gt06(), [{
      bytes: hex(wrong.slice(0, -4)),
      frames: [],
      error: { reason: "truncated", offset: 0 },
    }]);
  });

  it("goes on with the next packet after other bytes (F-8)", () => {
    const error = { reason: "malformed", offset: 18 } as const;
    for (const bad of ["2a48512c", "7879", "78", "79780d0a", "0d0a"]) {
      assertFramer(gt06({ onFrameError: "skip" }), [
        {
          name: bad,
          bytes: hex(`${login}${bad}01${login}`),
          frames: [hex(login), hex(login)],
          skipped: [error],
        },
      ]);
    }
    assertFramer(gt06({ onFrameError: "skip", maxFrameBytes: 40 }), [
      {
        bytes: hex(`${login}79790100${login}`),
        frames: [hex(login), hex(login)],
        skipped: [{ reason: "too_large", offset: 18, size: 262, limit: 40 }],
      },
      {
        bytes: hex(`${login}787803${"01".repeat(50)}${login}`),
        frames: [hex(login), hex(login)],
        skipped: [{ reason: "too_large", offset: 18, limit: 40 }],
      },
    ]);
  });

  it("makes answers, and checks what is sent (F-8)", () => {
    assert.deepEqual(gt06Answer(hex(login)), hex("78780501 0001 d9dc 0d0a"));
    assert.deepEqual(gt06Answer(hex(mixed.slice(0, 28))).subarray(0, 6), hex("787805940486"));
    const answer = gt06Answer(hex(login), hex("0102"));
    assertFramer(gt06(), [{ bytes: answer, frames: [answer], exact: true }], {
      refuses: [
        hex(wrong),
        hex(login.replace("8cdd", "8cde")),
        hex(login.slice(0, -2)),
        hex(login + login),
        hex("0d0a"),
        hex(""),
      ],
    });
    assertFramer(gt06({ maxSentFrameBytes: 17 }), [{ bytes: hex(""), frames: [] }], {
      refuses: [hex(login)],
    });
    assert.throws(() => gt06Answer(hex("7878")), { _tag: "FrameError", reason: "malformed" });
    assert.throws(() => gt06Answer(hex("00".repeat(10))), { _tag: "FrameError", reason: "malformed" });
    assert.throws(() => gt06Answer(hex(login), new Uint8Array(251)), {
      _tag: "FrameError",
      reason: "too_large",
    });
  });
});
