import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FrameError } from "../../../src/core/errors.ts";
import { delimited } from "../../../src/core/framing/delimited.ts";
import { fixedLength } from "../../../src/core/framing/fixed_length.ts";
import type { Framing } from "../../../src/core/framing/framing.ts";
import { lengthField } from "../../../src/core/framing/length_field.ts";
import { lines } from "../../../src/core/framing/lines.ts";

const maxFrameBytes = 16;
const skip = { maxFrameBytes, onFrameError: "skip" } as const;

const framings: readonly [claim: string, framing: Framing<Uint8Array | string, never>][] = [
  ["lines", lines({ maxFrameBytes })],
  ["lines, skipping", lines(skip)],
  ["lines of text", lines({ encoding: "utf-8", maxFrameBytes })],
  ["lines of strict text, skipping", lines({ encoding: "utf-8", fatal: true, ...skip })],
  ["a delimiter of two bytes, skipping", delimited({ delimiter: "\n\n", ...skip })],
  ["a delimiter before each frame, skipping", delimited({ delimiter: "\n\n", position: "prefix", ...skip })],
  ["a delimiter before each frame", delimited({ position: "prefix", maxFrameBytes })],
  ["fixed length", fixedLength({ frameBytes: maxFrameBytes })],
  ["a length field", lengthField({ lengthBytes: 1, maxFrameBytes })],
  [
    "a length field, skipping",
    lengthField({ lengthBytes: 2, lengthIncludesHeader: true, strip: 2, ...skip }),
  ],
];

/** Bytes of which many are 0, 1 or 10, so that lengths and delimiters come up. */
const byte = fc.oneof(fc.constantFrom(0, 1, 2, 10, 13), fc.nat(255));
const chunks = fc.array(fc.array(byte, { maxLength: 40 }).map((values) => new Uint8Array(values)), {
  maxLength: 12,
});

const nothing = () => assert.fail("a frame after the fault");

describe("random bytes", () => {
  for (const [claim, framing] of framings) {
    it(`S-38: ${claim}: nothing but FrameErrors, no frame over the limit, no more memory than limit and chunk`, () => {
      fc.assert(
        fc.property(chunks, (pieces) => {
          const decoder = framing.decoder((error) => assert.ok(error instanceof FrameError));
          const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
          const next = (frame: Uint8Array | string) => assert.ok(frame.length <= maxFrameBytes);
          try {
            for (const piece of pieces) {
              decoder.push(piece, next);
              // Two delimiters of two bytes can stand around what the limit counts.
              assert.ok(decoder.buffered <= maxFrameBytes + 4 && decoder.buffered >= 0);
            }
            decoder.flush?.(next);
          } catch (error) {
            if (!(error instanceof FrameError)) throw error;
            assert.ok(error.offset >= 0 && error.offset <= total);
            assert.match(error.message, /^cut a frame \(/);
            for (const more of [new Uint8Array(0), new Uint8Array([10])]) {
              assert.throws(() => decoder.push(more, nothing), (again) => again === error);
              assert.throws(() => decoder.flush?.(nothing), (again) => again === error);
            }
          }
        }),
        { numRuns: 300 },
      );
    });
  }
});
