// Frames that one of several delimiters ends.
import assert from "node:assert/strict";
import { describe } from "node:test";
import fc from "fast-check";
import { delimited, FrameError, OptionsError } from "../../../mod.ts";
import { ByteWriter } from "../../../src/core/bytes/bytes.ts";
import { hiddenIn } from "../../../src/core/bytes/patterns.ts";
import type { DelimitedOptions } from "../../../src/core/framing/delimited.ts";
import { assertFramer, type FramerCase } from "../../../src/testing/assert_framer.ts";
import { bytes, hex } from "../../support/frames.ts";
import { it } from "../../support/it.ts";

const frames = (...texts: string[]): Uint8Array[] => texts.map(bytes);
const anyLineEnd = ["\r\n", "\n", "\r"];

/** A few letters, so that delimiters repeat, overlap and begin each other. */
const delimiterSets = fc.uniqueArray(
  fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 }),
  { minLength: 2, maxLength: 4 },
).filter((set) => hiddenIn(set.map(bytes)) === undefined);
const letters = (maxLength: number) => fc.string({ unit: fc.constantFrom("a", "b", "c", "x"), maxLength });

/** The same, by a regular expression: of several at one place it takes the first, which is the longest. */
function split(text: string, set: readonly string[]): string[] {
  return text.split(new RegExp([...set].sort((a, b) => b.length - a.length).join("|")));
}

describe("frames that one of several delimiters ends", () => {
  const rows: readonly [claim: string, options: DelimitedOptions, rows: readonly FramerCase<Uint8Array>[]][] =
    [
      ["end at whichever comes first (F-1)", { delimiter: [";", "##", hex("00")] }, [
        { bytes: "a;b##c\0;d#e;", frames: frames("a", "b", "c", "", "d#e") },
        { bytes: "a#", frames: [], error: { reason: "truncated", offset: 0, size: 2 } },
      ]],
      ["end at any line end, of which CR LF is one", { delimiter: anyLineEnd }, [
        { bytes: "a\nb\r\nc\rd\r\re\n\rf\r\n\n", frames: frames("a", "b", "c", "d", "", "e", "", "f", "") },
        { bytes: "a\r", frames: frames("a"), sent: false },
        { bytes: "a\r\nb", frames: frames("a"), error: { reason: "truncated", offset: 3, size: 1 } },
      ]],
      ["are passed on before a longer delimiter is complete, of which the rest is dropped", {
        delimiter: ["ab", "abcd"],
      }, [
        { bytes: "xabcdy", frames: frames("x"), error: { reason: "truncated", offset: 5, size: 1 } },
        { bytes: "xabcyab", frames: frames("x", "cy"), sent: false },
        { bytes: "xabc", frames: frames("x"), error: { reason: "truncated", offset: 3, size: 1 } },
        { bytes: "abcab", frames: frames("", "c"), sent: false },
      ]],
      ["that goes on with the beginning of another", { delimiter: ["ab", "abcd", "cx"] }, [
        { bytes: "1abcx2ab", frames: frames("1", "", "2"), sent: false },
      ]],
      ["keep the delimiter that ended them", { delimiter: ["!", "??"], keepDelimiter: true }, [
        { bytes: "a!b??c?!", frames: frames("a!", "b??", "c?!"), exact: true },
      ]],
      ["may be unterminated at the end of input", { delimiter: ["!", "??"], acceptUnterminated: true }, [
        { bytes: "a!b?", frames: frames("a", "b?"), sent: false },
      ]],
      ["have a limit that counts no delimiter", { delimiter: ["\n", "\r\n", "###"], maxFrameBytes: 3 }, [
        { bytes: "abc\r\nabc\nabc###", frames: frames("abc", "abc", "abc") },
        { bytes: "abc##", frames: [], error: { reason: "truncated", offset: 0 } },
        { bytes: "abcd", frames: [], error: { reason: "too_large", offset: 0, limit: 3 } },
        { bytes: "a\nabc#d\n", frames: frames("a"), error: { reason: "too_large", offset: 2, limit: 3 } },
        {
          bytes: "a\nabcd\r\n",
          frames: frames("a"),
          error: { reason: "too_large", offset: 2, size: 4, limit: 3 },
        },
      ]],
      [
        "over the limit are passed over with skip",
        { delimiter: ["\n", "\r\n", "\r"], maxFrameBytes: 3, onFrameError: "skip" },
        [{
          bytes: "a\rtoo long\r\nb\ntoo long too\r\rc\r\n",
          frames: frames("a", "b", "", "c"),
          skipped: [{ reason: "too_large", offset: 2 }, { reason: "too_large", offset: 14 }],
        }],
      ],
      ["end where a list of one says", { delimiter: [";"] }, [
        { bytes: "a;;", frames: frames("a", ""), exact: true },
      ]],
    ];
  for (const [claim, options, cases] of rows) {
    it(claim, () => assertFramer(delimited(options), cases));
  }

  it("cost time in proportion to their size, however small the pieces", () => {
    const options = { frameOfSize: (size: number) => new Uint8Array(size).fill(65) };
    const framing = delimited({ delimiter: ["AAAAB", "AAB", "\n"] });
    assertFramer(framing, [{ bytes: "AAAC\n", frames: frames("AAAC") }], options);
  });

  it("are looked for far ahead by the engine, and near by a loop, with the same result", () => {
    for (const size of [0, 1, 31, 32, 33, 100, 5000]) {
      const cases = ["\n", "\r\n", "~", ";", "|"].map((end) => ({
        bytes: "x".repeat(size) + end,
        frames: frames("x".repeat(size)),
        sent: false as const,
      }));
      const all = cases.map((one) => one.bytes).join("");
      const five = delimited({ delimiter: ["\n", "\r\n", "~", ";", "|"] });
      const options = { randomSplits: 3 };
      assertFramer(five, [{ bytes: all, frames: cases.flatMap((one) => one.frames), sent: false }], options);
      const two = delimited({ delimiter: ["\n", "\r\n"] });
      assertFramer(two, cases.slice(0, 2), options);
      const repeated = [0, 1, 0, 0, 1, 1].map((at) => cases[at]!);
      const joined = { bytes: repeated.map((one) => one.bytes).join(""), sent: false as const };
      assertFramer(two, [{ ...joined, frames: repeated.flatMap((one) => one.frames) }], options);
    }
  });

  it("are what a regular expression splits, for delimiters full of repetition (property)", () => {
    fc.assert(
      fc.property(letters(30), delimiterSets, fc.integer(), (text, set, seed) => {
        const whole = text + set[0];
        const parts = split(whole, set);
        const rest = parts.pop()!;
        const one = { bytes: whole, frames: frames(...parts), sent: false as const };
        const cases = [rest === "" ? one : { ...one, error: "truncated" as const }];
        assertFramer(delimited({ delimiter: set }), cases, { seed, randomSplits: 5 });
      }),
      { numRuns: 300 },
    );
  });
});

describe("sending frames that one of several delimiters may end", () => {
  it("writes the first of them (F-2)", () => {
    const writer = new ByteWriter();
    delimited({ delimiter: anyLineEnd }).encode(bytes("a"), writer);
    assert.deepEqual(writer.take(), bytes("a\r\n"));
  });

  it("with checkSent refuses exactly the frames that would arrive otherwise (property)", () => {
    fc.assert(
      fc.property(letters(12), delimiterSets, (text, set) => {
        const [first] = set as [string];
        const parts = split(first + text + first, set);
        const harmless = parts.length === 3 && parts[0] === "" && parts[1] === text && parts[2] === "";
        const framing = delimited({ delimiter: set, checkSent: true });
        const write = () => framing.encode(bytes(text), new ByteWriter());
        if (harmless) write();
        else assert.throws(write, (error) => error instanceof FrameError && error.reason === "malformed");
      }),
      { numRuns: 1000 },
    );
  });

  it("does not notice a change to the list that it was given", () => {
    const list: (string | Uint8Array)[] = [hex("0a"), ";"];
    const framing = delimited({ delimiter: list });
    (list[0] as Uint8Array)[0] = 0;
    list.length = 0;
    assertFramer(framing, [{ bytes: "a;b\n", frames: frames("a", "b") }]);
  });
});

describe("options of delimited with several delimiters", () => {
  const many = Array.from({ length: 65 }, (_, i) => `end ${i};`);
  const wrong: readonly [options: unknown, message: RegExp][] = [
    [{ delimiter: [] }, /delimiter: found \[\], expected one delimiter, or a list of 1 to 64/],
    [{ delimiter: many }, /expected one delimiter, or a list of 1 to 64/],
    [{ delimiter: ["a", ""] }, /delimiter: found "", expected a string or Uint8Array of at least one byte/],
    [{ delimiter: ["a", 10] }, /delimiter: found 10, expected a string or Uint8Array/],
    [{ delimiter: ["a", hex("61")] }, /expected each delimiter once/],
    [{ delimiter: ["abc", "b"] }, /none that stands inside another: "b" does in "abc"/],
    [
      { delimiter: ["\r\n", "\r"], keepDelimiter: true },
      /keepDelimiter: found true, expected delimiters of which none begins with another: "\\r\\n" begins with "\\r"/,
    ],
    [{ delimiter: ["a", "b"], position: "prefix" }, /one delimiter, not a list, with position "prefix"/],
  ];
  for (const [options, message] of wrong) {
    it(`refuse ${message}`, () => {
      assert.throws(
        () => delimited(options as DelimitedOptions),
        (error) => error instanceof OptionsError && message.test(error.message),
      );
    });
  }
});
