// MLLP: the lists of other implementations of what must be rejected, what lies between blocks, acknowledgements.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mllp, mllpCommit, mllpCommitOf } from "../../src/protocols/mllp.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { bytes as ascii, encoded, hex } from "../support/frames.ts";
import { caseOf, problemsIn } from "./vector_cases.ts";

const [a, b] = ["a", "b"].map(ascii) as [Uint8Array, Uint8Array];

describe("mllp", () => {
  it("cuts and writes blocks at every split, acknowledgements of release 2 among them (F-8)", () => {
    assertFramer(mllp(), [
      caseOf("mllp-1", ["666f6f626172"]),
      caseOf("mllp-r2-ack", ["06"]),
      caseOf("mllp-r2-nak", ["15"]),
      { bytes: "\x0ba\x1c\r\x0bMSH|\r\x0b\n\x1c\r", frames: [a, ascii("MSH|\r\x0b\n")], exact: true },
    ], { refuses: [ascii(""), ascii("a\x1cb"), ascii("a\x1c"), "a" as never] });
  });

  it("rejects what HAPI rejects (F-8)", () => {
    const malformed = { reason: "malformed", offset: 4 } as const;
    const truncated = { reason: "truncated", offset: 4 } as const;
    const after = (bytes: string, error: typeof malformed | typeof truncated) => ({
      name: JSON.stringify(bytes),
      bytes: `\x0ba\x1c\r${bytes}`,
      frames: [a],
      error,
    });
    assertFramer(mllp(), [
      after("\x0bno end", truncated),
      after("\x0bno return\x1c", truncated),
      after("\x0bno return\x1cx", malformed),
      after("no start\x1c\r", malformed),
      after("\x0b", truncated),
      after("\x1c\r", malformed),
      after("\x0b\x1c\r", malformed),
      after("\r", malformed),
    ]);
    assert.match(
      problemsIn(mllp(), ascii("MSH|"))[0]!,
      /found byte 77 between blocks, expected the start byte 0B/,
    );
  });

  it("passes over what lies between blocks where it is told to (F-8)", () => {
    assertFramer(mllp({ between: "skip" }), [
      { bytes: "\0\0\x0ba\x1c\r\r\n\x0bb\x1c\r\0", frames: [a, b], sent: [a, b] },
      { bytes: "no start\x1c\r", frames: [], sent: false },
      { bytes: "\0\x0b\x1c\r", frames: [], error: { reason: "malformed", offset: 1 } },
    ]);
  });

  it("reports a bad block and goes on with the next start byte where it is told to (F-8)", () => {
    const bad = (bytes: string, skipped: object) => ({
      name: JSON.stringify(bytes),
      bytes: `\x0ba\x1c\r${bytes}\x0bb\x1c\r`,
      frames: [a, b],
      skipped: [{ reason: "malformed", offset: 4, ...skipped } as const],
    });
    assertFramer(mllp({ onFrameError: "skip", maxFrameBytes: 10 }), [
      bad("no start\x1c\r", {}),
      bad("\r\n", {}),
      bad("\x0b\x1c\r", {}),
      bad("\x0bxx\x1cyy", {}),
      bad("\x0bx\x0bx\x1cyy", {}),
      bad("\x0bseven bytes and more\x1c\r", { reason: "too_large", limit: 10 }),
      { bytes: "\x0ba\x1c\r\x0bb", frames: [a], error: { reason: "truncated", offset: 4, size: 2 } },
    ]);
  });

  it("bounds blocks, of which the start and end bytes are part (F-8)", () => {
    assertFramer(mllp({ maxFrameBytes: 6, maxSentFrameBytes: 6 }), [
      { bytes: "\x0babc\x1c\r", frames: [ascii("abc")], exact: true },
      { bytes: "\x0babcd\x1c\r", frames: [], error: { reason: "too_large", offset: 0, limit: 6 } },
    ], { refuses: [ascii("abcd")] });
    assertFramer(mllp(), [{ bytes: "", frames: [] }], {
      frameOfSize: (size) => new Uint8Array(size).fill(65),
    });
  });

  it("makes and recognises the acknowledgements of release 2 (F-8)", () => {
    assert.deepEqual(encoded(mllp(), [mllpCommit("ack"), mllpCommit("nak")]), hex("0b061c0d 0b151c0d"));
    assert.deepEqual(
      [mllpCommit("ack"), mllpCommit("nak"), ascii("MSH|"), hex("07"), hex("0606")].map(mllpCommitOf),
      ["ack", "nak", undefined, undefined, undefined],
    );
  });
});
