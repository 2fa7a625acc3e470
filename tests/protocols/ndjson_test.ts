// NDJSON: values, bad lines that end nothing, and lines as bytes for the gateway.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameError } from "../../src/core/errors.ts";
import { parseFraming } from "../../src/protocols/framing_text.ts";
import { ndjson } from "../../src/protocols/ndjson.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { ByteWriter } from "../../src/core/bytes/bytes.ts";
import { bytes, encoded } from "../support/frames.ts";

const inText = parseFraming("ndjson");
const bad = (offset: number): { reason: "malformed"; offset: number } => ({ reason: "malformed", offset });

describe("ndjson", () => {
  it("has values, one a line, and ignores empty lines (F-8)", () => {
    assertFramer<unknown>(ndjson(), [
      { bytes: '{"a":[1,"é"]}\nnull\n"x"\n', frames: [{ a: [1, "é"] }, null, "x"], exact: true },
      { bytes: '\n{"a": 1}\r\n \t\r\n\n2\n', frames: [{ a: 1 }, 2] },
      { bytes: "1\n2", frames: [1], error: { reason: "truncated", offset: 2 } },
    ]);
  });

  it("reports a bad line and goes on, or closes when told to (F-8)", () => {
    const invalid = Uint8Array.of(...bytes('"'), 0xff, ...bytes('"\n2\n'));
    assertFramer<unknown>(ndjson(), [
      { bytes: "1\n{oops\n2\n", frames: [1, 2], skipped: [bad(2)] },
      { bytes: "1 2\n'a'\nundefined\n2\n", frames: [2], skipped: [bad(0), bad(4), bad(8)] },
      { bytes: invalid, frames: [2], skipped: [bad(0)] },
    ]);
    assertFramer<unknown>(ndjson({ maxFrameBytes: 4 }), [
      {
        bytes: "1\n12345\n1234\n",
        frames: [1, 1234],
        skipped: [{ reason: "too_large", offset: 2, limit: 4 }],
      },
    ]);
    assertFramer<unknown>(ndjson({ onFrameError: "close" }), [
      { bytes: "1\n\n{oops\n2\n", frames: [1], error: bad(3) },
      { bytes: invalid, frames: [], error: bad(0) },
    ]);
  });

  it("does not send what JSON does not have, nor more than maxSentFrameBytes (F-8)", () => {
    assertFramer<unknown>(ndjson(), [{ bytes: "1\n", frames: [1] }], {
      refuses: [undefined, () => {}, Symbol("a"), 1n, { a: 1n }],
    });
    assert.throws(
      () => ndjson().encode(undefined, new ByteWriter()),
      /ndjson.*undefined, which JSON does not have/,
    );
    const circle: { self?: unknown } = {};
    circle.self = circle;
    assert.throws(() => ndjson().encode(circle, new ByteWriter()), FrameError);
    const limited = ndjson({ maxSentFrameBytes: 5 });
    limited.encode("é", new ByteWriter());
    assert.throws(() => limited.encode("éa", new ByteWriter()), { reason: "too_large", size: 6, limit: 5 });
  });

  it("can be left for another framing behind any value (F-81)", () => {
    const decoder = ndjson().decoder(() => {});
    assert.equal(decoder.push(bytes("\n1\n\n2\nrest"), () => false), false);
    assert.equal(decoder.waiting, 7);
    const values: unknown[] = [];
    assert.equal(decoder.resume!((value) => values.push(value)), true);
    assert.deepEqual(values, [2]);
  });

  it("survives values of any depth (F-8)", () => {
    const deep = "[".repeat(300_000) + "]".repeat(300_000) + "\n2\n";
    const values: unknown[] = [];
    const errors: FrameError[] = [];
    ndjson().decoder((error) => errors.push(error)).push(bytes(deep), (value) => values.push(value));
    assert.equal(values.at(-1), 2);
    assert.equal(values.length + errors.length, 2);
    if (errors.length > 0) return;
    try {
      ndjson().encode(values[0], new ByteWriter());
    } catch (error) {
      assert.ok(error instanceof FrameError);
    }
  });

  it("has lines as bytes in the gateway, which are JSON in both directions (F-8)", () => {
    assertFramer(inText, [
      { bytes: '{"a": 1}\n2\n', frames: [bytes('{"a": 1}'), bytes("2")], exact: true },
      { bytes: "\n \r\n1\r\n{oops\n2\n", frames: [bytes("1"), bytes("2")], skipped: [bad(7)] },
      { bytes: Uint8Array.of(0x22, 0xff, 0x22, 10), frames: [], skipped: [bad(0)] },
    ], { refuses: [bytes("oops"), bytes("{\n}"), bytes(""), Uint8Array.of(0x22, 0xff, 0x22)] });
    assertFramer(parseFraming("ndjson,close"), [{
      bytes: "1\n{oops\n",
      frames: [bytes("1")],
      error: bad(2),
    }]);
    assert.throws(() => parseFraming("ndjson,close,skip"), /one of the two/);
    assert.throws(() => encoded(parseFraming("ndjson,max-sent=3"), [bytes("123")]), { reason: "too_large" });
    assert.throws(
      () => encoded(inText, [{ a: 1 } as unknown as Uint8Array]),
      FrameError,
    );
  });

  it("has lines as bytes without the carriage returns behind a value, so that each can be sent again (F-8)", () => {
    const frames = ["3", '{"a":1}'].map((line) => Uint8Array.from(bytes(line)));
    assertFramer(inText, [{ bytes: '3\r\r\n{"a":1}\r\r\r\n', frames }]);
    assert.equal(new TextDecoder().decode(encoded(inText, [Uint8Array.from(bytes("3\r"))])), "3\n");
  });
});
