// Protocol Buffers behind their length: what npm's protobufjs writes and reads.
import assert from "node:assert/strict";
import { describe } from "node:test";
import protobuf from "protobufjs";
import { varintField } from "../../../src/core/framing/varint_field.ts";
import { assertFramer } from "../../../src/testing/assert_framer.ts";
import { encoded } from "../../support/frames.ts";
import { it } from "../../support/it.ts";

describe("varintField", () => {
  it("cuts and writes the delimited messages of npm's protobufjs (F-8)", () => {
    const type = new protobuf.Type("Reading").add(new protobuf.Field("text", 1, "string"));
    const texts = ["", "a", "b".repeat(124), "b".repeat(125), "c".repeat(20_000)];
    const delimited = texts.map((text) => new Uint8Array(type.encodeDelimited({ text }).finish()));
    const frames = texts.map((text) => new Uint8Array(type.encode({ text }).finish()));
    const bytes = Uint8Array.from(delimited.flatMap((one) => [...one]));
    assertFramer(varintField(), [{ bytes, frames, exact: true }], { randomSplits: 10 });
    for (const [index, frame] of frames.entries()) {
      const { text } = type.decodeDelimited(encoded(varintField(), [frame])).toJSON() as { text?: string };
      assert.equal(text ?? "", texts[index]);
    }
  });
});
