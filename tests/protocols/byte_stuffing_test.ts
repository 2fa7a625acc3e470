// SLIP and COBS: vectors, what must be rejected, and other implementations as oracles.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../src/core/bytes/bytes.ts";
import { FrameError, OptionsError } from "../../src/core/errors.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { cobs } from "../../src/protocols/cobs.ts";
import { slip } from "../../src/protocols/slip.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { bytes as ascii, encoded, hex } from "../support/frames.ts";

const require = createRequire(import.meta.url);
const slipPackage = require("slip") as {
  encode(bytes: Uint8Array): Uint8Array;
  Decoder: new (options: { onMessage(bytes: Uint8Array): void }) => { decode(bytes: Uint8Array): void };
};
const cobsPackage = require("cobs") as { encode(bytes: Buffer): Buffer; decode(bytes: Buffer): Buffer };

/** Bytes `from` to `to`. */
const run = (from: number, to: number): Uint8Array =>
  Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i);
const joined = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
/** Frames with many of the bytes that are special. */
const special = fc.array(fc.oneof(fc.constantFrom(0, 1, 0xc0, 0xdb, 0xdc, 0xdd, 0xff), fc.nat(255)), {
  maxLength: 600,
}).map((values) => Uint8Array.from(values));

function refused(framing: Framing<Uint8Array>, frame: Uint8Array): unknown {
  try {
    framing.encode(frame, new ByteWriter());
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("slip", () => {
  it("cuts and writes frames between ENDs at every split (F-8)", () => {
    assertFramer(slip(), [
      { bytes: hex("c001dbdc02dbdd03c0"), frames: [hex("01c002db03")], exact: true },
      { bytes: hex("c0dbdcc0 c0dbddc0 c0dcddc0"), frames: [hex("c0"), hex("db"), hex("dcdd")], exact: true },
      { name: "without leading ENDs", bytes: hex("01c002c0"), frames: [hex("01"), hex("02")] },
      { name: "ENDs in between", bytes: hex("c0c0c001c0c0c0"), frames: [hex("01")] },
      { name: "no frame", bytes: hex("c0c0"), frames: [], sent: false },
      {
        name: "noise before a frame",
        bytes: hex("ff00c001c0"),
        frames: [hex("ff00"), hex("01")],
        sent: false,
      },
    ], { refuses: [new Uint8Array(0)], frameOfSize: (size) => new Uint8Array(size).fill(0xdb) });
    assertFramer(slip({ leadingEnd: false }), [
      { bytes: hex("01dbdcc002c0"), frames: [hex("01c0"), hex("02")], exact: true },
    ]);
  });

  it("rejects 0xdb before anything but 0xdc and 0xdd, or passes over that frame (F-8)", () => {
    for (const wrong of ["db00", "01dbdb", "db", "01dbdcdb", "dbde0102"]) {
      const size = wrong.length / 2;
      assertFramer(slip(), [
        {
          bytes: hex(`01c0${wrong}c0`),
          frames: [hex("01")],
          error: { reason: "malformed", offset: 2, size },
        },
      ]);
      assertFramer(slip({ onFrameError: "skip" }), [
        {
          bytes: hex(`01c0${wrong}c002c0`),
          frames: [hex("01"), hex("02")],
          skipped: [{ reason: "malformed", offset: 2, size }],
        },
      ]);
    }
    assert.throws(() => slip().decoder(() => {}).push(hex("db00c0"), () => {}), /found 0x00 behind ESC/);
    assert.throws(() => slip().decoder(() => {}).push(hex("01dbc0"), () => {}), /found END behind ESC/);
  });

  it("has maximum sizes, which count escapes and no END (F-8)", () => {
    assertFramer(slip({ maxFrameBytes: 4 }), [
      { bytes: hex("dbdcdbddc0"), frames: [hex("c0db")] },
      {
        bytes: hex("01c0dbdcdbdd05"),
        frames: [hex("01")],
        error: { reason: "too_large", offset: 2, limit: 4 },
      },
      { bytes: hex("01c0 0203"), frames: [hex("01")], error: { reason: "truncated", offset: 2, size: 2 } },
    ]);
    assertFramer(slip({ maxFrameBytes: 4, onFrameError: "skip" }), [
      {
        bytes: hex("0102030405c0dbddc0"),
        frames: [hex("db")],
        skipped: [{ reason: "too_large", offset: 0, limit: 4 }],
      },
    ]);
    const sending = slip({ maxSentFrameBytes: 4 });
    assert.equal(refused(sending, hex("c0db")), undefined);
    const error = refused(sending, hex("c0db01"));
    assert.ok(error instanceof FrameError && error.reason === "too_large" && error.size === 5, String(error));
    assert.ok(refused(sending, "text" as never) instanceof FrameError);
    assert.throws(() => slip({ leadingEnd: 1 } as never), OptionsError);
    assert.throws(() => slip({ max: 1 } as never), OptionsError);
  });

  it("agrees with the package slip, both ways (property) (F-8)", () => {
    fc.assert(
      fc.property(special.filter(({ length }) => length > 0), (frame) => {
        const wire = encoded(slip(), [frame]);
        assert.deepEqual(wire, Uint8Array.from(slipPackage.encode(frame)));
        const found: Uint8Array[] = [];
        const decoder = new slipPackage.Decoder({ onMessage: (bytes) => found.push(Uint8Array.from(bytes)) });
        decoder.decode(wire);
        assert.deepEqual(found, [frame]);
        assertFramer(slip(), [{ bytes: wire, frames: [frame] }], { randomSplits: 1 });
      }),
      { numRuns: 30 },
    );
  });
});

describe("cobs", () => {
  const nonzero = run(1, 254);
  it("cuts and writes the examples of its description at every split (F-8)", () => {
    assertFramer(cobs(), [
      { bytes: hex("010100"), frames: [hex("00")], exact: true },
      { bytes: hex("0102110100"), frames: [hex("001100")], exact: true },
      { bytes: hex("031122023300"), frames: [hex("11220033")], exact: true },
      { bytes: hex("021101010100"), frames: [hex("11000000")], exact: true },
      { name: "empty", bytes: hex("0100"), frames: [new Uint8Array(0)], exact: true },
      { name: "254 bytes", bytes: joined(hex("ff"), nonzero, hex("00")), frames: [nonzero], exact: true },
      {
        name: "a zero and 254 bytes",
        bytes: joined(hex("01ff"), nonzero, hex("00")),
        frames: [joined(hex("00"), nonzero)],
        exact: true,
      },
      {
        name: "255 bytes",
        bytes: joined(hex("ff"), nonzero, hex("02ff00")),
        frames: [run(1, 255)],
        exact: true,
      },
      {
        name: "254 bytes and a zero",
        bytes: joined(hex("ff"), run(2, 255), hex("010100")),
        frames: [joined(run(2, 255), hex("00"))],
        exact: true,
      },
      {
        name: "253 bytes and a zero",
        bytes: joined(hex("fe"), run(3, 255), hex("0100")),
        frames: [joined(run(3, 255), hex("00"))],
        exact: true,
      },
      { name: "zeros in between", bytes: hex("0000 0211 00 00 0222 00"), frames: [hex("11"), hex("22")] },
    ], { frameOfSize: (size) => new Uint8Array(size).fill(1) });
    // The other form of a full last block: a code of 1 behind it, which stands for nothing.
    assertFramer(cobs(), [{ bytes: joined(hex("ff"), nonzero, hex("0100")), frames: [nonzero] }]);
  });

  it("rejects a block that runs past its zero, or passes over that frame (F-8)", () => {
    for (const wrong of ["02", "05112233", "021103", "ff01"]) {
      const size = wrong.length / 2;
      const bytes = hex(`0211 00 ${wrong} 00`);
      assertFramer(cobs(), [{ bytes, frames: [hex("11")], error: { reason: "malformed", offset: 3, size } }]);
      assertFramer(cobs({ onFrameError: "skip" }), [
        {
          bytes: joined(bytes, hex("022200")),
          frames: [hex("11"), hex("22")],
          skipped: [{ reason: "malformed", offset: 3, size }],
        },
      ]);
    }
    const push = (): unknown => cobs().decoder(() => {}).push(hex("0500"), () => {});
    assert.throws(push, /at offset 0: found a block of 5 bytes with 1 before the zero/);
  });

  it("has maximum sizes, of the frame on the wire without its zero (F-8)", () => {
    assertFramer(cobs({ maxFrameBytes: 4 }), [
      { bytes: hex("04111213 00"), frames: [hex("111213")] },
      { bytes: hex("0111 0511121314"), frames: [], error: { reason: "too_large", offset: 0, limit: 4 } },
      { bytes: hex("0411"), frames: [], error: { reason: "truncated", offset: 0, size: 2 } },
    ]);
    const sending = cobs({ maxSentFrameBytes: 256 });
    const error = refused(sending, run(1, 255));
    assert.ok(
      error instanceof FrameError && error.reason === "too_large" && error.size === 257,
      String(error),
    );
    assert.equal(refused(sending, run(1, 254)), undefined);
    assert.ok(refused(sending, "text" as never) instanceof FrameError);
    assert.throws(() => cobs({ leadingEnd: true } as never), OptionsError);
  });

  it("agrees with the package cobs, both ways (property) (F-8)", () => {
    const long = fc.tuple(fc.nat(600), fc.nat(255)).map(([size, seed]) =>
      Uint8Array.from({ length: size }, (_, at) => (at * 7 + seed) % 251 === 0 ? 0 : 1 + (at + seed) % 255)
    );
    fc.assert(
      fc.property(fc.oneof(special, long), (frame) => {
        const wire = encoded(cobs(), [frame]);
        assert.equal(wire.indexOf(0), wire.length - 1);
        assert.deepEqual(Uint8Array.from(cobsPackage.decode(Buffer.from(wire.subarray(0, -1)))), frame);
        const theirs = Uint8Array.from(cobsPackage.encode(Buffer.from(frame)));
        assertFramer(cobs(), [
          { bytes: wire, frames: [frame], exact: true },
          { bytes: joined(theirs, hex("00")), frames: [frame] },
        ], { randomSplits: 1 });
      }),
      { numRuns: 30 },
    );
  });
});

describe("slip and cobs", () => {
  it("write frames that are larger than the memory that is used again", () => {
    for (const framing of [slip(), cobs()]) {
      const large = new Uint8Array(100_000).map((_, at) => at);
      const frames = [large, ascii("small \xc0"), large];
      const found: Uint8Array[] = [];
      framing.decoder(() => {}).push(encoded(framing, frames), (frame) => found.push(frame.slice()));
      assert.deepEqual(found, frames, framing.name);
    }
  });
});
