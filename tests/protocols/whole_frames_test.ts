// Bytes of real protocols: every split gives the same frames, and the other side's encoder gives the bytes again.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { encoded, hex } from "../support/frames.ts";
import { wires } from "./whole_frames.ts";

describe("frames of protocols in the field", () => {
  for (const { id, framing, sender = framing, wire, frames: sizes, headers = [] } of wires) {
    it(`cuts and writes ${id} whole, byte by byte and at every split (F-8)`, () => {
      const bytes = hex(wire);
      assert.equal(sizes.reduce((sum, size) => sum + size, 0), bytes.length);
      let at = 0;
      const frames = sizes.map((size, index) => bytes.subarray(at + (headers[index] ?? 0), at += size));
      assertFramer(framing, [{ bytes, frames, sent: false }]);
      assert.deepEqual(encoded(sender, frames), bytes);
    });
  }
});
