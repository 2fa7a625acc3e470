// OPC UA and TPKT: headers that are none, limits, and what may be sent.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { connect } from "../../src/client/connect.ts";
import { concatBytes } from "../../src/core/bytes/bytes.ts";
import { type FrameError, OptionsError } from "../../src/core/errors.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { opcua } from "../../src/protocols/opcua.ts";
import { tpkt } from "../../src/protocols/tpkt.ts";
import { serve } from "../../src/server/serve.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { bytes, encoded, Gate, hex, text } from "../support/frames.ts";
import { it } from "../support/it.ts";

/** A chunk of OPC UA with so many bytes behind its header. */
function chunk(type: string, size: number, body = Math.max(size - 8, 0)): Uint8Array {
  const made = new Uint8Array(8 + body);
  made.set(bytes(type));
  new DataView(made.buffer).setUint32(4, size, true);
  return made;
}

describe("opcua", () => {
  const first = chunk("HELF", 12);

  it("knows the types of messages, of which MSG has three kinds of chunk (F-8)", () => {
    const types = ["HELF", "ACKF", "ERRF", "RHEF", "OPNF", "CLOF", "MSGF", "MSGC", "MSGA"];
    const frames = types.map((type, index) => chunk(type, 8 + index));
    const wire = new Uint8Array(frames.flatMap((frame) => [...frame]));
    assertFramer(opcua(), [{ bytes: wire, frames, exact: true }]);
    const faults = ["HELC", "OPNA", "MSGX", "XYZF", "helF", "GET "];
    assertFramer(
      opcua(),
      faults.map((type) => ({
        name: type,
        bytes: Uint8Array.of(...first, ...chunk(type, 8)),
        frames: [first],
        error: { reason: "malformed", offset: 12 },
      })),
      { refuses: faults.map((type) => chunk(type, 8)) },
    );
  });

  it("rejects sizes of 0 and 7, and those over the maximum, from the header alone (F-8)", () => {
    for (const size of [0, 7]) {
      assertFramer(opcua({ onFrameError: "skip" }), [{
        bytes: Uint8Array.of(...first, ...chunk("MSGF", size)),
        frames: [first],
        error: { reason: "malformed", offset: 12, size },
      }], { refuses: [chunk("MSGF", size)] });
    }
    const error = { reason: "too_large", offset: 12, size: 13, limit: 12 } as const;
    assertFramer(opcua({ maxFrameBytes: 12 }), [
      { bytes: Uint8Array.of(...first, ...chunk("MSGF", 13, 0)), frames: [first], error },
      {
        bytes: chunk("MSGF", 0xffff_ffff, 0),
        frames: [],
        error: { reason: "too_large", offset: 0, size: 0xffff_ffff },
      },
    ]);
    assertFramer(opcua({ maxFrameBytes: 12, onFrameError: "skip" }), [
      {
        bytes: Uint8Array.of(...first, ...chunk("MSGF", 13), ...first),
        frames: [first, first],
        skipped: [error],
      },
    ]);
  });

  it("has another maximum once both sides have agreed on it, for what came with HEL too (F-8, F-81)", async (t) => {
    const hello = chunk("HELF", 32);
    new DataView(hello.buffer).setUint32(12, 16, true); // the size of chunks that are sent
    const types: string[] = [];
    const failed = new Gate<FrameError>();
    const server = await serve({
      port: 0,
      framing: opcua(),
      reframable: true,
      logger: () => {},
      onFrameError: (error) => failed.open(error),
      onFrame(frame, connection) {
        types.push(text(frame.subarray(0, 3)));
        if (frame[0] !== 0x48) return;
        connection.reframe(opcua({ maxFrameBytes: new DataView(frame.slice().buffer).getUint32(12, true) }));
      },
    });
    t.after(() => server.destroy());
    const client = await connect({ port: server.address.port!, framing: raw() });
    t.after(() => client.destroy());
    await client.send(concatBytes([hello, chunk("OPNF", 16), chunk("MSGF", 17)]));
    const { reason, limit } = await failed.promise;
    assert.deepEqual({ reason, limit, types }, { reason: "too_large", limit: 16, types: ["HEL", "OPN"] });
  });

  it("sends whole chunks, none over maxSentFrameBytes (F-8)", () => {
    assertFramer(opcua(), [{ bytes: first, frames: [first], exact: true }], {
      refuses: [hex(""), first.subarray(0, 7), first.subarray(0, 11), chunk("MSGF", 8, 1)],
    });
    assert.throws(() => encoded(opcua({ maxSentFrameBytes: 11 }), [first]), {
      reason: "too_large",
      size: 12,
    });
    assert.throws(() => opcua({ endian: "big" } as never), OptionsError);
  });
});

describe("tpkt", () => {
  const first = hex("03000007021080");

  it("rejects versions but 3 and sizes under 7, such as RDP's short packets (F-8)", () => {
    const error = { reason: "malformed", offset: 7 } as const;
    assertFramer(
      tpkt(),
      ["00130300", "02000007", "03000006", "03000000"].map((head) => ({
        name: head,
        bytes: Uint8Array.of(...first, ...hex(head), 0, 0, 0),
        frames: [first],
        error,
      })),
      { refuses: [hex("0200000702f080"), hex("030000060000"), hex("0300000802f080"), hex("030000")] },
    );
    assertFramer(tpkt({ maxFrameBytes: 8 }), [
      {
        bytes: Uint8Array.of(...first, ...hex("03000009")),
        frames: [first],
        error: { reason: "too_large", offset: 7, size: 9, limit: 8 },
      },
    ]);
  });
});
