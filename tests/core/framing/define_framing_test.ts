// The base for framings of a user's own: what it holds, counts and bounds, whatever the framing is (F-11).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameError, OptionsError } from "../../../src/core/errors.ts";
import { ByteWriter } from "../../../src/core/bytes/bytes.ts";
import { defineFraming, type FramingDefinition } from "../../../src/core/framing/define_framing.ts";
import { assertFramer } from "../../../src/testing/assert_framer.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Brackets around each frame: an end that must be searched for. */
function brackets(options: Partial<FramingDefinition> = {}) {
  return defineFraming({
    name: "brackets",
    maxFrameBytes: 8,
    find(bytes, searched) {
      if (bytes[0] !== 0x5b) return { malformed: `found ${bytes[0]}, expected [`, size: 1 };
      const at = bytes.indexOf(0x5d, searched);
      return at < 0 ? undefined : { size: at + 1, start: 1, end: at };
    },
    encode: (frame, out) => (out.byte(0x5b), out.bytes(frame), out.byte(0x5d)),
    ...options,
  });
}

/** A digit says how long the whole frame is. */
function digits(options: Partial<FramingDefinition> = {}) {
  return defineFraming({
    name: "digits",
    maxFrameBytes: 6,
    find: ([digit]) => digit! - 48,
    encode: (frame, out) => out.bytes(frame),
    ...options,
  });
}

describe("defineFraming (F-11)", () => {
  it("cuts frames whose end is searched for, however they come", () => {
    assertFramer(brackets(), [
      { bytes: "[][a][bcdefg]", frames: ["", "a", "bcdefg"].map(bytesOf), exact: true },
      { bytes: "[a]x", frames: [bytesOf("a")], error: { reason: "malformed", offset: 3 } },
      { bytes: "[a][b", frames: [bytesOf("a")], error: { reason: "truncated", offset: 3, size: 2 } },
      {
        bytes: "[a][bcdefgh]",
        frames: [bytesOf("a")],
        error: { reason: "too_large", offset: 3, size: 8, limit: 8 },
      },
    ]);
  });

  it("cuts frames that say their size, however they come", () => {
    assertFramer(digits(), [
      { bytes: "13ab1", frames: ["1", "3ab", "1"].map(bytesOf), exact: true },
      { bytes: "13a", frames: [bytesOf("1")], error: { reason: "truncated", offset: 1, size: 2 } },
      { bytes: "17a", frames: [bytesOf("1")], error: { reason: "too_large", offset: 1, size: 7, limit: 6 } },
    ]);
  });

  it("rejects a frame that is larger than allowed before its end is known, and skips what is known of it", () => {
    // A digit says how large the frame is at least, a bracket ends it, and an exclamation mark says that no more is known.
    const claims = (options: Partial<FramingDefinition> = {}) =>
      digits({
        find(bytes) {
          const end = bytes.indexOf(0x5d);
          if (end >= 0) return end + 1;
          const atLeast = bytes[0]! - 48;
          return { atLeast, skip: bytes[1] === undefined ? atLeast : undefined };
        },
        ...options,
      });
    const error = { reason: "too_large", offset: 3, size: 7, limit: 6 } as const;
    assertFramer(claims(), [
      { bytes: "1a]3bc]", frames: ["1a]", "3bc]"].map(bytesOf), exact: true },
      { bytes: "1a]7", frames: [bytesOf("1a]")], error },
      { bytes: "1a]6b", frames: [bytesOf("1a]")], error: { reason: "truncated", offset: 3, size: 2 } },
      { bytes: "1a]6bcdef", frames: [bytesOf("1a]")], error: { reason: "too_large", offset: 3, limit: 6 } },
    ]);
    const skipped: FrameError[] = [];
    const frames: string[] = [];
    const decoder = claims({ onFrameError: "skip" }).decoder((fault) => skipped.push(fault));
    for (const piece of ["1a]", "7", "bcd", "efg1h]"]) {
      decoder.push(bytesOf(piece), (frame) => frames.push(textOf(frame)));
    }
    assert.deepEqual(frames, ["1a]", "1h]"]);
    assert.deepEqual(skipped.map(({ reason, offset, size, limit }) => ({ reason, offset, size, limit })), [
      error,
    ]);
    assert.throws(() => decoder.push(bytesOf("7b"), () => {}), { reason: "too_large", size: 7, offset: 13 });
  });

  it("looks at the trailer of a frame once it is complete, however it comes", () => {
    const trailer = bytesOf("--");
    const marked = (options: Partial<FramingDefinition> = {}) =>
      digits({
        maxFrameBytes: 9,
        find: ([digit]) => ({ size: digit! - 48, start: 1, end: digit! - 50, trailer }),
        encode: (frame, out) => out.text(`${frame.length + 3}${textOf(frame)}--`),
        ...options,
      });
    assertFramer(marked(), [
      { bytes: "4a--3--9abcdef--", frames: ["a", "", "abcdef"].map(bytesOf), exact: true },
      { bytes: "4a--5ab-x", frames: [bytesOf("a")], error: { reason: "malformed", offset: 4 } },
      { bytes: "4a--5ab-", frames: [bytesOf("a")], error: { reason: "truncated", offset: 4 } },
    ]);
    // The next frame may begin anywhere.
    assertFramer(marked({ onFrameError: "skip" }), [
      { bytes: "4a--5abx-3--", frames: [bytesOf("a")], error: { reason: "malformed", offset: 4 } },
    ]);
  });

  it("passes over bad frames of a known size where the policy is to skip", () => {
    assertFramer(digits({ onFrameError: "skip" }), [
      {
        bytes: "17abcdef2x",
        frames: ["1", "2x"].map(bytesOf),
        skipped: [{ reason: "too_large", offset: 1 }],
      },
      { bytes: "18ab", frames: [bytesOf("1")], skipped: [{ reason: "too_large", offset: 1, size: 8 }] },
    ]);
    assertFramer(brackets({ onFrameError: "skip" }), [
      {
        bytes: "[a]xy[b]",
        frames: ["a", "b"].map(bytesOf),
        skipped: [{ reason: "malformed", offset: 3 }, { reason: "malformed", offset: 4 }],
      },
      // Nothing tells where the next frame begins.
      { bytes: "[abcdefgh]", frames: [], error: { reason: "too_large", offset: 0 } },
    ]);
  });

  it("looks for the next frame after a bad one whose end is unknown, and reports only the first fault", () => {
    const found = brackets({
      onFrameError: "skip",
      find(bytes, searched) {
        if (bytes[0] !== 0x5b) return { malformed: `found ${bytes[0]}, expected [` };
        if (bytes[1] === 0x5b) return { malformed: "found [[", passed: 2 };
        const at = bytes.indexOf(0x5d, searched);
        if (at < 0) return undefined;
        return bytes[1] === 0x21 ? { malformed: "found !", reason: "checksum", size: at + 1 } : at + 1;
      },
      resync: (bytes, from, atEnd) => atEnd ? -1 : bytes.indexOf(0x5b, from),
    });
    const frames = ["[a]", "[b]"].map(bytesOf);
    assertFramer(found, [
      { bytes: "[a]xyz[b]", frames, skipped: [{ reason: "malformed", offset: 3 }] },
      { bytes: "[a][[[b]", frames, skipped: [{ reason: "malformed", offset: 3 }] },
      { bytes: "[a]x[[y]z[[[b]", frames, skipped: [{ reason: "malformed", offset: 3 }] },
      // What is whole is a fault of its own.
      {
        bytes: "[a]x[!][!][b]",
        frames,
        skipped: [{ reason: "malformed", offset: 3 }, { reason: "checksum", offset: 4 }, {
          reason: "checksum",
          offset: 7,
        }],
      },
      { bytes: "[a][cdefghi[b]", frames, skipped: [{ reason: "too_large", offset: 3, limit: 8 }] },
      {
        bytes: "x[a]y[b]",
        frames,
        skipped: [{ reason: "malformed", offset: 0 }, { reason: "malformed", offset: 4 }],
      },
      { bytes: "[a]x", frames: [frames[0]!], skipped: [{ reason: "malformed", offset: 3 }] },
      {
        bytes: "[a]x[b",
        frames: [frames[0]!],
        skipped: [{ reason: "malformed", offset: 3 }],
      },
    ]);
  });

  it("finds whole frames at the end behind one whose length was wrong, and says that it was cut off", () => {
    const sized = digits({
      maxFrameBytes: 20,
      onFrameError: "skip",
      find(bytes) {
        if (bytes[0] !== 0x3c) return { malformed: "found no <" };
        const size = bytes.length > 1 ? bytes[1]! - 48 : Infinity;
        return bytes.length < size ? undefined : size;
      },
      resync: (bytes, from) => bytes.indexOf(0x3c, from),
    });
    const frames = ["<3a", "<3c", "<3d"].map(bytesOf);
    assertFramer(sized, [
      { bytes: "<3a<Cb<3c<3d<4", frames, error: { reason: "truncated", offset: 3, size: 11 } },
    ]);
  });

  it("moves bytes seldom while each of them may begin a frame that turns out to be none", () => {
    const memories = new Set<ArrayBufferLike>();
    const decoder = brackets({
      maxFrameBytes: 10_000,
      onFrameError: "skip",
      find(bytes) {
        memories.add(bytes.buffer);
        return bytes.length < 1000 ? undefined : { malformed: "found nothing" };
      },
      resync: (_bytes, from) => from,
    }).decoder(() => {});
    for (let at = 0; at < 20_000; at++) decoder.push(new Uint8Array(1), () => {});
    assert.equal(decoder.buffered, 999);
    assert.ok(memories.size < 60, `${memories.size} arrays`);
  });

  it("lets the end of the input end a frame", () => {
    const rest = brackets({
      find(bytes, searched, atEnd) {
        const at = bytes.indexOf(0x2c, searched);
        if (at >= 0) return { size: at + 1, end: at };
        return atEnd ? bytes.length : undefined;
      },
    });
    assertFramer(rest, [{ bytes: "a,,bc", frames: ["a", "", "bc"].map(bytesOf), sent: false }]);
  });

  it("asks each byte once, and seldom moves what is held: where the search goes on is told", () => {
    let asked = 0;
    const memories = new Set<ArrayBufferLike>();
    const framing = brackets({
      maxFrameBytes: 1_000_000,
      find(bytes, searched) {
        memories.add(bytes.buffer);
        asked += bytes.length - searched;
        const at = bytes.indexOf(0x5d, searched);
        return at < 0 ? undefined : at + 1;
      },
    });
    const decoder = framing.decoder(() => {});
    const frame = new Uint8Array(20_000).fill(97);
    frame[frame.length - 1] = 0x5d;
    const got: number[] = [];
    for (let at = 0; at < frame.length; at++) {
      decoder.push(frame.subarray(at, at + 1), ({ length }) => got.push(length));
    }
    assert.deepEqual([got, asked], [[20_000], 20_000]);
    // That of the chunk, and one for each time that there were half as many again.
    assert.ok(memories.size <= 13, `${memories.size} arrays`);
    assertFramer(framing, [{ bytes: "a]", frames: [bytesOf("a]")], sent: false }], {
      frameOfSize: (size) => new Uint8Array(size).fill(97),
    });
  });

  it("holds no more than has come, whatever a frame claims", () => {
    const decoder = digits({ maxFrameBytes: 2 ** 40, find: () => 2 ** 40 }).decoder(() => {});
    decoder.push(new Uint8Array(10), () => {});
    assert.equal(decoder.buffered, 10);
  });

  it("frames stay as they are when more comes", () => {
    const decoder = brackets().decoder(() => {});
    const got: Uint8Array[] = [];
    for (const piece of ["[a", "b][c", "d][ef][g", "]"]) {
      decoder.push(bytesOf(piece), (frame) => got.push(frame));
    }
    assert.deepEqual(got.map(textOf), ["ab", "cd", "ef", "g"]);
  });

  it("stays failed when find throws, or answers what makes no sense", () => {
    for (
      const answer of [0, -1, 1.5, NaN, { size: 3, start: 2, end: 1 }, { size: 3, end: 4 }, {
        size: 3,
        start: -1,
      }]
    ) {
      const decoder = brackets({ find: () => answer }).decoder(() => {});
      for (let i = 0; i < 2; i++) {
        assert.throws(
          () => decoder.push(bytesOf("abc"), () => {}),
          /^TypeError: cut a frame \(brackets\) at offset 0: find/,
        );
      }
    }
    const fault = new Error("find is broken");
    const decoder = brackets({
      find() {
        throw fault;
      },
    }).decoder(() => {});
    for (let i = 0; i < 2; i++) assert.throws(() => decoder.push(bytesOf("abc"), () => {}), fault);
    assert.throws(() => decoder.flush!(() => {}), fault);
  });

  it("refuses a definition that makes no sense, naming every fault", () => {
    assert.throws(
      () => defineFraming({ name: "", find: 1, maxFrameBytes: 0, onFrameErrors: "skip" } as never),
      (error) =>
        error instanceof OptionsError &&
        ["onFrameErrors", "name", "find", "encode", "maxFrameBytes"].every((path) =>
          error.issues.some((issue) => issue.path === path)
        ),
    );
  });

  it("encodes as it was defined", () => {
    const out = new ByteWriter();
    brackets().encode(bytesOf("ab"), out);
    assert.equal(textOf(out.take()), "[ab]");
  });

  it("says what was wrong, and where", () => {
    const message = (text: string): string => {
      try {
        brackets().decoder(() => {}).push(bytesOf(text), () => {});
      } catch (error) {
        assert.ok(error instanceof FrameError);
        return error.message;
      }
      return "nothing";
    };
    assert.equal(message("[a]x"), "cut a frame (brackets) at offset 3: found 120, expected [");
    assert.equal(
      message("[abcdefghi"),
      "cut a frame (brackets) at offset 0: found no end in 8 bytes, over maxFrameBytes, 8; raise it, or check that " +
        "the peer speaks brackets",
    );
  });
});
