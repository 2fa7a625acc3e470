// Lengths of variable size: varint and BER.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { concatBytes } from "../../../src/core/bytes/bytes.ts";
import { FrameError, OptionsError } from "../../../src/core/errors.ts";
import { berField } from "../../../src/core/framing/ber_field.ts";
import { defineFraming } from "../../../src/core/framing/define_framing.ts";
import type { VariableLengthOptions } from "../../../src/core/framing/variable_length.ts";
import { varintField } from "../../../src/core/framing/varint_field.ts";
import { bytes as ascii, encoded, hex } from "../../support/frames.ts";
import { assertFramer } from "../../../src/testing/assert_framer.ts";
import { berVectors, varintVectors } from "./length_vectors.ts";

const makers = { varintField, berField };
const vectors = { varintField: varintVectors, berField: berVectors };

for (const name of ["varintField", "berField"] as const) {
  describe(`frames of real protocols with ${name}`, () => {
    for (const { id, options, wire, frames: sizes } of vectors[name]) {
      it(`${id} is cut into its frames at every split, and written again (F-6)`, () => {
        const bytes = hex(wire);
        let at = 0;
        const frames = sizes.map((size) => bytes.subarray(at, at += size));
        assert.equal(at, bytes.length);
        assertFramer(makers[name](options), [{ bytes, frames, exact: true }]);
      });
    }
  });

  describe(`frames with ${name}`, () => {
    for (const seed of [6, Math.trunc(Math.random() * 2 ** 31)]) {
      it(`come back as they were sent (property, seed ${seed}) (F-6)`, () => {
        const body = fc.uint8Array({ maxLength: 300 });
        fc.assert(
          fc.property(
            fc.array(body, { maxLength: 4 }),
            fc.boolean(),
            fc.integer(),
            (bodies, shortestForm, splits) => {
              const framing = makers[name]({ shortestForm });
              const frames = bodies.map((one) => new Uint8Array(one));
              const bytes = encoded(framing, frames);
              assertFramer(framing, [{ bytes, frames, exact: true }], { seed: splits, randomSplits: 5 });
            },
          ),
          { numRuns: 40, seed },
        );
      });

      it(`of any bytes end in frames or a FrameError, alike at every split (property, seed ${seed}) (F-6)`, () => {
        fc.assert(
          fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (drawn, skip) => {
            const bytes = new Uint8Array(drawn);
            const framing = makers[name]({ maxFrameBytes: 20, onFrameError: skip ? "skip" : "close" });
            const read = (pieces: readonly Uint8Array[]): unknown[] => {
              const found: unknown[] = [];
              const next = (frame: Uint8Array): void => void found.push([...frame]);
              try {
                const decoder = framing.decoder((error) => found.push([error.reason, error.offset]));
                for (const piece of pieces) decoder.push(piece, next);
                decoder.flush?.(next);
              } catch (error) {
                assert.ok(error instanceof FrameError);
                found.push([error.reason, error.offset]);
              }
              return found;
            };
            assert.deepEqual(read(Array.from(bytes, (byte) => Uint8Array.of(byte))), read([bytes]));
          }),
          { numRuns: 200, seed },
        );
      });
    }

    it("are refused where their length does not fit, and sent where it does (F-6)", () => {
      const largest = name === "varintField" ? 128 ** 2 - 1 : 255;
      const framing = makers[name]({ maxLengthBytes: 2 });
      assert.equal(encoded(framing, [new Uint8Array(largest)]).length, largest + 2);
      assert.throws(
        () => encoded(framing, [new Uint8Array(largest + 1)]),
        (error) => error instanceof FrameError && error.reason === "too_large" && error.limit === largest,
      );
    });

    it("over a maximum for sending are refused, and as large as that are sent (F-6)", () => {
      const framing = makers[name]({ maxSentFrameBytes: 202 });
      assert.equal(encoded(framing, [new Uint8Array(200)]).length, 202);
      const over = {
        reason: "too_large",
        size: 203,
        limit: 202,
        message: /over maxSentFrameBytes, 202; raise it/,
      };
      assert.throws(() => encoded(framing, [new Uint8Array(201)]), over);
      const kept = makers[name]({ lengthOffset: 1, maxSentFrameBytes: 4 });
      assert.equal(encoded(kept, [hex("30 02 61 62")]).length, 4);
      assert.throws(() => encoded(kept, [hex("30 03 61 62 63")]), { reason: "too_large", size: 5, limit: 4 });
      const large = concatBytes([hex("30 03"), ascii("abc")]);
      assertFramer(kept, [{ bytes: large, frames: [large], sent: false }]);
    });

    it("over the limit are skipped on demand, known from their length (F-6)", () => {
      assertFramer(makers[name]({ maxFrameBytes: 4, onFrameError: "skip" }), [
        {
          bytes: hex("03 616263 04 61626364 01 78"),
          frames: [ascii("abc"), ascii("x")],
          skipped: [{ reason: "too_large", offset: 4, size: 5, limit: 4 }],
        },
      ]);
    });

    it("without a body are dropped on demand, and can still be sent (F-6)", () => {
      const framing = makers[name]({ emptyFrames: "drop" });
      assertFramer(framing, [{ bytes: hex("00 01 61 00 00 01 62 00"), frames: [ascii("a"), ascii("b")] }]);
      assert.deepEqual(encoded(framing, [ascii(""), ascii("a")]), hex("00 01 61"));
      assertFramer(makers[name]({ emptyFrames: "drop", lengthOffset: 1 }), [
        { bytes: hex("c0 00 30 01 61"), frames: [hex("30 01 61")] },
        { bytes: hex("c0"), frames: [], error: { reason: "truncated", offset: 0, size: 1 } },
      ]);
    });

    it("with a header of their own are refused if its length is another (F-6)", () => {
      const framing = makers[name]({ lengthOffset: 1 });
      for (const frame of [hex("30 02 61"), hex("30"), hex(""), hex("30 80 80 80 80 80")]) {
        assert.throws(() => encoded(framing, [frame]), { reason: "malformed" });
      }
    });

    const wrong: readonly [options: unknown, message: RegExp][] = [
      [{ maxLengthBytes: 6 }, /maxLengthBytes: found 6, expected a whole number, 1 to 5/],
      [{ lengthOffset: 1, keepHeader: false }, /keepHeader: found false, expected true with lengthOffset/],
      [{ shortestForm: 1 }, /shortestForm: found 1, expected true or false/],
      [{ emptyFrames: "echo" }, /emptyFrames/],
      [{ strip: 1 }, /strip: .*no such option/],
    ];
    for (const [options, message] of wrong) {
      it(`have options that are checked: ${String(message)} (F-6)`, () => {
        assert.throws(
          () => makers[name](options as VariableLengthOptions),
          (error) => error instanceof OptionsError && message.test(error.message),
        );
      });
    }
  });
}

describe("lengths as varints", () => {
  it("have seven bits a byte, the lowest first (F-6)", () => {
    const sizes: readonly [length: number, wire: string][] = [
      [0, "00"],
      [64, "40"],
      [127, "7f"],
      [128, "8001"],
      [321, "c102"],
      [16_383, "ff7f"],
      [16_384, "808001"],
    ];
    for (const [length, wire] of sizes) {
      const body = new Uint8Array(length);
      const bytes = concatBytes([hex(wire), body]);
      const framing = varintField();
      assert.deepEqual(encoded(framing, [body]), bytes);
      const frames: number[] = [];
      framing.decoder(() => {}).push(bytes, (frame) => frames.push(frame.length));
      assert.deepEqual(frames, [length]);
    }
  });

  it("are malformed with more bytes than there may be, also with skip (F-6)", () => {
    for (const onFrameError of ["close", "skip"] as const) {
      assertFramer(varintField({ onFrameError }), [
        {
          bytes: hex("01 61 ff ff ff ff ff 01"),
          frames: [ascii("a")],
          error: { reason: "malformed", offset: 2 },
        },
        { bytes: hex("ff ff ff ff"), frames: [], error: { reason: "truncated", offset: 0, size: 4 } },
      ]);
      assertFramer(varintField({ maxLengthBytes: 4, lengthOffset: 1, onFrameError }), [
        { bytes: hex("10 ff ff ff ff 01"), frames: [], error: { reason: "malformed", offset: 0 } },
      ]);
    }
    assertFramer(varintField(), [
      { bytes: hex("ff ff ff ff 7f"), frames: [], error: { reason: "too_large", size: 2 ** 35 + 4 } },
    ]);
  });

  it("may be longer than they need to be, unless shortestForm is set (F-6)", () => {
    const bytes = hex("81 80 00 61");
    assertFramer(varintField(), [{ bytes, frames: [ascii("a")] }]);
    assertFramer(varintField({ shortestForm: true }), [
      { bytes, frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: hex("00 01 61"), frames: [ascii(""), ascii("a")], exact: true },
    ]);
    assert.throws(
      () => varintField({ shortestForm: true }).decoder(() => {}).push(bytes, () => {}),
      /varintField\) at offset 0: found a length of 1 in 3 bytes \(0x818000\)/,
    );
  });
});

describe("lengths as in BER", () => {
  it("are short up to 127, and else say how many bytes they have (F-6)", () => {
    const sizes: readonly [length: number, wire: string][] = [
      [0, "00"],
      [127, "7f"],
      [128, "8180"],
      [255, "81ff"],
      [256, "820100"],
      [65_536, "83010000"],
    ];
    for (const [length, wire] of sizes) {
      const body = new Uint8Array(length);
      const bytes = concatBytes([hex(wire), body]);
      const framing = berField({ shortestForm: true });
      assert.deepEqual(encoded(framing, [body]), bytes);
      const frames: number[] = [];
      framing.decoder(() => {}).push(bytes, (frame) => frames.push(frame.length));
      assert.deepEqual(frames, [length]);
    }
  });

  it("are malformed in the indefinite form, and with more bytes than there may be (F-6)", () => {
    for (const onFrameError of ["close", "skip"] as const) {
      assertFramer(berField({ onFrameError }), [
        { bytes: hex("01 61 80 00 00"), frames: [ascii("a")], error: { reason: "malformed", offset: 2 } },
        { bytes: hex("85 00 00 00 00 01"), frames: [], error: { reason: "malformed", offset: 0 } },
        { bytes: hex("ff"), frames: [], error: { reason: "malformed", offset: 0 } },
        { bytes: hex("84 00 00"), frames: [], error: { reason: "truncated", offset: 0, size: 3 } },
      ]);
    }
    assertFramer(berField(), [
      { bytes: hex("84 ff ff ff ff"), frames: [], error: { reason: "too_large", size: 2 ** 32 + 4 } },
    ]);
  });

  it("may be longer than they need to be, unless shortestForm is set (F-6)", () => {
    for (const wire of ["81 01 61", "82 00 01 61", "84 00 00 00 01 61"]) {
      assertFramer(berField(), [{ bytes: hex(wire), frames: [ascii("a")] }]);
      assertFramer(berField({ shortestForm: true }), [
        { bytes: hex(wire), frames: [], error: { reason: "malformed", offset: 0 } },
      ]);
    }
  });
});

it("a framing of a user's own drops what its find says (F-6)", () => {
  // A lone FF may stand between the frames.
  const pinged = defineFraming({
    name: "pinged",
    find(bytes) {
      return bytes[0] === 0xff ? { size: 1, drop: true } : { size: 2, drop: false };
    },
    encode: (frame: Uint8Array, out) => out.bytes(frame),
  });
  assertFramer(pinged, [{ bytes: hex("ff 01 61 ff ff 02 62 ff"), frames: [hex("01 61"), hex("02 62")] }]);
  const last = defineFraming({
    name: "last",
    find: (bytes, _searched, atEnd) => atEnd ? { size: bytes.length, drop: true } : undefined,
    encode: (frame: Uint8Array, out) => out.bytes(frame),
  });
  assertFramer(last, [{ bytes: "abc", frames: [], sent: false }]);
});
