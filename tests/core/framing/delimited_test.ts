import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../src/core/bytes/bytes.ts";
import { OptionsError } from "../../../src/core/errors.ts";
import { delimited, type DelimitedOptions } from "../../../src/core/framing/delimited.ts";
import { assertFramer, type FramerCase } from "../../../src/testing/assert_framer.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
const ascii = (text: string) => new TextEncoder().encode(text);
const frames = (...texts: string[]) => texts.map(ascii);

type Row = FramerCase<Uint8Array>;

describe("frames that a delimiter ends (F-1)", () => {
  const rows: readonly [claim: string, options: DelimitedOptions, rows: readonly Row[]][] = [
    ["part at a newline unless told otherwise, and keep a carriage return", {}, [
      { bytes: "a\nb\r\n\n", frames: frames("a", "b\r", ""), exact: true },
    ]],
    ["part at a text of several bytes", { delimiter: "\r\n" }, [
      { bytes: "a\r\n\r\nb\rc\r\n", frames: frames("a", "", "b\rc"), exact: true },
      { bytes: "a\r", frames: [], error: { reason: "truncated", offset: 0, size: 2 } },
      { name: "a false start", bytes: "a\r\r\n", frames: frames("a\r") },
    ]],
    ["part at any bytes", { delimiter: bytes(0x1c, 0x0d) }, [
      { bytes: bytes(1, 0x1c, 0x1c, 0x0d, 2, 0x1c, 0x0d), frames: [bytes(1, 0x1c), bytes(2)] },
    ]],
    ["part at a delimiter that overlaps itself", { delimiter: "aab" }, [
      { bytes: "aaab", frames: frames("a"), sent: false },
      { bytes: "aacaabxaab", frames: frames("aac", "x") },
      { bytes: "aabaab", frames: frames("", "") },
    ]],
    ["part at a delimiter that is its own beginning and end", { delimiter: "aba" }, [
      { bytes: "ababa", frames: frames(""), error: { reason: "truncated", offset: 3, size: 2 } },
    ]],
    ["keep the delimiter, and then are sent as they are", { delimiter: ";;", keepDelimiter: true }, [
      { bytes: "a;;b;c;;;;", frames: frames("a;;", "b;c;;", ";;"), exact: true },
    ]],
    ["may be unterminated at the end of input", { delimiter: "--", acceptUnterminated: true }, [
      { bytes: "a--b-", frames: frames("a", "b-"), sent: false },
    ]],
    ["have a limit that does not count the delimiter", { delimiter: "\r\n", maxFrameBytes: 3 }, [
      { bytes: "abc\r\n\r\n", frames: frames("abc", "") },
      {
        bytes: "a\r\nabcd\r\n",
        frames: frames("a"),
        error: { reason: "too_large", offset: 3, size: 4, limit: 3 },
      },
      { bytes: "abc\rd", frames: [], error: { reason: "too_large", offset: 0 } },
      { bytes: "abc\r\r\n", frames: [], error: { reason: "too_large", offset: 0, size: 4 } },
    ]],
    [
      "over the limit are passed over with skip",
      { delimiter: "##", maxFrameBytes: 3, onFrameError: "skip" },
      [
        {
          bytes: "a##too#long##b##too long too##",
          frames: frames("a", "b"),
          skipped: [{ reason: "too_large", offset: 3 }, { reason: "too_large", offset: 16 }],
        },
      ],
    ],
  ];
  for (const [claim, options, cases] of rows) {
    it(`S-5: ${claim}`, () => assertFramer(delimited(options), cases));
  }

  it("S-3: cost time in proportion to their size, however small the pieces", () => {
    const options = { frameOfSize: (size: number) => new Uint8Array(size).fill(65) };
    assertFramer(delimited({ delimiter: "AAAAB" }), [{ bytes: "AAAAAB", frames: frames("A") }], options);
  });

  it("are what splitting the whole stream gives, for delimiters full of repetition (property)", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 30 });
    const delimiter = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(letters, delimiter, fc.integer(), (text, parting, seed) => {
        const pieces = (text + parting).split(parting);
        const rest = pieces.pop()!;
        const framing = delimited({ delimiter: parting });
        const one = { bytes: text + parting, frames: frames(...pieces), sent: false as const };
        assertFramer(framing, [rest === "" ? one : { ...one, error: "truncated" }], {
          seed,
          randomSplits: 5,
        });
      }),
      { numRuns: 100 },
    );
  });
});

describe("frames that a delimiter begins (F-1)", () => {
  const prefix = { delimiter: "#!", position: "prefix" } as const;
  const rows: readonly [claim: string, options: DelimitedOptions, rows: readonly Row[]][] = [
    ["end where the next begins, or the input", prefix, [
      { bytes: "", frames: [] },
      { bytes: "#!", frames: frames("") },
      { bytes: "#!a#!#!b#c", frames: frames("a", "", "b#c"), exact: true },
      { bytes: "#!a#", frames: frames("a#"), sent: false },
    ]],
    ["are truncated when the input ends inside the first delimiter", prefix, [
      { bytes: "#", frames: [], error: { reason: "truncated", offset: 0, size: 1 } },
    ]],
    ["must begin the stream", prefix, [
      { bytes: "a#!b", frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: "##!b", frames: [], error: { reason: "malformed", offset: 0 } },
    ]],
    ["are found behind what does not belong to them, with skip", { ...prefix, onFrameError: "skip" }, [
      { bytes: "ab##!c#!d", frames: frames("c", "d"), skipped: [{ reason: "malformed", offset: 0 }] },
      { bytes: "abc", frames: [], skipped: ["malformed"] },
    ]],
    ["keep the delimiter", { ...prefix, keepDelimiter: true }, [
      { bytes: "#!a#!", frames: frames("#!a", "#!"), exact: true },
    ]],
    ["have a limit", { ...prefix, maxFrameBytes: 3 }, [
      { bytes: "#!abc#!a", frames: frames("abc", "a") },
      { bytes: "#!a#!abcd", frames: frames("a"), error: { reason: "too_large", offset: 3, limit: 3 } },
    ]],
  ];
  for (const [claim, options, cases] of rows) {
    it(`S-5: ${claim}`, () => assertFramer(delimited(options), cases));
  }
});

describe("sending delimited frames (F-2)", () => {
  it("with checkSent refuses exactly the frames that would be cut in the wrong place (property)", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 12 });
    const delimiter = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(letters, delimiter, (text, parting) => {
        const frame = ascii(text);
        const harmless = (text + parting).indexOf(parting) === text.length;
        const framing = delimited({ delimiter: parting, checkSent: true });
        const write = () => framing.encode(frame, new ByteWriter());
        if (harmless) write();
        else assert.throws(write, /it contains the delimiter/);
      }),
      { numRuns: 300 },
    );
  });

  it("leaves the delimiter to the sender where append is off", () => {
    const writer = new ByteWriter();
    delimited({ append: false }).encode(ascii("a"), writer);
    delimited({ append: true, keepDelimiter: true }).encode(ascii("b"), writer);
    assert.deepEqual(writer.take(), ascii("ab\n"));
  });

  it("does not notice a change to the delimiter array it was given", () => {
    const delimiter = bytes(10);
    const framing = delimited({ delimiter });
    delimiter[0] = 0;
    assertFramer(framing, [{ bytes: "a\n", frames: frames("a"), exact: true }]);
  });
});

describe("options of delimited", () => {
  const wrong: readonly [options: unknown, message: RegExp][] = [
    [{ delimiter: "" }, /delimiter: found "", expected a string or Uint8Array of at least one byte/],
    [{ delimiter: 10 }, /delimiter: found 10/],
    [{ position: "both" }, /position/],
    [{ position: "prefix", acceptUnterminated: true }, /acceptUnterminated/],
    [{ checkSent: true, keepDelimiter: true }, /checkSent/],
    [{ maxFrameBytes: 1.5 }, /maxFrameBytes/],
    [{ delimeter: ";" }, /did you mean delimiter/],
  ];
  for (const [options, message] of wrong) {
    it(`refuse ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => delimited(options as DelimitedOptions),
        (error) => error instanceof OptionsError && message.test(error.message),
      );
    });
  }
});
