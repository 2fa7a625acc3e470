/** Link acknowledgements of an endpoint: what each protocol answers, in which order, and what follows on refused frames. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import { crc16arc } from "../../src/core/checksum/checksums.ts";
import { it } from "../support/it.ts";
import { bytesOf, hexOf, mllpBlock, plant, received, textHex } from "./acknowledging.ts";
import { soon } from "./support.ts";

const hl7Message = "MSH|^~\\&|LAB|A|EHR|B|20261127||ORU^R01|17|P|2.5\rPID|1\r";
const gt06Login = "78780d01012345678901234500018cdd0d0a";
const teltonikaImei = "000f313233343536373839303132333435";
/** Codec 8 and two records of nothing. */
const teltonikaRecords = bytesOf("080202");
const teltonikaData = `0000000000000003${hexOf(teltonikaRecords)}${
  crc16arc(teltonikaRecords).toString(16).padStart(8, "0")
}`;

const presets: readonly {
  readonly name: string;
  readonly framing: unknown;
  readonly acknowledge: unknown;
  readonly wire: string;
  readonly answer: RegExp;
  readonly published: number;
  readonly acks: number;
}[] = [
  {
    name: "mllp2: 06 in a block",
    framing: "mllp",
    acknowledge: "mllp2",
    wire: "0b666f6f6261721c0d" + "0b061c0d" + "0b666f6f6261721c0d",
    answer: /^0b061c0d0b061c0d$/,
    published: 3,
    acks: 2,
  },
  {
    name: "hl7: AA with the control id, and nothing for an acknowledgement or for what has no header",
    framing: "mllp",
    acknowledge: "hl7",
    wire: mllpBlock(hl7Message) + mllpBlock("MSH|^~\\&|A|B|C|D|1||ACK|18|P|2.5\rMSA|AA|3\r") + mllpBlock("x"),
    answer: new RegExp(
      `^0b${textHex("MSH|^~\\&|EHR|B|LAB|A|")}(?:..)+${textHex("||ACK^R01|17|P|2.5\rMSA|AA|17\r")}1c0d$`,
    ),
    published: 3,
    acks: 1,
  },
  {
    name:
      "hl7: CA where MSH-15 asks for it, with the delimiters of the message, and nothing where it does not",
    framing: "mllp",
    acknowledge: "hl7",
    wire: mllpBlock("MSH#*~\\&#L#A#E#B#1##ORU*R01#NE1#P#2.5###NE#AL\r") +
      mllpBlock("MSH#*~\\&#L#A#E#B#1##ORU*R01#AL1#P#2.5###AL#NE\r") +
      mllpBlock("MSH#*~\\&#L#A#E#B#1##ORU*R01#ER1#P#2.5###ER#NE\r"),
    answer: new RegExp(`^0b${textHex("MSH#*~\\&#E#B#L#A#")}(?:..)+${textHex("\rMSA#CA#AL1\r")}1c0d$`),
    published: 3,
    acks: 1,
  },
  {
    name: "stx-etx: bare 06, and nothing for 06, 15 and a progress report",
    framing: { type: "stxEtx", also: { hex: "01 04" }, controls: { hex: "06 15" } },
    acknowledge: "stx-etx",
    wire: "02414243" + "0343" + "06" + "15" + "01414204" + "02414243" + "0343",
    answer: /^0606$/,
    published: 5,
    acks: 2,
  },
  {
    name: "stx-etx on ASTM: ENQ and each frame, not EOT",
    framing: "astm",
    acknowledge: "stx-etx",
    wire: "05" + "0231417c427c437c440d0342460d0a" + "04",
    answer: /^0606$/,
    published: 3,
    acks: 2,
  },
  {
    name: "teltonika: 01 for the IMEI, then the number of records",
    framing: "teltonika",
    acknowledge: "teltonika",
    wire: "ff" + teltonikaImei + teltonikaData,
    answer: /^0100000002$/,
    published: 2,
    acks: 2,
  },
  {
    name: "gt06: a login is answered, a position is not",
    framing: "gt06",
    acknowledge: "gt06",
    wire: gt06Login + "79790008940b02e3048614200d0a" + "787805120099abec0d0a",
    answer: /^787805010001d9dc0d0a$/,
    published: 3,
    acks: 1,
  },
  {
    name: "echo-empty: a keepalive comes back and is not published",
    framing: { type: "iso8583", length: "vml" },
    acknowledge: "echo-empty",
    wire: "00000000" + "0003000041424300000000",
    answer: /^0000000000000000$/,
    published: 1,
    acks: 2,
  },
  {
    name: "bytes of its own, outside of the framing",
    framing: "lines",
    acknowledge: { ack: "\x06", nak: "\x15" },
    wire: textHex("one\ntwo\n\x06\n"),
    answer: /^0606$/,
    published: 3,
    acks: 2,
  },
  {
    name: "bytes of its own as a frame",
    framing: "lines",
    acknowledge: { ack: "OK", framed: true },
    wire: textHex("one\nOK\ntwo\n"),
    answer: new RegExp(`^${textHex("OK\nOK\n")}$`),
    published: 3,
    acks: 2,
  },
];

/** Pieces of a wire, of so many bytes each. */
function piecesOf(wire: Uint8Array, size: number): Uint8Array[] {
  return Array.from(
    { length: Math.ceil(wire.length / size) },
    (_, at) => wire.slice(at * size, (at + 1) * size),
  );
}

describe("link acknowledgements of frames that are received", () => {
  for (const { name, framing, acknowledge, wire, answer, published, acks } of presets) {
    it(`${name} (F-83)`, async (t) => {
      const { device, messages, endpoint } = await plant(t, { framing, acknowledge });
      for (const size of [1, 7, wire.length]) {
        messages.length = 0;
        const before = endpoint.traffic().acksSent;
        const peer = await device();
        const closed = received(peer);
        for (const piece of piecesOf(bytesOf(wire), size)) {
          await peer.send(piece);
          await peer.flush();
        }
        peer.end();
        assert.match(await closed, answer);
        assert.equal(messages.length, published);
        assert.equal(endpoint.traffic().acksSent - before, acks);
      }
      assert.equal(endpoint.traffic().naksSent, 0);
    });
  }

  it("puts the NAK of refused bytes where they stood, wherever the network cuts (F-83)", async (t) => {
    const adapter = memoryAdapter();
    const framing = { type: "stxEtx", onFrameError: "skip" };
    const { device, messages } = await plant(
      t,
      { framing, acknowledge: { type: "stx-etx", maxNaks: 2 } },
      { adapter },
    );
    const [good, bad] = ["024142430343", "024142430344"];
    const wire = bytesOf(good + bad + good + good + bad + good);
    for (let at = 1; at < wire.length; at++) {
      messages.length = 0;
      const peer = await device();
      for (const piece of [wire.slice(0, at), wire.slice(at)]) {
        await peer.send(piece);
        await peer.flush();
      }
      assert.equal(await received(peer, 6), "061506061506", `cut at ${at}`);
      assert.equal(messages.length, 4);
      await peer.close();
    }
  });

  it("says NAK for what the framing does not survive, and then it ends (F-83)", async (t) => {
    const { device } = await plant(t, { framing: "stxEtx", acknowledge: "stx-etx" });
    const peer = await device();
    await peer.send(bytesOf("024142430343" + "024142430344"));
    assert.equal(await received(peer), "0615");
  });

  it("ends a connection at so many NAKs in a row, and an ACK begins anew (F-83)", async (t) => {
    const framing = { type: "stxEtx", onFrameError: "skip" };
    const { device, endpoint } = await plant(t, { framing, acknowledge: "stx-etx" });
    const peer = await device();
    const [good, bad] = ["024142430343", "024142430344"];
    await peer.send(bytesOf(bad + bad + good + bad + bad));
    assert.equal(await received(peer, 5), "1515061515");
    const [served] = endpoint.connections.values();
    await peer.send(bytesOf(bad + good));
    assert.equal(await received(peer), "15");
    const record = await soon(served!.closed, "the end");
    assert.deepEqual([record.reason, record.code], ["killed", "too_many_naks"]);
    assert.equal(endpoint.traffic().naksSent, 5);
  });

  it("says that a tracker's IMEI or data were refused (F-83)", async (t) => {
    const framing = { type: "teltonika", onFrameError: "skip" };
    const { device } = await plant(t, { framing, acknowledge: "teltonika" });
    const peer = await device();
    await peer.send(bytesOf("000f313233343536373839303132333441"));
    assert.equal(await received(peer, 1), "00");
    await peer.send(bytesOf(teltonikaImei + `${teltonikaData.slice(0, -4)}0000`));
    assert.equal(await received(peer, 5), "0100000000");
    await peer.close();
  });

  it("does not read on while a peer takes no acknowledgements (F-83)", async (t) => {
    const { device, endpoint } = await plant(t, {
      framing: "lines",
      acknowledge: { ack: "a".repeat(4096) },
      egressLimit: "64KiB",
      ingressLimit: "64KiB",
      egressTimeout: "Infinity",
    });
    const peer = await device();
    const total = 5_000;
    await peer.send(new TextEncoder().encode("x\n".repeat(total)));
    const [served] = endpoint.connections.values();
    for (let last = -1, same = 0; same < 5; same++) {
      const now = endpoint.traffic().framesPublished;
      if (now !== last) same = 0;
      last = now;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.ok(endpoint.traffic().framesPublished < total, "it was never held back");
    assert.ok(served!.stats().outboxBytes < 256 * 1024);
    let bytes = 0;
    for await (const { length } of peer) if ((bytes += length) >= total * 4096) break;
    assert.equal(endpoint.traffic().acksSent, total);
    await peer.close();
  });
});
