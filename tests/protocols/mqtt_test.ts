// MQTT: what no packet looks like, the table of lengths of the specification, and packets of npm's mqtt-packet.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import mqttPacket, { type Packet } from "mqtt-packet";
import { mqtt } from "../../src/protocols/mqtt.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { encoded, hex } from "../support/frames.ts";

const ping = hex("c000");

describe("mqtt", () => {
  it("rejects lengths of five bytes and longer than needed, unknown types and flags (F-8)", () => {
    const malformed = { reason: "malformed", offset: 2 } as const;
    const cases = [
      "3080808080",
      "30ffffffff01",
      "308000",
      "30ff808000",
      "0000",
      "0500",
      "1100", // CONNECT with a flag
      "3602", // PUBLISH with QoS 3
      "6000", // PUBREL without its flag
      "8002",
      "a002",
      "e100",
    ];
    assertFramer(
      mqtt(),
      cases.map((bytes) => ({ name: bytes, bytes: hex(`c000${bytes}`), frames: [ping], error: malformed })),
    );
  });

  it("reads the lengths of the specification's table, and no larger ones than allowed (F-8)", () => {
    const table: [string, number][] = [
      ["00", 0],
      ["40", 64],
      ["7f", 127],
      ["8001", 128],
      ["c102", 321],
      ["ff7f", 16_383],
      ["808001", 16_384],
      ["80808001", 2_097_152],
      ["ffffff7f", 268_435_455],
    ];
    const limit = 65;
    for (const [field, length] of table) {
      const size = 1 + field.length / 2 + length;
      const bytes = hex(`30${field}${"00".repeat(length < limit ? length : 0)}`);
      assertFramer(mqtt({ maxFrameBytes: limit }), [
        size > limit
          ? { bytes, frames: [], error: { reason: "too_large", size, limit, offset: 0 } }
          : { bytes, frames: [bytes], exact: true },
      ]);
    }
  });

  it("skips a packet that is too large, and says where the input ended (F-8)", () => {
    assertFramer(mqtt({ maxFrameBytes: 6, onFrameError: "skip" }), [
      {
        bytes: hex("3005000001610a c000 300400000000"),
        frames: [ping, hex("300400000000")],
        skipped: [{ reason: "too_large", offset: 0, size: 7, limit: 6 }],
      },
    ]);
    assertFramer(mqtt(), [
      { bytes: hex("c00030"), frames: [ping], error: { reason: "truncated", offset: 2 } },
    ]);
  });

  it("sends whole packets only, none over maxSentFrameBytes (F-8)", () => {
    assertFramer(mqtt(), [{ bytes: ping, frames: [ping], exact: true }], {
      refuses: [
        hex(""),
        hex("c0"),
        hex("c00000"),
        hex("3001"),
        hex("3080808080"),
        "PINGREQ" as unknown as Uint8Array,
      ],
    });
    const limited = mqtt({ maxSentFrameBytes: 3 });
    assert.equal(encoded(limited, [hex("300100")]).length, 3);
    assert.throws(() => encoded(limited, [hex("30020000")]), { reason: "too_large", size: 4, limit: 3 });
  });

  it("cuts what npm's mqtt-packet writes, and writes what it reads (F-8)", () => {
    const packets: Packet[] = [
      { cmd: "connect", protocolId: "MQTT", protocolVersion: 5, clean: true, clientId: "a", keepalive: 0 },
      {
        cmd: "publish",
        topic: "a/b",
        payload: "x".repeat(300),
        qos: 1,
        messageId: 7,
        dup: false,
        retain: true,
      },
      { cmd: "pubrel", messageId: 7 },
      { cmd: "subscribe", messageId: 8, subscriptions: [{ topic: "a", qos: 0 }] },
      { cmd: "unsubscribe", messageId: 9, unsubscriptions: ["a"] },
      { cmd: "pingreq" },
      { cmd: "auth", reasonCode: 0 },
      { cmd: "disconnect" },
    ];
    const options = { protocolVersion: 5 };
    const frames = packets.map((packet) => new Uint8Array(mqttPacket.generate(packet, options)));
    const bytes = new Uint8Array(Buffer.concat(frames));
    assertFramer(mqtt(), [{ bytes, frames, exact: true }]);
    const read: string[] = [];
    const parser = mqttPacket.parser(options).on("packet", ({ cmd }: Packet) => read.push(cmd));
    parser.parse(Buffer.from(encoded(mqtt(), frames)));
    assert.deepEqual(read, packets.map(({ cmd }) => cmd));
  });
});
