// Netstrings: the examples of their description, and what must be rejected.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameError, OptionsError } from "../../src/core/errors.ts";
import { ByteWriter } from "../../src/core/bytes/bytes.ts";
import { netstring } from "../../src/protocols/netstring.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { bytes as ascii } from "../support/frames.ts";

describe("netstring", () => {
  it("cuts and writes the examples of its description at every split (F-8)", () => {
    assertFramer(netstring(), [
      { bytes: "12:hello world!,", frames: [ascii("hello world!")], exact: true },
      { bytes: "0:,", frames: [ascii("")], exact: true },
      { bytes: "5:hello,0:,3:1,2,", frames: [ascii("hello"), ascii(""), ascii("1,2")], exact: true },
    ]);
  });

  it("rejects what is no length, at the offset of the netstring (F-8)", () => {
    const malformed = { reason: "malformed", offset: 4 } as const;
    const frames = [ascii("a")];
    assertFramer(netstring(), [
      { bytes: "1:a,012:", frames, error: malformed },
      { bytes: "1:a,00:,", frames, error: malformed },
      { bytes: "1:a,1a:", frames, error: malformed },
      { bytes: "1:a,:,", frames, error: malformed },
      { bytes: "1:a,-1:,", frames, error: malformed },
      { bytes: "1:a, 1:a,", frames, error: malformed },
      { bytes: "1:a,2:abc", frames, error: malformed },
      { bytes: `1:a,${"1".repeat(20)}:`, frames, error: malformed },
      { bytes: "1:a,5:hel", frames, error: { reason: "truncated", offset: 4 } },
    ]);
  });

  it("rejects a length over the maximum before its bytes arrive, or skips so many (F-8)", () => {
    const limits = { maxFrameBytes: 10 };
    assertFramer(netstring(limits), [
      { bytes: "7:abcdefg,", frames: [ascii("abcdefg")] },
      { bytes: "8:", frames: [], error: { reason: "too_large", offset: 0, size: 11, limit: 10 } },
      { bytes: "999999999999999:", frames: [], error: { reason: "too_large", offset: 0 } },
    ]);
    const skipped: FrameError[] = [];
    const decoder = netstring({ ...limits, onFrameError: "skip" }).decoder((error) => skipped.push(error));
    const frames: Uint8Array[] = [];
    decoder.push(ascii("1:a,9:123456789,1:b,"), (frame) => frames.push(frame));
    assert.deepEqual(frames, [ascii("a"), ascii("b")]);
    assert.deepEqual(skipped.map(({ reason, offset }) => [reason, offset]), [["too_large", 4]]);
  });

  it("refuses to send more than maxSentFrameBytes, and what is not bytes (F-8)", () => {
    const out = new ByteWriter();
    const framing = netstring({ maxSentFrameBytes: 5 });
    framing.encode(ascii("ab"), out);
    assert.throws(() => framing.encode(ascii("abc"), out), { reason: "too_large", size: 6, limit: 5 });
    assert.throws(() => framing.encode("ab" as never, out), FrameError);
    assert.throws(() => netstring({ max: 5 } as never), OptionsError);
  });
});
