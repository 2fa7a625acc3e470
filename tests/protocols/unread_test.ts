// Behind a frame at which a preset was stopped, every byte is one that it holds or that waits: another framing can take over there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { concatBytes } from "../../src/core/bytes/bytes.ts";
import { ExactDecoder } from "../../src/core/framing/exact_decoder.ts";
import { stoppableDecoder } from "../../src/core/framing/piecewise_decoder.ts";
import { presets } from "../../src/protocols/presets.ts";
import { hex } from "../support/frames.ts";
import { vectorsOf } from "./device_vectors.ts";
import { wires } from "./whole_frames.ts";

/** Of other settings than the defaults; or its first frame is a keepalive, which is dropped. */
const others = ["iso-bcd2", "iso-vml", "iso-cs-keepalive", "iso-nac-tpdu", "teltonika-ping+imei"];

for (const [name, preset] of presets) {
  test(`${name}: what is behind its first frame is known to the byte, wherever the chunk began (F-81)`, () => {
    const framing = preset.make({} as never);
    const all = [...vectorsOf(name), ...wires.filter((wire) => wire.framing.name === name)];
    const own = all.filter(({ id }) => !others.includes(id));
    let checked = 0;
    for (const { id, wire, frames } of own) {
      const bytes = concatBytes([hex(wire), hex(wire)]);
      // Far into the frame, and at its beginning.
      for (const at of [0, 1, Math.floor(frames[0]! / 2), frames[0]! - 1]) {
        const decoder = stoppableDecoder(framing, () => {}, ExactDecoder);
        let count = 0;
        const next = (): boolean => ++count === 0;
        try {
          if (at > 0) decoder.push(bytes.subarray(0, at), next);
          if (count > 0) continue;
          if (decoder.push(bytes.subarray(at), next) !== false) continue;
        } catch {
          continue;
        }
        checked++;
        assert.equal(decoder.buffered + decoder.waiting!, bytes.length - frames[0]!, `${id}, split at ${at}`);
      }
    }
    assert.ok(own.length === 0 || checked > 0, "no vector had a frame");
  });
}
