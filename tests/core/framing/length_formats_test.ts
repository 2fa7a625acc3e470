// Lengths in other forms than a plain binary number, and frames of real protocols.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { concatBytes } from "../../../src/core/bytes/bytes.ts";
import { FrameError, OptionsError } from "../../../src/core/errors.ts";
import { lengthField } from "../../../src/core/framing/length_field.ts";
import type { LengthFieldOptions } from "../../../src/core/framing/length_options.ts";
import { bytes as ascii, encoded, hex } from "../../support/frames.ts";
import { assertFramer, type FramerCase } from "../../../src/testing/assert_framer.ts";
import { lengthVectors } from "./length_vectors.ts";

describe("frames of real protocols", () => {
  for (const { id, options, wire, frames: sizes } of lengthVectors) {
    it(`${id} is cut into its frames at every split, and written again (F-6)`, () => {
      const bytes = hex(wire);
      let at = 0;
      const frames = sizes.map((size) => bytes.subarray(at, at += size));
      assert.equal(at, bytes.length);
      assertFramer(lengthField(options), [{ bytes, frames, exact: true }]);
    });
  }
});

describe("lengths in other forms", () => {
  const rows: readonly [
    claim: string,
    options: LengthFieldOptions,
    rows: readonly FramerCase<Uint8Array>[],
  ][] = [
    ["decimal digits", { lengthFormat: "decimal", strip: 4 }, [
      {
        bytes: "0002ab00000010abcdefghij",
        frames: [ascii("ab"), ascii(""), ascii("abcdefghij")],
        exact: true,
      },
      { bytes: "0001a12:4", frames: [ascii("a")], error: { reason: "malformed", offset: 5 } },
      { bytes: "  12", frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: "+012", frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: "00a2", frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: "0001a00", frames: [ascii("a")], error: { reason: "truncated", offset: 5, size: 2 } },
    ]],
    ["hexadecimal digits, in upper and lower case", { lengthFormat: "hex", lengthBytes: 2, strip: 2 }, [
      { bytes: "0Aabcdefghij00", frames: [ascii("abcdefghij"), ascii("")], exact: true },
      { bytes: "0aabcdefghij", frames: [ascii("abcdefghij")] },
      { bytes: "0g", frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: "0@", frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: hex("0a 00"), frames: [], error: { reason: "malformed", offset: 0 } },
    ]],
    ["two decimal digits a byte", { lengthFormat: "bcd", lengthBytes: 2, strip: 2 }, [
      {
        bytes: concatBytes([hex("0115"), new Uint8Array(115), hex("0000")]),
        frames: [new Uint8Array(115), ascii("")],
        exact: true,
      },
      { bytes: hex("00 0a"), frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: hex("00 a0"), frames: [], error: { reason: "malformed", offset: 0 } },
    ]],
    ["5 bytes", { lengthBytes: 5, strip: 5 }, [
      { bytes: hex("00 00 00 00 01 61"), frames: [ascii("a")], exact: true },
      {
        bytes: hex("01 00 00 00 00"),
        frames: [],
        error: { reason: "too_large", offset: 0, size: 2 ** 32 + 5, limit: 2 ** 20 },
      },
    ]],
    ["6 bytes, little-endian", { lengthBytes: 6, endian: "little", strip: 6 }, [
      { bytes: hex("01 00 00 00 00 00 61"), frames: [ascii("a")], exact: true },
      { bytes: hex("00 00 00 00 00 01"), frames: [], error: { reason: "too_large", size: 2 ** 40 + 6 } },
    ]],
    ["7 bytes", { lengthBytes: 7, strip: 7 }, [
      { bytes: hex("00 00 00 00 00 00 01 61"), frames: [ascii("a")], exact: true },
      { bytes: hex("01 00 00 00 00 00 00"), frames: [], error: { reason: "too_large", size: 2 ** 48 + 7 } },
    ]],
    [
      "some bits of a number, the others from the header when it is written",
      { lengthBytes: 2, lengthMask: 0x7ff, strip: 2, header: hex("a7 ff") },
      [
        { bytes: hex("a0 02 61 62 a0 00"), frames: [ascii("ab"), ascii("")], exact: true },
        { bytes: hex("f8 01 61 00 01 62"), frames: [ascii("a"), ascii("b")] },
      ],
    ],
    ["bits that are not the lowest", { lengthBytes: 1, lengthMask: 0xf0, strip: 1, header: hex("05") }, [
      { bytes: hex("25 61 62 05"), frames: [ascii("ab"), ascii("")], exact: true },
    ]],
    [
      "bits of 6 bytes, in the byte order of the number",
      {
        lengthBytes: 6,
        endian: "little",
        lengthMask: 2 ** 47 - 1,
        strip: 6,
        header: hex("00 00 00 00 00 80"),
      },
      [{ bytes: hex("02 00 00 00 00 80 61 62"), frames: [ascii("ab")], exact: true }],
    ],
    ["a number from which a function tells the size", {
      lengthBytes: 1,
      frameSize: (length) => length === 9 ? NaN : 1 + 4 * length,
    }, [
      { bytes: "\x01abcd\x00", frames: [ascii("\x01abcd"), ascii("\0")], exact: true },
      { bytes: "\0\x09", frames: [ascii("\0")], error: { reason: "malformed", offset: 1 } },
      { bytes: "\x01abc", frames: [], error: { reason: "truncated", offset: 0, size: 4 } },
    ]],
  ];
  for (const [claim, options, cases] of rows) {
    it(`are read and written: ${claim} (F-6)`, () => assertFramer(lengthField(options), cases));
    const malformed = cases.filter(({ error }) => typeof error === "object" && error.reason === "malformed");
    if (malformed.length === 0) continue;
    it(`close the connection where they are malformed, also with skip: ${claim} (F-6)`, () => {
      assertFramer(lengthField({ ...options, onFrameError: "skip" }), malformed);
    });
  }

  it("a frame over the limit is skipped where its length is in digits (F-6)", () => {
    const options = { lengthFormat: "decimal", lengthBytes: 2, strip: 2, maxFrameBytes: 5 } as const;
    assertFramer(lengthField({ ...options, onFrameError: "skip" }), [
      {
        bytes: "03abc04abcd01x",
        frames: [ascii("abc"), ascii("x")],
        skipped: [{ reason: "too_large", offset: 5, size: 6, limit: 5 }],
      },
    ]);
  });

  it("the error says what stands in the field, and what to check (F-6)", () => {
    const messages: readonly [options: LengthFieldOptions, bytes: Uint8Array, message: RegExp][] = [
      [
        { lengthFormat: "decimal" },
        ascii("12:4"),
        /at offset 0: found a length that is not in decimal digits \(0x31323a34\); check lengthFormat, /,
      ],
      [{ lengthFormat: "hex" }, ascii("12g4"), /not in hexadecimal digits \(0x31326734\)/],
      [
        { lengthBytes: 1, frameSize: () => 1.5 },
        hex("07"),
        /a length of 7 \(0x07\), for which frameSize returned 1.5/,
      ],
      [
        {
          lengthBytes: 1,
          frameSize: () => {
            throw new RangeError("none");
          },
        },
        hex("07"),
        /a length of 7 \(0x07\), for which frameSize threw RangeError: none/,
      ],
      [{ lengthBytes: 1, frameSize: () => 0 }, hex("07"), /a frame of 0 bytes but the minimum is 1/],
    ];
    for (const [options, bytes, message] of messages) {
      const decoder = lengthField(options).decoder(() => {});
      assert.throws(() => decoder.push(bytes, () => assert.fail("a frame")), {
        reason: "malformed",
        message,
      });
      assert.throws(() => decoder.push(bytes, () => assert.fail("a frame")), {
        reason: "malformed",
        message,
      });
    }
  });

  const unsendable: readonly [options: LengthFieldOptions, bytes: number, limit: number][] = [
    [{ lengthFormat: "decimal", lengthBytes: 2, strip: 2 }, 100, 101],
    [{ lengthFormat: "hex", lengthBytes: 1, strip: 1 }, 16, 16],
    [{ lengthFormat: "bcd", lengthBytes: 1, strip: 1 }, 100, 100],
    [{ lengthBytes: 1, lengthMask: 0x7f, strip: 1 }, 128, 128],
  ];
  for (const [options, bytes, limit] of unsendable) {
    it(`${bytes} bytes are refused with ${JSON.stringify(options)}, and one less is sent (F-6)`, () => {
      const framing = lengthField(options);
      assert.throws(
        () => encoded(framing, [new Uint8Array(bytes)]),
        (error) => error instanceof FrameError && error.reason === "too_large" && error.limit === limit,
      );
      assert.equal(encoded(framing, [new Uint8Array(bytes - 1)]).length, limit);
    });
  }

  const seeds = [6, Math.trunc(Math.random() * 2 ** 31)];
  for (const seed of seeds) {
    it(`frames come back as they were sent, whatever the form (property, seed ${seed}) (F-6)`, () => {
      const bytes = fc.integer({ min: 1, max: 8 }) as fc.Arbitrary<
        NonNullable<LengthFieldOptions["lengthBytes"]>
      >;
      const notation = fc.oneof(
        fc.record({ lengthBytes: bytes, lengthFormat: fc.constantFrom("decimal", "hex", "bcd") }),
        fc.record({
          lengthBytes: fc.constantFrom(1, 2, 3, 4, 5, 6),
          endian: fc.constantFrom("big", "little"),
          lengthMask: fc.constantFrom(0x3f, 0x7f, 0xfc),
        }),
      );
      const options = fc.record({
        notation,
        lengthIncludesHeader: fc.boolean(),
        before: fc.integer({ min: 0, max: 3 }),
        after: fc.integer({ min: 0, max: 3 }),
        keepEmpty: fc.boolean(),
      });
      const body = fc.uint8Array({ minLength: 1, maxLength: 40 });
      fc.assert(
        fc.property(options, fc.array(body, { maxLength: 4 }), fc.integer(), (drawn, bodies, splits) => {
          const { notation, before, after, keepEmpty, lengthIncludesHeader } = drawn;
          const headerBytes = before + notation.lengthBytes + after;
          const framing = lengthField({
            ...notation,
            lengthIncludesHeader,
            lengthOffset: before,
            headerBytes,
            strip: headerBytes,
            header: new Uint8Array(headerBytes).fill(7),
            emptyFrames: keepEmpty ? "deliver" : "drop",
          } as LengthFieldOptions);
          const largest = "lengthFormat" in notation && notation.lengthBytes === 1
            ? { decimal: 9, hex: 15, bcd: 99 }[notation.lengthFormat as "hex"]
            : 63;
          const most = Math.max(0, lengthIncludesHeader ? largest - headerBytes : largest);
          const fits = !lengthIncludesHeader || headerBytes <= largest;
          const sent = fits ? bodies.map((one) => new Uint8Array(one.subarray(0, most))) : [];
          const received = sent.filter((frame) => keepEmpty || frame.length > 0);
          const stream = encoded(framing, sent);
          assertFramer(framing, [{ bytes: stream, frames: received }], { seed: splits, randomSplits: 5 });
        }),
        { numRuns: 60, seed },
      );
    });
  }

  const wrong: readonly [options: unknown, message: RegExp][] = [
    [
      { lengthFormat: "ascii" },
      /lengthFormat: found "ascii", expected one of "binary", "decimal", "hex", "bcd"/,
    ],
    [{ lengthFormat: "hex", endian: "big" }, /endian: .*nothing with lengthFormat hex/],
    [{ lengthFormat: "bcd", lengthMask: 1 }, /lengthMask: .*nothing with lengthFormat bcd/],
    [{ lengthBytes: 8, lengthMask: 1 }, /lengthMask: .*a length of 6 bytes or less/],
    [{ lengthBytes: 1, lengthMask: 0x100 }, /lengthMask: .*contiguous bits of 1 bytes/],
    [{ lengthMask: 0b101 }, /lengthMask: .*contiguous bits/],
    [{ lengthMask: 0 }, /lengthMask: .*contiguous bits/],
    [{ frameSize: 7 }, /frameSize: found 7, expected a function/],
    [{ frameSize: Number, adjustment: 1 }, /adjustment: .*nothing with frameSize/],
    [{ frameSize: Number, lengthIncludesHeader: false }, /lengthIncludesHeader: .*nothing with frameSize/],
    [{ frameSize: Number, strip: 4 }, /frameSize: .*writeHeader: false too/],
    [{ emptyFrames: "echo" }, /emptyFrames: found "echo", expected one of "deliver", "drop"/],
  ];
  for (const [options, message] of wrong) {
    it(`options that make no sense are refused: ${String(message)} (F-6)`, () => {
      assert.throws(
        () => lengthField(options as LengthFieldOptions),
        (error) => error instanceof OptionsError && message.test(error.message),
      );
    });
  }
});

describe("a maximum for sending", () => {
  it("counts the header, whether it is written or there already, and does not bound what is received (F-6)", () => {
    for (const options of [{ strip: 4 }, {}]) {
      const framing = lengthField({ ...options, maxSentFrameBytes: 6 });
      const frame = (body: string): Uint8Array =>
        "strip" in options ? ascii(body) : concatBytes([Uint8Array.of(0, 0, 0, body.length), ascii(body)]);
      assert.deepEqual(encoded(framing, [frame("ab")]), hex("00000002 6162"));
      assert.throws(() => encoded(framing, [frame("abc")]), {
        reason: "too_large",
        size: 7,
        limit: 6,
        message: /over maxSentFrameBytes, 6; raise it/,
      });
      assertFramer(framing, [{ bytes: hex("00000003 616263"), frames: [frame("abc")], sent: false }]);
    }
  });

  it("is no smaller than a header (F-6)", () => {
    assert.throws(() => lengthField({ maxSentFrameBytes: 3 }), /maxSentFrameBytes: found 3/);
  });
});

describe("frames without a body", () => {
  it("are dropped on demand, with and without their header, and can still be sent (F-6)", () => {
    assertFramer(lengthField({ lengthBytes: 2, strip: 2, emptyFrames: "drop" }), [
      { bytes: hex("0000 0001 61 0000 0000 0001 62 0000"), frames: [ascii("a"), ascii("b")] },
      { bytes: hex("0001 61 00"), frames: [ascii("a")], error: { reason: "truncated", offset: 3, size: 1 } },
    ]);
    assertFramer(lengthField({ lengthBytes: 2, headerBytes: 4, emptyFrames: "drop" }), [
      { bytes: hex("0000 0007 0001 0000 61 0000 0000"), frames: [hex("0001 0000 61")] },
      { bytes: hex("0000 00"), frames: [], error: { reason: "truncated", offset: 0, size: 3 } },
    ]);
    const framing = lengthField({ lengthBytes: 2, strip: 2, emptyFrames: "drop" });
    assert.deepEqual(encoded(framing, [ascii(""), ascii("a")]), hex("0000 0001 61"));
  });

  it("are no reason to take a length that is too small (F-6)", () => {
    assertFramer(lengthField({ lengthBytes: 2, lengthIncludesHeader: true, emptyFrames: "drop" }), [
      {
        bytes: hex("0002 0003 61 0001"),
        frames: [hex("0003 61")],
        error: { reason: "malformed", offset: 5, size: 1 },
      },
      { bytes: hex("0002 0000"), frames: [], error: { reason: "malformed", offset: 2, size: 0 } },
    ]);
    assertFramer(lengthField({ lengthBytes: 2, lengthIncludesHeader: true }), [
      { bytes: hex("0000"), frames: [], error: { reason: "malformed", offset: 0, size: 0 } },
    ]);
  });

  it("that are dropped do not count where the reader stops, and are dropped when everything is a keepalive (F-6)", () => {
    const decoder = lengthField({ lengthBytes: 1, strip: 1, emptyFrames: "drop", maxFrameBytes: 1 })
      .decoder(() => assert.fail("an error"));
    decoder.push(new Uint8Array(10_000), () => assert.fail("a frame"));
    assert.equal(decoder.buffered, 0);
  });
});
