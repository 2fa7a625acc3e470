// NMEA 0183: sentences of the field, checksums, tag blocks, lines that are none.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nmea } from "../../src/protocols/nmea.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { bytes as ascii, encoded, hex, text } from "../support/frames.ts";
import { vector, vectorsOf } from "./device_vectors.ts";
import { caseOf, problemsIn } from "./vector_cases.ts";

const rmc = "$GPRMC,,V,,,,,,,,,,N*53";
const tagged = `\\g:1-2-73874,n:157036,s:r003669945,c:1241544035*4A\\${rmc}`;
const line = (sentence: string): string => `${sentence}\r\n`;

describe("nmea", () => {
  it("cuts and writes sentences at every split, those of AIS and those with tag blocks among them (F-8)", () => {
    assertFramer(nmea(), [
      ...vectorsOf("nmea").map(({ id, wire }) => caseOf(id, [wire.slice(0, -4)])),
      { bytes: line(rmc) + line(tagged), frames: [rmc, tagged].map(ascii), exact: true },
      { bytes: `${rmc}\n\r\n\n${rmc}\n`, frames: [rmc, rmc].map(ascii) },
      { bytes: line("$PX,z*5e"), frames: [ascii("$PX,z*5e")] },
    ]);
  });

  it("rejects a wrong checksum, that of a real example among them, and goes on behind its line (F-8)", () => {
    const { wire } = vector("nmea-wrong-sum");
    assertFramer(nmea(), [{
      bytes: hex(wire),
      frames: [],
      error: { reason: "checksum", offset: 0, size: 48 },
    }]);
    assert.match(problemsIn(nmea(), hex(wire))[0]!, /found the checksum "4E", expected "0E"$/);
    const checksum = { reason: "checksum", offset: 25 } as const;
    const skips = nmea({ onFrameError: "skip" });
    for (const bad of [text(hex(wire)), line(rmc.replace("53", "5G")), line(tagged.replace("*4A", "*4B"))]) {
      assertFramer(skips, [
        { bytes: line(rmc) + bad + line(rmc), frames: [rmc, rmc].map(ascii), skipped: [checksum] },
      ]);
    }
  });

  it("rejects lines that are no sentences, and goes on behind them (F-8)", () => {
    const malformed = { reason: "malformed", offset: 25 } as const;
    for (
      const bad of [
        "GPRMC",
        '{"class":"TPV"}',
        "\\g:1*00",
        "\\g:1-2-73874,n:157036,s:r003669945,c:1241544035*4A\\",
        "\\g:1\\" + rmc,
        "$GPRMC,,V",
        "$GP\r*17",
      ]
    ) {
      assertFramer(nmea(), [{ bytes: line(rmc) + line(bad), frames: [ascii(rmc)], error: malformed }]);
      assertFramer(nmea({ onFrameError: "skip" }), [
        { bytes: line(rmc) + line(bad) + line(rmc), frames: [rmc, rmc].map(ascii), skipped: [malformed] },
      ]);
    }
    assertFramer(nmea(), [{ bytes: rmc, frames: [], error: { reason: "truncated", offset: 0, size: 23 } }]);
  });

  it("bounds lines, and looks for the next sentence behind one that is too long (F-8)", () => {
    const limits = { maxFrameBytes: 25, maxSentFrameBytes: 25 } as const;
    const long = `$GPTXT,${"x".repeat(40)}`;
    assertFramer(nmea({ ...limits, onFrameError: "skip" }), [
      {
        bytes: line(rmc) + line(long) + line(rmc),
        frames: [rmc, rmc].map(ascii),
        skipped: [{ reason: "too_large", offset: 25, size: 25, limit: 25 }],
      },
    ], { refuses: [ascii(`${rmc.slice(0, -3)},`)] });
    // 82 bytes are sent, and a tag block before them.
    const most = `$GPTXT,${"x".repeat(82 - 7 - 5)}`;
    const [sent] = [text(encoded(nmea(), [ascii(most)]))];
    assert.deepEqual([sent.length, sent.slice(0, -5)], [82, most]);
    const tag = tagged.slice(0, -rmc.length);
    assert.equal(encoded(nmea(), [ascii(tag + most)]).length, tag.length + 82);
    assertFramer(nmea(), [{ bytes: "", frames: [] }], { refuses: [ascii(`${most}x`)] });
  });

  it("takes sentences without a checksum where it is told to, and adds it to what is sent (F-8)", () => {
    assertFramer(nmea({ requireChecksum: false }), [
      { bytes: line("$GPRMC,,V"), frames: [ascii("$GPRMC,,V")], sent: false },
      { bytes: line(`${rmc}*`), frames: [ascii(`${rmc}*`)], sent: false },
      { bytes: line("$GPRMC*00"), frames: [], error: { reason: "checksum", offset: 0 } },
    ]);
    const without = [rmc.slice(0, -3), tagged.slice(0, -3)].map(ascii);
    assert.equal(text(encoded(nmea(), without)), line(rmc) + line(tagged));
  });

  it("refuses to send what it would not accept (F-8)", () => {
    assertFramer(nmea(), [{ bytes: "", frames: [] }], {
      refuses: ["", "GPRMC", rmc.replace("53", "54"), "$GP\nRMC", "$GP\rRMC", "\\g:1", "\\g:1*00\\$GP"].map(
        ascii,
      ),
    });
  });
});
