// PostgreSQL: the start-up of every kind and its end, both sides, and messages of npm's pg-protocol.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { parse, serialize } from "pg-protocol";
import { postgres, type PostgresOptions } from "../../src/protocols/postgres.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { encoded, hex } from "../support/frames.ts";

const client = postgres({ side: "client" });
const server = postgres();
const sslRequest = hex("00000008 04d2162f");
const gssencRequest = hex("00000008 04d21630");
const cancel = hex("00000010 04d2162e 00000001 00000002");
const startup = hex("00000011 00030000 7573657200 6d6500 00");
const query = hex("51 00000006 3b00");
const ready = hex("5a 00000005 49");

function joined(...frames: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(frames));
}

describe("postgres", () => {
  it("goes from packets without a type to messages with one, in one chunk or in many (F-8)", () => {
    const frames = [sslRequest, gssencRequest, startup, query, query];
    const bytes = joined(...frames);
    assertFramer(server, [
      { bytes, frames, sent: false },
      { bytes: joined(startup, query), frames: [startup, query], sent: false },
      { bytes: joined(sslRequest, cancel), frames: [sslRequest, cancel], sent: false },
    ]);
    assert.deepEqual(encoded(client, frames), bytes);
  });

  it("takes a server's bare S, N and G for answers before its first message only (F-8)", () => {
    const [no, yes, gss] = [hex("4e"), hex("53"), hex("47")];
    const status = hex("53 00000008 61006200"); // ParameterStatus, with the letter of a yes
    const notice = hex("4e 00000005 00");
    const frames = [no, yes, gss, ready, status, notice];
    assertFramer(client, [{ bytes: joined(...frames), frames, sent: false }]);
    assert.deepEqual(encoded(server, frames), joined(...frames));
  });

  it("rejects lengths and codes that no start-up packet has, and other versions (F-8)", () => {
    const malformed = { reason: "malformed", offset: 8 } as const;
    const cases = [
      "00000000",
      "00000007",
      "00002711", // 10,001
      "00000008 00020000", // version 2
      "00000009 04d2162f",
      "0000000c 04d2162e",
      "0000010d 04d2162e",
      "00000008 04d21631",
      "47455420", // "GET "
      "160301",
    ];
    assertFramer(
      server,
      cases.map((bytes) => ({
        name: bytes,
        bytes: joined(sslRequest, hex(bytes)),
        frames: [sslRequest],
        error: malformed,
      })),
    );
  });

  it("rejects what is no type or no length of a message, on both sides (F-8)", () => {
    const after = { reason: "malformed", offset: startup.length } as const;
    for (const bytes of ["00000008", "31 00000004", "51 00000003", "51 00000000"]) {
      assertFramer(server, [{
        name: bytes,
        bytes: joined(startup, hex(bytes)),
        frames: [startup],
        error: after,
      }]);
    }
    for (const bytes of ["00000008", "34 00000004", "5a 00000003"]) {
      assertFramer(client, [{
        name: bytes,
        bytes: joined(ready, hex(bytes)),
        frames: [ready],
        error: { reason: "malformed", offset: ready.length },
      }]);
    }
    assertFramer(client, [{ bytes: hex("31 00000004"), frames: [hex("31 00000004")], sent: false }]);
  });

  it("rejects or skips a message over the maximum, from its length (F-8)", () => {
    const limited: PostgresOptions = { maxFrameBytes: 32 };
    const large = joined(hex("64 00000020"), new Uint8Array(28));
    const error = { reason: "too_large", offset: startup.length, size: 33, limit: 32 } as const;
    assertFramer(postgres(limited), [
      { bytes: joined(startup, large.subarray(0, 5)), frames: [startup], error },
    ]);
    assertFramer(postgres({ ...limited, onFrameError: "skip" }), [
      { bytes: joined(startup, large, query), frames: [startup, query], skipped: [error] },
    ]);
    assertFramer(server, [
      { bytes: startup.subarray(0, 9), frames: [], error: { reason: "truncated", offset: 0, size: 9 } },
    ]);
  });

  it("sends what its side may send, none over maxSentFrameBytes (F-8)", () => {
    const refuses = (framing: typeof server, frames: Uint8Array[]): void => {
      for (const frame of frames) assert.throws(() => encoded(framing, [frame]), { reason: "malformed" });
    };
    refuses(server, [
      sslRequest,
      startup,
      hex(""),
      hex("51"),
      hex("5a 00000006 49"),
      hex("5a 00000005 4900"),
    ]);
    refuses(client, [hex("4e"), hex("31 00000004"), startup.subarray(1), joined(startup, query)]);
    assert.throws(() => encoded(postgres({ maxSentFrameBytes: 5 }), [ready]), {
      reason: "too_large",
      size: 6,
    });
  });

  it("cuts what npm's pg-protocol writes, which reads what it cuts (F-8)", () => {
    const sent = [
      serialize.requestSsl(),
      serialize.startup({ user: "me", database: "test" }),
      serialize.query("select 1"),
      serialize.parse({ name: "a", text: "select $1", types: [] }),
      serialize.bind({ statement: "a", values: ["1"] }),
      serialize.execute({}),
      serialize.sync(),
      serialize.copyData(Buffer.alloc(300)),
      serialize.end(),
    ].map((message) => new Uint8Array(message));
    assertFramer(server, [{ bytes: joined(...sent), frames: sent, sent: false }]);
    const received: string[] = [];
    let push: (chunk: Buffer) => void = () => {};
    const stream = {
      on(event: string, listener: (chunk: Buffer) => void): void {
        if (event === "data") push = listener;
      },
    };
    void parse(stream as never, ({ name }) => received.push(name));
    const answers = [hex("52 00000008 00000000"), hex("32 00000004"), ready];
    client.decoder(() => {}).push(encoded(server, answers), (frame) => push(Buffer.from(frame)));
    assert.deepEqual(received, ["authenticationOk", "bindComplete", "readyForQuery"]);
  });
});
