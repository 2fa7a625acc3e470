// assertFramer must find each kind of wrong framing: every row is a framing with one fault.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameError } from "../../src/core/errors.ts";
import { concatBytes } from "../../src/core/bytes/bytes.ts";
import type { Decoder, Framing } from "../../src/core/framing/framing.ts";
import { fixedLength } from "../../src/core/framing/fixed_length.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { assertFramer, type AssertFramerOptions } from "../../src/testing/assert_framer.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
const ascii = (text: string) => new TextEncoder().encode(text);

/** Pairs of bytes, cut as `push` says. */
function pairs(push: (held: number[], chunk: Uint8Array, next: (frame: Uint8Array) => void) => void) {
  return framing(() => {
    const held: number[] = [];
    return {
      get buffered() {
        return held.length;
      },
      push: (chunk, next) => push(held, chunk, next),
      flush() {
        if (held.length > 0) throw new FrameError("truncated", "odd", { offset: 0 });
      },
    };
  });
}

function framing(decoder: () => Decoder<Uint8Array>): Framing<Uint8Array> {
  return { name: "pairs", decoder, encode: (frame, out) => out.bytes(frame) };
}

function goodPush(held: number[], chunk: Uint8Array, next: (frame: Uint8Array) => void): void {
  for (const byte of chunk) if (held.push(byte) === 2) next(new Uint8Array(held.splice(0)));
}

const cases = [{ bytes: bytes(1, 2, 3, 4, 5, 6), frames: [bytes(1, 2), bytes(3, 4), bytes(5, 6)] }];

/** Quadratic: all that is held is copied with each chunk. */
function copying(): Framing<Uint8Array> {
  return framing(() => {
    let held = new Uint8Array(0);
    return {
      get buffered() {
        return held.length;
      },
      push(chunk, next) {
        held = concatBytes([held, chunk]);
        for (let at = held.indexOf(10); at >= 0; at = held.indexOf(10)) {
          next(held.slice(0, at + 1));
          held = held.slice(at + 1);
        }
      },
    };
  });
}

describe("assertFramer (F-71)", () => {
  it("passes a good framer, with and without a case that fails", () => {
    assertFramer(pairs(goodPush), cases);
    assertFramer(pairs(goodPush), [{ bytes: bytes(1, 2, 3), frames: [bytes(1, 2)], error: "truncated" }]);
    assertFramer(fixedLength({ frameBytes: 2 }), cases, { refuses: [bytes(1)] });
  });

  const shared: number[] = [];
  const slab = bytes(0, 0);
  const wrong: readonly [fault: string, framing: Framing<Uint8Array>, message: RegExp][] = [
    [
      "forgets what came in an earlier chunk",
      pairs((_held, chunk, next) => {
        for (let at = 0; at + 1 < chunk.length; at += 2) next(chunk.slice(at, at + 2));
      }),
      /byte by byte: frame 0: found 0 frames, expected 2 bytes/,
    ],
    [
      "reads the whole memory behind the chunk",
      pairs((held, chunk, next) => goodPush(held, new Uint8Array(chunk.buffer), next)),
      /frame 0: found 2 bytes 0xa5a5/,
    ],
    [
      "writes the next frame over the last",
      pairs((held, chunk, next) =>
        goodPush(held, chunk, (frame) => {
          slab.set(frame);
          next(slab);
        })
      ),
      /frame 0: found 2 bytes 0x0506, expected 2 bytes 0x0102/,
    ],
    [
      "keeps one connection's bytes in the framing",
      pairs((_held, chunk, next) => goodPush(shared, chunk, next)),
      /byte by byte: frame 0/,
    ],
    [
      "passes a frame on with the next byte only",
      framing(() => {
        const held: number[] = [];
        return {
          get buffered() {
            return held.length;
          },
          push(chunk, next) {
            for (const byte of chunk) if (held.push(byte) === 3) next(new Uint8Array(held.splice(0, 2)));
          },
          flush(next) {
            if (held.length > 0) next(new Uint8Array(held.splice(0)));
          },
        };
      }),
      /^$/, // late, but the same for every split: allowed
    ],
    [
      "passes a frame on at once when it comes whole, later when it comes in pieces",
      framing(() => {
        const held: number[] = [];
        return {
          get buffered() {
            return held.length;
          },
          push(chunk, next) {
            if (chunk.length > 1) return goodPush(held, chunk, next);
            if (held.push(...chunk) > 2) next(new Uint8Array(held.splice(0, 2)));
          },
          flush(next) {
            if (held.length === 1) throw new FrameError("truncated", "odd", { offset: 0 });
            if (held.length > 0) next(new Uint8Array(held.splice(0)));
          },
        };
      }),
      /in one chunk: after 6 bytes: found 3 frames, none open, expected 2 frames, one open/,
    ],
    [
      "throws something else than a FrameError",
      pairs(() => {
        throw new TypeError("oops");
      }),
      /threw TypeError: oops, expected a FrameError/,
    ],
    [
      "passes frames on later",
      pairs((held, chunk, next) => goodPush(held, chunk, (frame) => queueMicrotask(() => next(frame)))),
      /frame 0: found 0 frames/,
    ],
    [
      "claims to be at a boundary inside a frame",
      framing(() => {
        const held: number[] = [];
        return {
          buffered: 0,
          push: (chunk, next) => goodPush(held, chunk, next),
          flush() {
            if (held.length > 0) throw new FrameError("truncated", "odd", { offset: 0 });
          },
        };
      }),
      /buffered: found 0 where the end of input is an error/,
    ],
    [
      "claims to hold more than has come",
      framing(() => ({ buffered: 7, push: (chunk, next) => goodPush([], chunk, next) })),
      /buffered after 1 bytes: found 7, expected a whole number, 0 to 1/,
    ],
    [
      "goes on after an error",
      pairs((_held, chunk) => {
        if (chunk.includes(3)) throw new FrameError("malformed", "a three", { offset: 2 });
      }),
      /bytes after the error: found taken/,
    ],
  ];
  for (const [fault, one, message] of wrong) {
    const allowed = message.source === "^$";
    it(`${allowed ? "allows" : "finds"} a framer that ${fault}`, () => {
      const odd = [...cases, { bytes: bytes(1, 2, 3), frames: [bytes(1, 2)], error: "truncated" as const }];
      if (allowed) assertFramer(one, cases);
      else assert.throws(() => assertFramer(one, odd), message);
    });
  }

  it("finds a wrong expectation: of frames, of the error, of its offset and of what was skipped", () => {
    const expectations: readonly [wrong: object, message: RegExp][] = [
      [{ frames: [ascii("a"), ascii("c")] }, /frame 1: found 1 bytes "b", expected 1 bytes "c"/],
      [{ frames: [ascii("a")] }, /frame 1: found 1 bytes "b", expected no more than 1/],
      [{ error: "truncated" }, /the stream's end: found no error, expected/],
      [{ bytes: "a\nb\nx", error: { reason: "truncated", offset: 3 } }, /"offset":4.*"offset":3/],
      [{ bytes: "a\nb\nx" }, /found \{"reason":"truncated"/],
      [{ skipped: ["too_large"] }, /skipped frame 0: found no error/],
      [{ exact: true, bytes: "a\r\nb\n" }, /encoded: found "a\\nb\\n", expected "a\\r\\nb\\n"/],
    ];
    for (const [expectation, message] of expectations) {
      const one = { bytes: "a\nb\n", frames: [ascii("a"), ascii("b")], ...expectation };
      assert.throws(() => assertFramer(lines(), [one]), message);
    }
  });

  it("finds an encoder whose frames do not come back, and one that takes what it must refuse", () => {
    const swallowing: Framing<Uint8Array> = { ...lines(), encode: (frame, out) => out.bytes(frame) };
    assert.throws(
      () => assertFramer(swallowing, [{ bytes: "a\n", frames: [ascii("a")] }]),
      /encoded and decoded again: frame 0: found 0 frames, then \{"reason":"truncated"/,
    );
    const refuses = { refuses: [ascii("a\nb")] };
    assertFramer(lines({ checkSent: true }), [{ bytes: "", frames: [] }], refuses);
    assert.throws(
      () => assertFramer(lines(), [{ bytes: "", frames: [] }], refuses),
      /encoding 3 bytes "a\\nb": found "a\\nb\\n", expected a FrameError/,
    );
  });

  it("finds a decoder that copies all it holds with each byte, and passes one that does not", () => {
    const options: AssertFramerOptions<Uint8Array> = {
      frameOfSize(size) {
        const frame = new Uint8Array(size).fill(65);
        frame[size - 1] = 10;
        return frame;
      },
    };
    const whole = [{ bytes: "ab\n", frames: [ascii("ab\n")] }];
    assert.throws(() => assertFramer(copying(), whole, options), /expected a time in proportion/);
    assertFramer(lengthField({ strip: 4 }), [{ bytes: bytes(0, 0, 0, 1, 9), frames: [bytes(9)] }], options);
  });

  it("refuses to prove nothing", () => {
    assert.throws(() => assertFramer(lines(), []), /found no case/);
  });
});
