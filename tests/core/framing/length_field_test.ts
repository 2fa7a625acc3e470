import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ByteWriter, concatBytes } from "../../../src/core/bytes/bytes.ts";
import { FrameError, OptionsError } from "../../../src/core/errors.ts";
import type { Framing } from "../../../src/core/framing/framing.ts";
import { lengthField } from "../../../src/core/framing/length_field.ts";
import type { LengthFieldOptions } from "../../../src/core/framing/length_options.ts";
import { assertFramer, type FramerCase } from "../../../src/testing/assert_framer.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
const ascii = (text: string) => new TextEncoder().encode(text);
const hex = (digits: string) => bytes(...digits.split(" ").map((digit) => Number.parseInt(digit, 16)));

type Row = FramerCase<Uint8Array>;

function encoded(framing: Framing<unknown, Uint8Array>, frame: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  framing.encode(frame, writer);
  return writer.take();
}

/** What pushing these bytes at once ends with, and the frames before it. */
function failure(
  framing: Framing<Uint8Array>,
  chunk: Uint8Array,
): { error: FrameError; frames: Uint8Array[] } {
  const frames: Uint8Array[] = [];
  try {
    framing.decoder(() => {}).push(chunk, (frame) => frames.push(frame));
  } catch (error) {
    assert.ok(error instanceof FrameError);
    return { error, frames };
  }
  return assert.fail("no error");
}

describe("frames with a length field (F-4)", () => {
  const rows: readonly [claim: string, options: LengthFieldOptions, rows: readonly Row[]][] = [
    ["have 4 bytes of length, most significant first, and keep their header", {}, [
      { bytes: "", frames: [] },
      {
        bytes: hex("00 00 00 02 61 62 00 00 00 00 00 00 00 01 63"),
        frames: [hex("00 00 00 02 61 62"), hex("00 00 00 00"), hex("00 00 00 01 63")],
        exact: true,
      },
    ]],
    ["lose their header where strip says so", { strip: 4 }, [
      { bytes: hex("00 00 00 02 61 62 00 00 00 00"), frames: [ascii("ab"), bytes()], exact: true },
    ]],
    ["have 1 byte of length", { lengthBytes: 1, strip: 1 }, [
      { bytes: hex("02 61 62 00"), frames: [ascii("ab"), bytes()], exact: true },
    ]],
    ["have 2 bytes, least significant first", { lengthBytes: 2, endian: "little", strip: 2 }, [
      { bytes: concatBytes([hex("02 01"), new Uint8Array(258)]), frames: [new Uint8Array(258)], exact: true },
    ]],
    ["have 3 bytes, either way", { lengthBytes: 3, strip: 3 }, [
      { bytes: hex("00 00 01 61"), frames: [ascii("a")], exact: true },
    ]],
    ["have 3 bytes, least significant first", { lengthBytes: 3, endian: "little", strip: 3 }, [
      { bytes: hex("01 00 00 61"), frames: [ascii("a")], exact: true },
    ]],
    ["have 8 bytes", { lengthBytes: 8, strip: 8 }, [
      { bytes: hex("00 00 00 00 00 00 00 01 61"), frames: [ascii("a")], exact: true },
    ]],
    ["have 8 bytes, least significant first", { lengthBytes: 8, endian: "little", strip: 8 }, [
      { bytes: hex("01 00 00 00 00 00 00 00 61"), frames: [ascii("a")], exact: true },
    ]],
    ["count their header", { lengthIncludesHeader: true, lengthBytes: 2 }, [
      { bytes: hex("00 04 61 62 00 02"), frames: [hex("00 04 61 62"), hex("00 02")], exact: true },
    ]],
    [
      "have their length behind other fields, and more header after it",
      { lengthOffset: 2, lengthBytes: 2, headerBytes: 6, lengthIncludesHeader: true, writeHeader: false },
      [{ bytes: hex("ca fe 00 08 00 01 61 62"), frames: [hex("ca fe 00 08 00 01 61 62")], exact: true }],
    ],
    [
      "have a length that leaves something out, which adjustment adds (a check byte at the end)",
      { lengthBytes: 1, adjustment: 1 },
      [{ bytes: hex("02 61 62 99 00 98"), frames: [hex("02 61 62 99"), hex("00 98")], exact: true }],
    ],
    ["have a length that counts too much, which adjustment takes off", {
      lengthBytes: 1,
      adjustment: -3,
      strip: 1,
    }, [
      { bytes: hex("05 61 62 03"), frames: [ascii("ab"), bytes()], exact: true },
    ]],
    ["lose more than their header where strip says so", { lengthBytes: 1, strip: 2, writeHeader: false }, [
      { bytes: hex("03 61 62 63 01 64"), frames: [ascii("bc"), bytes()], sent: false },
    ]],
    ["get their whole header from a template", {
      lengthOffset: 1,
      lengthBytes: 1,
      headerBytes: 3,
      strip: 3,
      header: hex("ca 00 fe"),
    }, [
      { bytes: hex("ca 02 fe 61 62"), frames: [ascii("ab")], exact: true },
    ]],
    ["have a limit with the header in it", { lengthBytes: 1, maxFrameBytes: 4 }, [
      { bytes: hex("03 61 62 63"), frames: [hex("03 61 62 63")] },
      {
        bytes: hex("00 04 61"),
        frames: [hex("00")],
        error: { reason: "too_large", offset: 1, size: 5, limit: 4 },
      },
    ]],
  ];
  for (const [claim, options, cases] of rows) {
    it(`S-5: ${claim}`, () => assertFramer(lengthField(options), cases));
  }

  it("S-3: cost time in proportion to their size, however small the pieces", () => {
    const options = { frameOfSize: (size: number) => new Uint8Array(size) };
    assertFramer(
      lengthField({ strip: 4 }),
      [{ bytes: hex("00 00 00 01 61"), frames: [ascii("a")] }],
      options,
    );
  });

  it("S-4: 1000 frames in one chunk are views of that chunk", () => {
    const chunk = concatBytes(Array.from({ length: 1000 }, (_, i) => bytes(2, i % 256, i >> 8)));
    const found: Uint8Array[] = [];
    lengthField({ lengthBytes: 1, strip: 1 }).decoder(() => {}).push(chunk, (frame) => found.push(frame));
    assert.equal(found.length, 1000);
    found.forEach((frame, i) => {
      assert.deepEqual(frame, bytes(i % 256, i >> 8));
      assert.equal(frame.buffer, chunk.buffer);
    });
  });

  it("S-4: a large frame that was read into one buffer piece by piece is a view of it; else it is joined", () => {
    const stream = new Uint8Array(3 * 40_004).map((_, at) => at % 251);
    for (const at of [0, 40_004, 80_008]) stream.set(hex("00 00 9c 40"), at);
    const splits = [10_000, 25_000, 40_010, 60_000, 100_000, 118_000, stream.length];
    for (const together of [true, false]) {
      const frames: Uint8Array[] = [];
      const decoder = lengthField().decoder(() => {});
      splits.forEach((end, at) => {
        const piece = stream.subarray(splits[at - 1] ?? 0, end);
        decoder.push(together ? piece : piece.slice(), (frame) => frames.push(frame));
      });
      assert.deepEqual(concatBytes(frames), stream);
      // The second one's header came in a piece that is too small to be kept as it is.
      assert.deepEqual(frames.map((frame) => frame.buffer === stream.buffer), [together, false, together]);
    }
  });

  it("come back as they were sent, whatever options and splits (property)", () => {
    const options = fc.record({
      lengthBytes: fc.constantFrom<(1 | 2 | 3 | 4 | 5 | 6 | 7 | 8)[]>(1, 2, 3, 4, 5, 6, 7, 8),
      endian: fc.constantFrom<("big" | "little")[]>("big", "little"),
      lengthIncludesHeader: fc.boolean(),
      adjustment: fc.integer({ min: -3, max: 0 }),
      before: fc.integer({ min: 0, max: 3 }),
      after: fc.integer({ min: 0, max: 3 }),
    });
    const body = fc.uint8Array({ maxLength: 30 });
    fc.assert(
      fc.property(options, fc.array(body, { maxLength: 4 }), fc.integer(), (drawn, bodies, seed) => {
        const { before, after, ...rest } = drawn;
        const headerBytes = before + rest.lengthBytes + after;
        const header = new Uint8Array(headerBytes).fill(7);
        const framing = lengthField({
          ...rest,
          lengthOffset: before,
          headerBytes,
          strip: headerBytes,
          header,
        });
        const sent = bodies.map((one) => new Uint8Array(one));
        const stream = concatBytes(sent.map((one) => encoded(framing, one)));
        assertFramer(framing, [{ bytes: stream, frames: sent, exact: true }], { seed, randomSplits: 5 });
      }),
      { numRuns: 60 },
    );
  });
});

describe("lengths that make no sense (F-7)", () => {
  const malformed: readonly [options: LengthFieldOptions, stream: string, size: number | undefined][] = [
    [{ lengthIncludesHeader: true }, "00 00 00 00", 0], // a loop, for who trusts it
    [{ lengthIncludesHeader: true }, "00 00 00 03", 3], // shorter than itself
    [{ lengthBytes: 1, headerBytes: 4, lengthIncludesHeader: true }, "03 00 00 00", 3], // shorter than its header
    [{ lengthBytes: 1, adjustment: -3 }, "02", 0], // the adjustment takes more than there is
    [{ lengthBytes: 1, adjustment: -9 }, "02", -6],
    [{ lengthBytes: 1, strip: 3, writeHeader: false }, "01 61", 2], // less than is to be cut off
    [{ lengthBytes: 8 }, "80 00 00 00 00 00 00 00", undefined], // 2^63
    [{ lengthBytes: 8, endian: "little" }, "ff ff ff ff ff ff ff ff", undefined],
  ];
  for (const [options, stream, size] of malformed) {
    it(`S-8: ${stream} with ${JSON.stringify(options)} is malformed at once, under both policies`, () => {
      for (const onFrameError of ["close", "skip"] as const) {
        assertFramer(lengthField({ ...options, onFrameError }), [
          { bytes: hex(stream), frames: [], error: { reason: "malformed", offset: 0, size } },
        ]);
      }
    });
  }

  it("S-8: a length of 0 that must include its header stops a stream in which it comes second", () => {
    assertFramer(lengthField({ lengthBytes: 2, lengthIncludesHeader: true }), [
      {
        bytes: hex("00 03 61 00 00 00 00"),
        frames: [hex("00 03 61")],
        error: { reason: "malformed", offset: 3 },
      },
    ]);
  });

  it("S-6: a length of 4 GiB is too_large from the header alone, and the frames before it are passed on", () => {
    const { error, frames } = failure(lengthField(), hex("00 00 00 01 61 ff ff ff ff"));
    assert.deepEqual(frames, [hex("00 00 00 01 61")]);
    assert.deepEqual([error.reason, error.offset, error.size, error.limit], [
      "too_large",
      5,
      0xffff_ffff + 4,
      1024 * 1024,
    ]);
    assert.match(error.message, /a length of 4294967295 \(0xffffffff\).*over maxFrameBytes, 1048576/);
  });

  it("S-6: a claim within the limit holds what has come, and no memory for what is claimed", () => {
    const decoders = Array.from(
      { length: 200 },
      () => lengthField({ maxFrameBytes: Infinity }).decoder(() => {}),
    );
    for (const decoder of decoders) {
      decoder.push(hex("ff ff ff ff 61"), () => assert.fail("a frame"));
      assert.equal(decoder.buffered, 5);
    }
    const eight = lengthField({ lengthBytes: 8, maxFrameBytes: Infinity }).decoder(() => {});
    eight.push(hex("00 ff ff ff ff ff ff ff 61"), () => assert.fail("a frame"));
    assert.equal(eight.buffered, 9);
  });

  it("S-7: with skip, a frame over the limit is reported once, and the next is passed on", () => {
    assertFramer(lengthField({ lengthBytes: 1, strip: 1, maxFrameBytes: 3, onFrameError: "skip" }), [
      {
        bytes: hex("01 61 05 00 00 00 00 00 03 01 01 01 02 62 63"),
        frames: [ascii("a"), ascii("bc")],
        skipped: [{ reason: "too_large", offset: 2, size: 6, limit: 3 }, { reason: "too_large", offset: 8 }],
      },
      { name: "the end of input in it", bytes: hex("05 00"), frames: [], skipped: ["too_large"] },
    ]);
  });

  it("S-9: input that ends inside a frame is truncated, in the header and in the body", () => {
    assertFramer(lengthField({ lengthBytes: 2 }), [
      { bytes: hex("00 00 00"), frames: [hex("00 00")], error: { reason: "truncated", offset: 2, size: 1 } },
      { bytes: hex("00 02 61"), frames: [], error: { reason: "truncated", offset: 0, size: 3 } },
    ]);
    const decoder = lengthField().decoder(() => {});
    decoder.push(hex("00 00 00 09 61"), () => {});
    assert.throws(() => decoder.flush!(() => {}), /the input ended after 5 of 13 bytes of a frame/);
  });
});

describe("sending frames with a length field (F-5)", () => {
  it("writes the header where it is stripped, and checks it where it is not", () => {
    assert.deepEqual(encoded(lengthField({ strip: 4 }), ascii("ab")), hex("00 00 00 02 61 62"));
    assert.deepEqual(encoded(lengthField({ writeHeader: true }), ascii("ab")), hex("00 00 00 02 61 62"));
    assert.deepEqual(encoded(lengthField(), hex("00 00 00 02 61 62")), hex("00 00 00 02 61 62"));
  });

  const refused: readonly [options: LengthFieldOptions, frame: Uint8Array, reason: string, why: string][] = [
    [{ lengthBytes: 1, strip: 1 }, new Uint8Array(256), "too_large", "its length does not fit in one byte"],
    [
      { lengthBytes: 1, strip: 1, lengthIncludesHeader: true },
      new Uint8Array(255),
      "too_large",
      "its length with the header does not fit",
    ],
    [{ lengthBytes: 1, adjustment: 3, strip: 1 }, bytes(1, 2), "malformed", "its length would be negative"],
    [{}, hex("00 00 00 03 61 62"), "malformed", "its length field says something else"],
    [{}, hex("00 00"), "malformed", "it is shorter than its header"],
    [
      { lengthBytes: 1, headerBytes: 3 },
      hex("02 61"),
      "malformed",
      "it is shorter than its header, not than the field",
    ],
  ];
  for (const [options, frame, reason, why] of refused) {
    it(`refuses a frame of ${frame.length} bytes instead of cutting it: ${why}`, () => {
      const writer = new ByteWriter();
      assert.throws(
        () => lengthField(options).encode(frame, writer),
        (error) => error instanceof FrameError && error.reason === reason,
      );
      assert.equal(writer.length, 0);
    });
  }

  it("does not notice a change to the header array it was given", () => {
    const header = hex("ca 00");
    const framing = lengthField({ lengthOffset: 1, lengthBytes: 1, strip: 2, header });
    header[0] = 0;
    assert.deepEqual(encoded(framing, bytes()), hex("ca 00"));
  });
});

describe("options of lengthField", () => {
  const wrong: readonly [options: unknown, message: RegExp][] = [
    [{ lengthBytes: 9 }, /lengthBytes: found 9, expected a whole number, 1 to 8/],
    [{ lengthBytes: 1.5 }, /lengthBytes: found 1.5/],
    [{ lengthOffset: -1 }, /lengthOffset/],
    [{ headerBytes: 3 }, /headerBytes: found 3/], // shorter than the field
    [{ maxFrameBytes: 3 }, /maxFrameBytes: found 3/], // shorter than the header
    [{ endian: "middle" }, /endian/],
    [{ strip: 2 }, /strip: found 2/], // cuts the length field in two
    [{ strip: 5 }, /strip: found 5/], // cuts off body, which could not be written again
    [{ lengthOffset: 2, strip: 6 }, /header: found undefined, expected the 6 bytes/],
    [{ strip: 4, header: bytes(1) }, /header: .*a Uint8Array of 4 bytes/],
    [{ header: new Uint8Array(4) }, /header: .*it is never written/],
    [{ lenghtBytes: 4 }, /did you mean lengthBytes/],
  ];
  for (const [options, message] of wrong) {
    it(`refuse ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => lengthField(options as LengthFieldOptions),
        (error) => error instanceof OptionsError && message.test(error.message),
      );
    });
  }
});
