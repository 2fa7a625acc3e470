// Trackers of Teltonika: IMEI, data, pings, answers; the data are the examples of its own documentation.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { teltonika, teltonikaAnswer } from "../../src/protocols/teltonika.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { bytes as ascii, encoded, hex } from "../support/frames.ts";
import { vector } from "./device_vectors.ts";
import { caseOf, problemsIn } from "./vector_cases.ts";

const imei = "000f333536333037303432343431303133";
/** Codec 8, first example. */
const data =
  "08010000016B40D8EA30010000000000000000000000000000000105021503010101425E0F01F10000601A014E0000000000000000010000C7CF"
    .slice(0, -8);
const record = `00000000${(data.length / 2).toString(16).padStart(8, "0")}${data}0000C7CF`;
/** Codec 12, "getinfo". */
const command = "0C010500000007676574696E666F01";
const commandWire = `000000000000000F${command}00004312`;

describe("teltonika", () => {
  it("cuts and writes the IMEI, data and commands of its documentation at every split (F-8)", () => {
    const ping = vector("teltonika-ping+imei").wire;
    assertFramer(teltonika({ pings: "deliver" }), [caseOf("teltonika-ping+imei", ["ff", ping.slice(6)])]);
    assertFramer(teltonika(), [
      {
        bytes: hex(`${ping}ff${record}ffff${commandWire}ff`),
        frames: [hex(ping.slice(6)), hex(data), hex(command)],
      },
      {
        bytes: hex(imei + record + commandWire),
        frames: [ascii("356307042441013"), hex(data), hex(command)],
        exact: true,
      },
    ]);
  });

  it("rejects a wrong checksum, and goes on behind the data (F-8)", () => {
    const damaged = record.slice(0, -1) + "E";
    const error = { reason: "checksum", offset: 17 } as const;
    const frames = [ascii("356307042441013")];
    assertFramer(teltonika(), [{ bytes: hex(imei + damaged), frames, error }]);
    assertFramer(teltonika({ onFrameError: "skip" }), [
      { bytes: hex(imei + damaged + record), frames: [...frames, hex(data)], skipped: [error] },
    ]);
    assert.match(problemsIn(teltonika(), hex(damaged))[0]!, /found the checksum C7CE, expected C7CF$/);
  });

  it("goes on with four zeros or an IMEI after what is neither (F-8)", () => {
    const error = { reason: "malformed", offset: 17 } as const;
    const first = ascii("356307042441013");
    const bad = [
      "01",
      "474554",
      "0010",
      "000f33353a",
      "0000000100000010",
      "0000000000000002",
      "0100",
      "0000000f",
    ];
    for (const shown of bad) {
      assertFramer(teltonika({ onFrameError: "skip" }), [
        {
          name: shown,
          bytes: hex(`${imei}${shown}aa${record}`),
          frames: [first, hex(data)],
          skipped: [error],
        },
        { name: shown, bytes: hex(`${imei}${shown}aa${imei}`), frames: [first, first], skipped: [error] },
      ]);
      assertFramer(teltonika(), [{ bytes: hex(`${imei}${shown}aa${imei}`), frames: [first], error }]);
    }
    assertFramer(teltonika({ onFrameError: "skip", maxFrameBytes: 100 }), [
      {
        bytes: hex(`${imei}0000000000000400${record}`),
        frames: [first, hex(data)],
        skipped: [{ reason: "too_large", offset: 17, size: 1036, limit: 100 }],
      },
    ]);
    assertFramer(teltonika(), [{
      bytes: hex(record.slice(0, -2)),
      frames: [],
      error: { reason: "truncated", offset: 0 },
    }]);
  });

  it("makes answers, writes them as they are, and refuses what is no frame (F-8)", () => {
    const answers = [
      ascii("356307042441013"),
      hex(data),
      hex(data.replace("08", "8E")),
      hex(data.replace("08", "10")),
    ]
      .map((frame) => teltonikaAnswer(frame)!);
    assert.deepEqual(answers, [hex("01"), hex("00000001"), hex("00000001"), hex("00000001")]);
    assert.deepEqual(encoded(teltonika(), [...answers, hex("00")]), hex("01 00000001 00000001 00000001 00"));
    for (const frame of [hex(command), hex("ff"), ascii("35630704244101x"), hex("")]) {
      assert.equal(teltonikaAnswer(frame), undefined);
    }
    assertFramer(teltonika(), [{ bytes: "", frames: [] }], {
      refuses: [hex(""), hex("0102"), ascii("35630704244101"), ascii("35630704244101x"), "a" as never],
    });
    // The smallest data that are cut are the smallest that are written.
    const least = "080000";
    const wire = encoded(teltonika(), [hex(least)]);
    assertFramer(teltonika(), [{ bytes: wire, frames: [hex(least)], exact: true }]);
    const shorter = wire.slice();
    shorter[7] = 2;
    assertFramer(teltonika(), [{ bytes: shorter, frames: [], error: { reason: "malformed", offset: 0 } }]);
    assertFramer(teltonika({ maxSentFrameBytes: 26 }), [{ bytes: "", frames: [] }], {
      refuses: [hex(command)],
    });
  });
});
