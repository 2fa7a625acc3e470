import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { searchBytes } from "../../../src/core/bytes/byte_search.ts";
import { Pattern } from "../../../src/core/bytes/pattern.ts";

// The search of Node's own would not take the proxy by which looks are counted.
searchBytes((bytes, byte, from) => bytes.indexOf(byte, from));

const ascii = (text: string) => new TextEncoder().encode(text);
const find = (text: string, pattern: string, from = 0) => new Pattern(ascii(pattern)).find(ascii(text), from);

/** Counts how often a byte is looked at one by one. */
function watched(bytes: Uint8Array): { readonly bytes: Uint8Array; looks: () => number } {
  let looks = 0;
  const proxy = new Proxy(bytes, {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) looks++;
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { bytes: proxy, looks: () => looks };
}

describe("searching a pattern", () => {
  const rows: readonly [text: string, pattern: string, from: number, at: number][] = [
    ["abc", "b", 0, 1],
    ["abcabc", "bc", 2, 4], // from is honoured
    ["aaab", "aab", 0, 1], // a false start overlaps the match
    ["aabaaab", "aaab", 0, 3],
    ["abc", "cd", 0, -1], // begins in the last byte
    ["", "a", 0, -1],
    ["ab", "ab", 1, -1],
  ];
  for (const [text, pattern, from, at] of rows) {
    it(`finds ${JSON.stringify(pattern)} in ${JSON.stringify(text)} from ${from} at ${at}`, () => {
      assert.equal(find(text, pattern, from), at);
    });
  }

  it("agrees with String.indexOf on texts full of false starts", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 60 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(letters, pattern, fc.nat(20), (text, sought, from) => {
        assert.equal(find(text, sought, from), text.indexOf(sought, Math.min(from, text.length)));
      }),
      { numRuns: 1000 },
    );
  });

  it("S-44: looks at each byte of a chunk at most twice, however long the pattern and however often it almost fits", () => {
    for (const [text, pattern] of [["a", "a".repeat(999) + "b"], ["ab", "ab".repeat(500) + "b"]] as const) {
      const { bytes, looks } = watched(ascii(text.repeat(20_000)));
      assert.equal(new Pattern(ascii(pattern)).find(bytes, 0), -1);
      assert.ok(looks() <= 2 * bytes.length, `${looks()} looks at ${bytes.length} bytes`);
    }
  });
});
