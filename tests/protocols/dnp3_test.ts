// DNP3: captured frames, damaged headers and damaged blocks.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc16dnp } from "../../src/core/checksum/checksums.ts";
import { dnp3 } from "../../src/protocols/dnp3.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { encoded, hex } from "../support/frames.ts";
import { vector } from "./device_vectors.ts";
import { caseOf, problemsIn } from "./vector_cases.ts";

const reset = "056405c001000004e921";
const frame = reset.slice(0, 16);
const { wire: read } = vector("dnp3-read");
const withData = `${read.slice(0, 16)}${read.slice(20, -4)}`;

/** Without the checksums behind the header and the blocks. */
function withoutSums(wire: string): string {
  const blocks = wire.slice(20).match(/.{1,36}/g) ?? [];
  return wire.slice(0, 16) + blocks.map((block) => block.slice(0, -4)).join("");
}

describe("dnp3", () => {
  it("cuts captured frames at every split, joins their blocks, and writes them again (F-8)", () => {
    const [one, two] = vector("dnp3-select x2").wire.match(/.{70}/g) as [string, string];
    assertFramer(dnp3(), [
      caseOf("dnp3-reset", [frame]),
      caseOf("dnp3-read", [withData]),
      caseOf("dnp3-select x2", [withoutSums(one), withoutSums(two)]),
    ]);
    for (const size of [1, 15, 16, 17, 32, 33, 250]) {
      const long = Uint8Array.of(0x05, 0x64, 5 + size, 0xc4, 1, 0, 2, 0, ...new Uint8Array(size).fill(7));
      const wire = encoded(dnp3(), [long]);
      assert.equal(wire.length, 10 + size + 2 * Math.ceil(size / 16));
      assertFramer(dnp3(), [{ bytes: wire, frames: [long], exact: true }], { randomSplits: 5 });
    }
  });

  it("rejects a damaged block, and goes on behind its frame (F-8)", () => {
    const long = encoded(dnp3(), [hex("056417c401000200" + "07".repeat(18))]);
    for (const at of [10, 25, 26, 29]) {
      const damaged = Uint8Array.from(long);
      damaged[at]! ^= 1;
      const error = { reason: "checksum", offset: 10, size: 32 } as const;
      const bytes = Uint8Array.of(...hex(reset), ...damaged, ...hex(reset));
      assertFramer(dnp3(), [{ bytes, frames: [hex(frame)], error }]);
      assertFramer(dnp3({ onFrameError: "skip" }), [
        { bytes, frames: [hex(frame), hex(frame)], skipped: [error] },
      ]);
    }
    const damaged = hex(read.slice(0, -1) + "d");
    assert.match(
      problemsIn(dnp3(), damaged)[0]!,
      /found a block with a wrong checksum, 10 bytes into a frame/,
    );
  });

  it("goes on with the next 05 64 after a damaged header and other bytes (F-8)", () => {
    const short = hex("056404c001000004");
    const sum = crc16dnp(short);
    const tooShort = `056404c001000004${
      [sum & 255, sum >> 8].map((byte) => byte.toString(16).padStart(2, "0")).join("")
    }`;
    const cases: Array<[string, "malformed" | "checksum"]> = [
      ["056405c001000004e922", "checksum"],
      ["0564ffc001000004e921", "checksum"],
      ["0565", "malformed"],
      ["4745540505", "malformed"],
      [tooShort, "malformed"],
    ];
    for (const [bad, reason] of cases) {
      const error = { reason, offset: 10 } as const;
      assertFramer(dnp3(), [{ name: bad, bytes: hex(`${reset}${bad}`), frames: [hex(frame)], error }]);
      assertFramer(dnp3({ onFrameError: "skip" }), [
        {
          name: bad,
          bytes: hex(`${reset}${bad}${read}`),
          frames: [frame, withData].map(hex),
          skipped: [error],
        },
      ]);
    }
    assertFramer(dnp3(), [{
      bytes: hex(reset + "05640a"),
      frames: [hex(frame)],
      error: { reason: "truncated", offset: 10 },
    }]);
  });

  it("refuses to send what is no frame (F-8)", () => {
    assertFramer(dnp3(), [{ bytes: "", frames: [] }], {
      refuses: [frame.slice(0, -2), frame + "00", frame.replace("0564", "0565"), "", "056400c001000004"].map(
        hex,
      ),
    });
    assert.throws(() => encoded(dnp3(), ["text" as never]), { _tag: "FrameError" });
  });
});
