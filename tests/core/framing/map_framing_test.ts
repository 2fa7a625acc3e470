// Messages on top of frames: faults with the offset of their frame, over every framing (F-11).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { connect, defineFraming, FrameError, mapFraming, OptionsError, serve } from "../../../mod.ts";
import { ByteWriter } from "../../../src/core/bytes/bytes.ts";
import { delimited } from "../../../src/core/framing/delimited.ts";
import { fixedLength } from "../../../src/core/framing/fixed_length.ts";
import type { Framing } from "../../../src/core/framing/framing.ts";
import { lengthField } from "../../../src/core/framing/length_field.ts";
import { lines } from "../../../src/core/framing/lines.ts";
import { raw } from "../../../src/core/framing/raw.ts";
import { FramerStream } from "../../../src/core/streams/framer_stream.ts";
import { assertFramer } from "../../../src/testing/assert_framer.ts";

const text = lines({ encoding: "utf-8" });
const json = {
  decode: (line: string): unknown => JSON.parse(line),
  encode: (value: unknown) => JSON.stringify(value),
};
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Frames as upper-case text; one that begins with a question mark is refused. */
const asking = {
  decode(frame: Uint8Array): string {
    const got = decoder.decode(frame);
    if (got.startsWith("?")) throw new RangeError(`found ${got}`);
    return got;
  },
  encode: (message: string): Uint8Array => encoder.encode(message),
};

/** By hand, and without anything that may be left out: neither `resume` nor `flush` nor offsets. */
const handmade: Framing<Uint8Array> = {
  name: "handmade",
  decoder() {
    let held: number[] = [];
    return {
      get buffered() {
        return held.length;
      },
      push(chunk, next) {
        for (const byte of chunk) {
          if (byte !== 59) held.push(byte);
          else {
            next(Uint8Array.from(held));
            held = [];
          }
        }
      },
    };
  },
  encode: (frame, out) => (out.bytes(frame), out.byte(59)),
};

interface Row {
  readonly framing: Framing<Uint8Array>;
  readonly bytes: string;
  readonly offset: number;
  readonly size?: number;
}

/** The second frame is refused, which begins at this offset. */
const rows: readonly Row[] = [
  { framing: lines(), bytes: "ab\n?c\nd\n", offset: 3, size: 2 },
  { framing: lines(), bytes: "ab\r\n?c\r\nd\r\n", offset: 4, size: 2 },
  { framing: delimited({ delimiter: "--" }), bytes: "ab--?c--d--", offset: 4, size: 2 },
  { framing: delimited({ delimiter: "--", position: "prefix" }), bytes: "--ab--?c--d", offset: 4, size: 2 },
  { framing: fixedLength({ frameBytes: 2 }), bytes: "ab?cd ", offset: 2, size: 2 },
  {
    framing: lengthField({ lengthBytes: 2, strip: 2 }),
    bytes: "\0\x02ab\0\x02?c\0\x01d",
    offset: 4,
    size: 2,
  },
  {
    framing: defineFraming({
      name: "semicolons",
      find(bytes, searched) {
        const at = bytes.indexOf(59, searched);
        return at < 0 ? undefined : { size: at + 1, end: at };
      },
      encode: (frame, out) => (out.bytes(frame), out.byte(59)),
    }),
    bytes: "ab;?c;d;",
    offset: 3,
    size: 2,
  },
];

describe("mapFraming (F-11)", () => {
  it("JSON in lines passes assertFramer, with the offset of what is no JSON", () => {
    assertFramer(mapFraming(text, json), [
      { bytes: '{"a":[1]}\n"b"\nnull\n', frames: [{ a: [1] }, "b", null], exact: true },
      { bytes: "1\n\u00e9\n", frames: [1], error: { reason: "malformed", offset: 2 } },
      { bytes: "1\n2", frames: [1], error: { reason: "truncated", offset: 2, size: 1 } },
    ], { refuses: [undefined, 1n] });
    assertFramer(mapFraming(lines({ encoding: "utf-8", fatal: true }), { ...json, onFrameError: "skip" }), [
      { bytes: '"\u00e9"\n{\n2\n', frames: ["\u00e9", 2], skipped: [{ reason: "malformed", offset: 5 }] },
    ]);
  });

  for (const { framing, bytes, offset, size } of rows) {
    it(`over ${framing.name} of ${JSON.stringify(bytes)}: the offset is that of the frame`, () => {
      const last = framing.name === "fixedLength" ? "d " : "d";
      const error = { reason: "malformed", offset, size } as const;
      assertFramer(mapFraming(framing, asking), [{ bytes, frames: ["ab"], error }]);
      assertFramer(mapFraming(framing, { ...asking, onFrameError: "skip" }), [
        { bytes, frames: ["ab", last], skipped: [error] },
      ]);
    });
  }

  it("what the framing itself refuses stays refused, stopped before it or not", () => {
    assertFramer(mapFraming(lines({ maxFrameBytes: 3 }), asking), [
      { bytes: "ab\ncdef\n", frames: ["ab"], error: { reason: "too_large", offset: 3 } },
    ]);
    assertFramer(mapFraming(lines({ maxFrameBytes: 3, onFrameError: "skip" }), asking), [
      {
        bytes: "ab\ncdef\n?\n",
        frames: ["ab"],
        skipped: ["too_large"],
        error: { reason: "malformed", offset: 8 },
      },
    ]);
  });

  it("over a decoder without offsets: that of the first frame that ends in the chunk", () => {
    const decoder = mapFraming(handmade, asking).decoder(() => {});
    decoder.push(encoder.encode("ab;c"), () => {});
    assert.throws(() => decoder.push(encoder.encode("d;?e;"), () => {}), { offset: 3, reason: "malformed" });
    assertFramer(mapFraming(handmade, asking), [
      { bytes: "ab;c", frames: ["ab"], error: { reason: "truncated", offset: 3, size: 1 } },
    ]);
    const chunks = mapFraming(raw(), asking).decoder(() => {});
    chunks.push(encoder.encode("abc"), () => {});
    assert.throws(() => chunks.push(encoder.encode("?"), () => {}), { offset: 3 });
  });

  it("stays failed, and says what decode said", () => {
    const decoder = mapFraming(lines(), { ...asking, name: "asking" }).decoder(() => {});
    for (let i = 0; i < 2; i++) {
      assert.throws(
        () => decoder.push(encoder.encode("a\n?b\nc\n"), () => {}),
        (error) =>
          error instanceof FrameError && error.cause instanceof RangeError &&
          error.message === "decode a frame (asking) at offset 2: found ?b",
      );
    }
    assert.throws(() => decoder.flush!(() => {}), FrameError);
    assert.throws(() => decoder.resume!(() => {}), FrameError);
  });

  it("a FrameError of decode, which cannot know the offset, is not the cause; its own cause is", () => {
    for (const cause of [new RangeError("why"), undefined]) {
      const framing = mapFraming(lines(), {
        ...asking,
        decode(): string {
          throw new FrameError("malformed", "found it", { offset: 0 }, cause && { cause });
        },
      });
      const decoder = framing.decoder(() => {});
      assert.throws(() => decoder.push(encoder.encode("a\n"), () => {}), (error) => {
        assert.ok(error instanceof FrameError);
        assert.equal(error.cause, cause);
        assert.equal("cause" in error, cause !== undefined);
        return true;
      });
    }
  });

  it("a FrameError of decode keeps its reason and limit, and gets the offset", () => {
    const framing = mapFraming(lines(), {
      ...asking,
      decode(): string {
        throw new FrameError("too_large", "found too many", { offset: 0, limit: 7 });
      },
    });
    const decoder = framing.decoder(() => {});
    decoder.push(encoder.encode("a"), () => {});
    assert.throws(() => decoder.push(encoder.encode("b\n"), () => {}), {
      reason: "too_large",
      offset: 0,
      limit: 7,
    });
  });

  it("a message that cannot be encoded is a FrameError, whoever refuses it", () => {
    const framing = mapFraming(lines({ encoding: "utf-8", checkSent: true }), {
      decode: (line: string) => line,
      encode(message: string): string {
        if (message === "") throw new RangeError("empty");
        return message;
      },
    });
    const out = new ByteWriter();
    assert.throws(() => framing.encode("", out), {
      message: "write a frame (lines): empty",
      reason: "malformed",
    });
    assert.throws(() => framing.encode("a\nb", out), { reason: "malformed" });
    framing.encode("ab", out);
    assert.equal(decoder.decode(out.take()), "ab\n");
  });

  it("is mapped again, and is a Web Stream", async () => {
    const doubled = mapFraming(mapFraming(text, json), {
      decode: (value) => Number(value) * 2,
      encode: (value: number) => value / 2,
    });
    const source = new Blob(["1\n2\n3"]).stream() as ReadableStream<Uint8Array>;
    const reader = source.pipeThrough(new FramerStream(doubled)).getReader();
    assert.deepEqual([await reader.read(), await reader.read()].map(({ value }) => value), [2, 4]);
    await assert.rejects(reader.read(), { reason: "truncated", offset: 4 });
  });

  it("gives handlers messages, and passes over what is none, on a connection", async () => {
    const framing = mapFraming(text, { ...json, onFrameError: "skip" });
    const skipped: number[] = [];
    await using server = await serve({
      port: 0,
      framing,
      logger: () => {},
      onFrameError: ({ offset }) => void skipped.push(offset),
      onFrame: (value, connection) => connection.send([value]),
    });
    const { port } = server.address as { port: number };
    await using client = await connect({ port, framing: text });
    for (const line of ["1", "{", '"two"']) await client.send(line);
    const got: string[] = [];
    for await (const line of client) if (got.push(line) === 2) break;
    assert.deepEqual([got, skipped], [["[1]", '["two"]'], [2]]);
  });

  it("refuses a codec that makes no sense, naming every fault", () => {
    assert.throws(
      () => mapFraming(undefined as never, { decode: 1, onFrameError: "drop" } as never),
      (error) =>
        error instanceof OptionsError &&
        ["decode", "encode", "framing", "onFrameError"].every((path) =>
          error.issues.some((issue) => issue.path === path)
        ),
    );
  });
});
