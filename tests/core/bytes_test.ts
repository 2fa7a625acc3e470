import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  ByteWriter,
  concatBytes,
  copyFrames,
  equalBytes,
  showBytes,
  view,
} from "../../src/core/bytes/bytes.ts";

const ascii = (text: string) => new TextEncoder().encode(text);

describe("ByteWriter", () => {
  it("joins bytes, byte arrays and UTF-8 text in the order of writing", () => {
    const writer = new ByteWriter();
    writer.byte(1);
    writer.bytes(new Uint8Array([2, 3]));
    writer.text("é€😀");
    assert.equal(writer.length, 12);
    assert.deepEqual(writer.take(), concatBytes([new Uint8Array([1, 2, 3]), ascii("é€😀")]));
  });

  it("is empty after take, and what was taken is not written over", () => {
    for (const size of [3, 300, 100_000]) {
      const writer = new ByteWriter();
      writer.bytes(new Uint8Array(size).fill(7));
      const taken = writer.take();
      assert.equal(writer.length, 0);
      writer.bytes(new Uint8Array(size).fill(8));
      assert.equal(taken.length, size);
      assert.ok(taken.every((byte) => byte === 7));
    }
  });

  it("takes back what was written after a mark", () => {
    const writer = new ByteWriter();
    writer.text("kept");
    writer.text(" and dropped");
    assert.deepEqual(writer.reset(4).take(), ascii("kept"));
    assert.equal(writer.reset().length, 0);
  });

  it("refuses to reset past its end, so that no old byte comes back", () => {
    const writer = new ByteWriter();
    writer.byte(1);
    for (const length of [2, -1, Number.NaN]) assert.throws(() => writer.reset(length), /expected 0 to 1/);
  });

  it("writes any mixture of pieces as their concatenation", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 700 }), fc.string({ unit: "binary" }))),
        (parts) => {
          const writer = new ByteWriter();
          for (const part of parts) typeof part === "string" ? writer.text(part) : writer.bytes(part);
          const expected = concatBytes(parts.map((part) => typeof part === "string" ? ascii(part) : part));
          assert.deepEqual(writer.take(), expected);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("writes a text longer than its memory limit whole", () => {
    const writer = new ByteWriter();
    const text = "€".repeat(50_000);
    writer.text(text);
    assert.equal(new TextDecoder().decode(writer.take()), text);
  });
});

describe("showing and comparing bytes", () => {
  it("compares by content and length", () => {
    assert.ok(equalBytes(ascii("ab"), ascii("ab")));
    assert.ok(!equalBytes(ascii("ab"), ascii("ac")));
    assert.ok(!equalBytes(ascii("ab"), ascii("abc")));
  });

  it("shows text as text, the rest as hex, and cuts what is long", () => {
    assert.equal(showBytes(ascii("a\r\n")), '"a\\r\\n"');
    assert.equal(showBytes(new Uint8Array([0x1c, 0x0d])), "0x1c0d");
    assert.equal(showBytes(ascii("abcdef"), 3), '"abc"…');
  });
});

describe("view", () => {
  it("is a copy of up to so many bytes once an adapter has asked for that, and otherwise shares memory", (t) => {
    t.after(() => copyFrames(0));
    const large = new Uint8Array(4096).map((_, index) => index);
    const shares = (length: number): boolean => {
      const frame = view(large, 1, 1 + length);
      assert.deepEqual(frame, large.slice(1, 1 + length));
      return frame.buffer === large.buffer;
    };
    for (const [upTo, expected] of [[0, [true, true, true]], [512, [false, false, true]]] as const) {
      copyFrames(upTo);
      assert.deepEqual([1, 512, 513].map(shares), expected);
    }
  });
});
