// Syslog: lengths and line feeds from message to message, and what is neither.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { syslog } from "../../src/protocols/syslog.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { bytes, encoded, text } from "../support/frames.ts";

const one = bytes("<1>one");
const two = bytes("<2>two\nlines");

describe("syslog", () => {
  it("decides for each message whether it has a length or ends with a line feed (F-8)", () => {
    assertFramer(syslog(), [
      { bytes: "6 <1>one12 <2>two\nlines", frames: [one, two], exact: true },
      { bytes: "<1>one\n12 <2>two\nlines<1>one\r\n6 <1>one", frames: [one, two, one, one] },
      // A line end behind a message that has a length, and empty lines, are no messages.
      { bytes: "6 <1>one\n\r\n\n6 <1>one\n", frames: [one, one] },
      { bytes: "no priority\n", frames: [bytes("no priority")] },
    ]);
  });

  it("receives only what it was told to (F-8)", () => {
    const malformed = { reason: "malformed", offset: 0 } as const;
    assertFramer(syslog({ receive: "counted" }), [
      { bytes: "6 <1>one\n6 <1>one", frames: [one, one] },
      { bytes: "<1>one\n", frames: [], error: malformed },
    ]);
    assertFramer(syslog({ receive: "lf" }), [
      { bytes: "6 <1>one\n<1>one\n", frames: [bytes("6 <1>one"), one], sent: false },
    ]);
  });

  it("rejects lengths that begin with 0, are no number or have no space (F-8)", () => {
    const error = { reason: "malformed", offset: 8 } as const;
    assertFramer(
      syslog(),
      ["06 <1>one", "0 ", "6x", "6:<1>one,", "6\n", `${"1".repeat(16)} `].map((fault) => ({
        name: fault,
        bytes: `6 <1>one${fault}`,
        frames: [one],
        error,
      })),
    );
    assertFramer(syslog(), [
      { bytes: "<1>one\n<1>on", frames: [one], error: { reason: "truncated", offset: 7, size: 5 } },
      { bytes: "<1>one\n6 <1>on", frames: [one], error: { reason: "truncated", offset: 7, size: 7 } },
    ]);
  });

  it("rejects a message over the maximum, or skips it to its end, with and without a length (F-8)", () => {
    const limits = { maxFrameBytes: 8 };
    const error = { reason: "too_large", offset: 8, limit: 8 } as const;
    assertFramer(syslog(limits), [
      { bytes: "6 <1>one7 ", frames: [one], error: { ...error, size: 9 } },
      { bytes: "6 <1>one<2>seven", frames: [one], error },
      { bytes: "<2>five\n<1>one\r\n", frames: [bytes("<2>five"), one], sent: false },
    ]);
    assertFramer(syslog({ ...limits, onFrameError: "skip" }), [
      { bytes: "6 <1>one9 <3>123456<1>one\n", frames: [one, one], skipped: [error] },
      { bytes: "6 <1>one<2>sevens and more\n<1>one\n", frames: [one, one], skipped: [error] },
      { bytes: "6 <1>one<2>seven\n<1>one\n", frames: [one, one], skipped: [error] },
      // What follows it may begin with a digit, and is no length.
      { bytes: "6 <1>one<2>12345678 9\n6 <1>one", frames: [one, one], skipped: [error] },
      { bytes: "6 <1>one<2>sevens and no end", frames: [one], skipped: [error] },
    ]);
  });

  it("accepts the 8,192 bytes that RFC 5425 recommends (F-8)", () => {
    const long = bytes(`<1>${"x".repeat(8189)}`);
    assertFramer(syslog(), [{ bytes: `8192 ${text(long)}`, frames: [long], exact: true }], {
      randomSplits: 5,
      frameOfSize: (size) => bytes("x".repeat(size)),
    });
    assertFramer(syslog({ send: "lf" }), [{ bytes: `${text(long)}\n`, frames: [long], exact: true }], {
      randomSplits: 5,
      frameOfSize: (size) => bytes("x".repeat(size)),
    });
  });

  it("sends behind a length, or with a line feed what survives that (F-8)", () => {
    assertFramer(syslog({ send: "lf" }), [{ bytes: "<1>one\n", frames: [one], exact: true }], {
      refuses: [two, bytes("1 one"), bytes("<1>one\r"), bytes("")],
    });
    assertFramer(syslog(), [{ bytes: "1 1", frames: [bytes("1")], exact: true }], {
      refuses: [bytes(""), "<1>one" as unknown as Uint8Array],
    });
    const limit = { reason: "too_large", size: 8, limit: 7 };
    assert.throws(() => encoded(syslog({ maxSentFrameBytes: 7 }), [one]), limit);
    assert.equal(encoded(syslog({ maxSentFrameBytes: 7, send: "lf" }), [one]).length, 7);
    assert.throws(() => encoded(syslog({ maxSentFrameBytes: 6, send: "lf" }), [one]), { limit: 6 });
  });
});
