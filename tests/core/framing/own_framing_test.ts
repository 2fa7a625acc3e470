// A user's own framing: one object, under 20 lines, and all that works with it (F-11).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameError } from "../../../src/core/errors.ts";
import { FramerStream } from "../../../src/core/streams/framer_stream.ts";
import type { Framing } from "../../../src/core/framing/framing.ts";
import { lines } from "../../../src/core/framing/lines.ts";
import { compose } from "../../../src/core/streams/stage.ts";
import { assertFramer } from "../../../src/testing/assert_framer.ts";

/** Numbers as digits and spaces. */
const numbers: Framing<number> = {
  name: "numbers",
  decoder() {
    let held = "";
    return {
      get buffered() {
        return held.length;
      },
      push(chunk, next) {
        for (const byte of chunk) {
          if (byte !== 32) {
            held += String.fromCharCode(byte);
            continue;
          }
          if (!/^\d{1,15}$/.test(held)) throw new FrameError("malformed", `cut ${held}`, { offset: 0 });
          next(Number(held));
          held = "";
        }
      },
      flush: () => {
        if (held !== "") throw new FrameError("truncated", "a number: no space after it", { offset: 0 });
      },
    };
  },
  encode: (frame, out) => out.text(`${frame} `),
};

describe("a user's own framing (F-11)", () => {
  it("is proved by assertFramer", () => {
    assertFramer(numbers, [
      { bytes: "12 3 456 ", frames: [12, 3, 456], exact: true },
      { bytes: "1 2", frames: [1], error: "truncated" },
    ]);
  });

  it("fuses with other stages by plain calls", () => {
    const decoder = numbers.decoder(() => {});
    const sums: number[] = [];
    let sum = 0;
    const fused = compose(decoder, {
      push(value: number, next: (sum: number) => void) {
        next(sum += value);
      },
    });
    fused.push(new TextEncoder().encode("1 2 "), (value) => sums.push(value));
    fused.push(new TextEncoder().encode("3 "), (value) => sums.push(value));
    assert.deepEqual(sums, [1, 3, 6]);
  });

  it("S-44: what the next stage or a listener answers is not taken for enough", async () => {
    const got: unknown[] = [];
    const refuse = (value: unknown): boolean => got.push(value) < 0;
    const framing = lines({ encoding: "utf-8", maxFrameBytes: 1, onFrameError: "skip" });
    compose(framing.decoder(() => {}), { push: refuse }).push(
      new TextEncoder().encode("a\nb\nc\n"),
      () => {},
    );
    assert.deepEqual(got, ["a", "b", "c"]);
    const source = new Blob(["bad\nbad\nd\n"]).stream() as ReadableStream<Uint8Array>;
    const listening = new FramerStream(framing, {
      onFrameError: (error) => refuse(error.reason),
    });
    const reader = source.pipeThrough(listening).getReader();
    assert.deepEqual(await reader.read(), { value: "d", done: false });
    assert.deepEqual(got.slice(3), ["too_large", "too_large"]);
  });

  it("is a Web Stream by FramerStream", async () => {
    const source = new Blob(["7 8 ", "9 "]).stream() as ReadableStream<Uint8Array>;
    const found: number[] = [];
    const reader = source.pipeThrough(new FramerStream(numbers)).getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) found.push(read.value);
    assert.deepEqual(found, [7, 8, 9]);
  });
});
