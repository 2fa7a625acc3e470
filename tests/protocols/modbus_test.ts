// Modbus/TCP: captured messages, and what must be rejected.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { modbus } from "../../src/protocols/modbus.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { hex } from "../support/frames.ts";
import { vectorsOf } from "./device_vectors.ts";
import { caseOf, problemsIn } from "./vector_cases.ts";

describe("modbus", () => {
  it("cuts and writes captured messages at every split, with their headers (F-8)", () => {
    assertFramer(
      modbus(),
      vectorsOf("modbus").map(({ id, wire, frames: [size] }) =>
        caseOf(id, [wire.slice(0, 2 * size!), wire.slice(2 * size!)].filter((frame) => frame !== ""))
      ),
    );
    const largest = hex(`0001000000fe01${"41".repeat(253)}`);
    assert.equal(largest.length, 260);
    assertFramer(modbus(), [{ bytes: largest, frames: [largest], exact: true }]);
  });

  it("rejects another protocol, and lengths that are none (F-8)", () => {
    const first = "0c0500000006ff03007c0002";
    const error = { reason: "malformed", offset: 12 } as const;
    const frames = [hex(first)];
    assertFramer(modbus(), [
      { bytes: hex(`${first} 0c05 0001 0006 ff03`), frames, error },
      { bytes: hex(`${first} 0c05 0000 0000`), frames, error },
      { bytes: hex(`${first} 0c05 0000 0001 ff`), frames, error },
      { bytes: hex(`${first} 0c05 0000 00ff ff03`), frames, error },
      { bytes: hex(`${first} 0c05 0000 00`), frames, error: { reason: "truncated", offset: 12, size: 5 } },
      {
        bytes: hex(`${first} 0c05 0000 0006 ff03`),
        frames,
        error: { reason: "truncated", offset: 12, size: 8 },
      },
    ]);
    assert.match(
      problemsIn(modbus(), hex("0c0500010006ff03"))[0]!,
      /found protocol 1 in a header, which is 0/,
    );
    assert.match(
      problemsIn(modbus(), hex("0c05000000ffff03"))[0]!,
      /a length of 255, which is 2 to 254 in Modbus/,
    );
  });

  it("refuses to send what it would not accept (F-8)", () => {
    assertFramer(modbus(), [{ bytes: new Uint8Array(), frames: [] }], {
      refuses: [
        hex("0c0500000006ff03007c00"),
        hex("0c0500000006ff03007c000200"),
        hex("0c0500010006ff03007c0002"),
        hex("0c0500"),
        hex("0c0500000000"),
        "text" as never,
      ],
    });
  });
});
