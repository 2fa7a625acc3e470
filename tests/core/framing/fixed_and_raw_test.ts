import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteWriter } from "../../../src/core/bytes/bytes.ts";
import { FrameError, OptionsError } from "../../../src/core/errors.ts";
import { fixedLength } from "../../../src/core/framing/fixed_length.ts";
import { raw } from "../../../src/core/framing/raw.ts";
import { assertFramer } from "../../../src/testing/assert_framer.ts";

const ascii = (text: string) => new TextEncoder().encode(text);
const frames = (...texts: string[]) => texts.map(ascii);

describe("frames of one size (F-3)", () => {
  it("S-5, S-3: are split where several come in one read, joined where one comes in several", () => {
    assertFramer(fixedLength({ frameBytes: 3 }), [
      { bytes: "", frames: [] },
      { bytes: "abcdefghi", frames: frames("abc", "def", "ghi"), exact: true },
    ], { refuses: frames("", "ab", "abcd") });
    assertFramer(fixedLength({ frameBytes: 1 }), [{ bytes: "ab", frames: frames("a", "b"), exact: true }]);
  });

  it("S-9: are truncated when the input ends inside one", () => {
    assertFramer(fixedLength({ frameBytes: 3 }), [
      { bytes: "abcd", frames: frames("abc"), error: { reason: "truncated", offset: 3, size: 1 } },
    ]);
  });

  it("are views of the chunk they came in, also when that is a subclass of Uint8Array", () => {
    class Chunk extends Uint8Array {}
    const chunk = new Chunk([1, 2, 3, 4, 5, 6]);
    const found: Uint8Array[] = [];
    fixedLength({ frameBytes: 3 }).decoder(() => {}).push(chunk, (frame) => found.push(frame));
    assert.deepEqual(found, [new Uint8Array([1, 2, 3]), new Uint8Array([4, 5, 6])]);
    assert.ok(found.every((frame) => frame.buffer === chunk.buffer && frame.constructor === Uint8Array));
  });

  it("S-3: cost time in proportion to their size, however small the pieces", () => {
    let took = 0;
    const decoder = fixedLength({ frameBytes: 200_000 }).decoder(() => {});
    for (let i = 0; i < 200_000; i++) decoder.push(new Uint8Array([i % 251]), (frame) => took = frame.length);
    assert.equal(took, 200_000);
    assert.equal(decoder.buffered, 0);
  });

  it("need a size that makes sense", () => {
    for (const frameBytes of [0, -1, 1.5, Number.NaN, 2 ** 33, Infinity, "3 feet", undefined]) {
      const make = () => fixedLength({ frameBytes: frameBytes as number });
      assert.throws(make, (error) => error instanceof OptionsError && /frameBytes/.test(error.message));
    }
  });
});

describe("no framing (F-9)", () => {
  it("passes each read on as a packet, holds nothing, and never complains", () => {
    const found: Uint8Array[] = [];
    const decoder = raw().decoder(() => assert.fail("reported"));
    for (const chunk of frames("ab", "c", "\n")) decoder.push(chunk, (frame) => found.push(frame));
    assert.equal(decoder.buffered, 0);
    decoder.flush?.(() => assert.fail("a frame"));
    assert.deepEqual(found, frames("ab", "c", "\n"));
  });

  it("passes on a view of the chunk, as a plain Uint8Array, and nothing for an empty one", () => {
    class Chunk extends Uint8Array {}
    const chunk = new Chunk([1, 2]);
    const found: Uint8Array[] = [];
    const decoder = raw().decoder(() => {});
    decoder.push(chunk, (frame) => found.push(frame));
    decoder.push(new Uint8Array(0), () => assert.fail("a frame"));
    assert.equal(found[0]!.buffer, chunk.buffer);
    assert.equal(found[0]!.constructor, Uint8Array);
  });

  it("writes bytes as they are, and refuses anything else", () => {
    const writer = new ByteWriter();
    raw().encode(ascii("ab"), writer);
    raw().encode(ascii(""), writer);
    assert.deepEqual(writer.take(), ascii("ab"));
    assert.throws(() => raw().encode("ab" as never, writer), (error) => error instanceof FrameError);
    assert.throws(() => raw({ size: 1 } as never), /no such option/);
  });
});
