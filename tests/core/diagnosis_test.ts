import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { diagnose, withDiagnosis } from "../../src/core/framing/diagnosis.ts";
import { FrameError } from "../../src/core/errors.ts";
import { delimited } from "../../src/core/framing/delimited.ts";
import { fixedLength } from "../../src/core/framing/fixed_length.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";

const ascii = (text: string) => new TextEncoder().encode(text);
const hex = (digits: string) =>
  new Uint8Array(digits.trim().split(/\s+/).map((digit) => Number.parseInt(digit, 16)));

/** What the framing makes of a stream that begins, and ends, with these bytes. */
function failure<Frame>(framing: Framing<Frame, never>, head: Uint8Array): FrameError {
  const decoder = framing.decoder(() => assert.fail("a frame was skipped"));
  try {
    decoder.push(head, () => assert.fail("a frame was cut"));
    decoder.flush?.(() => assert.fail("a frame was cut"));
  } catch (error) {
    assert.ok(error instanceof FrameError);
    return withDiagnosis(error, head, framing);
  }
  return assert.fail("the framing took the bytes");
}

describe("diagnose (F-64)", () => {
  const rows: readonly [head: Uint8Array, looksLike: string][] = [
    [hex("16 03 01 02 00 01 00 01 fc 03 03"), "a TLS ClientHello"],
    [hex("16 03 03 00 7a 02 00 00 76"), "a TLS ServerHello"],
    [hex("15 03 01 00 02 02 28"), "a TLS alert"],
    [ascii("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "an HTTP request"],
    [ascii("OPTIONS * HTTP/1.1\r\n"), "an HTTP request"],
    [ascii("GET http://x/ HTTP/1.1\r\n"), "an HTTP request"], // to a proxy
    [ascii("CONNECT x:443 HTTP/1.1\r\n"), "an HTTP CONNECT request"],
    [ascii("HTTP/1.1 400 Bad Request\r\n"), "an HTTP response"],
    [ascii("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "an HTTP/2 connection preface"],
    [ascii("SSH-2.0-OpenSSH_9.6\r\n"), "an SSH banner"],
    [ascii("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), "a PROXY protocol header (v1)"],
    [ascii("PROXY UNKNOWN\r\n"), "a PROXY protocol header (v1)"],
    [hex("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 0c"), "a PROXY protocol header (v2)"],
    [ascii("EHLO x\r\n"), "an SMTP client"],
    [ascii("220 mail.example ESMTP\r\n"), "an SMTP or FTP greeting"],
    [ascii('INFO {"server_id":"x"}\r\n'), "a NATS greeting"],
    [hex("10 10 00 04 4d 51 54 54 04 02"), "an MQTT CONNECT packet"],
    [hex("00 00 00 08 04 d2 16 2f"), "a PostgreSQL client that asks for TLS"],
    [hex("4a 00 00 00 0a 38 2e 30"), "a MySQL greeting"],
    [hex("03 00 00 13 0e e0 00 00"), "an RDP or ISO-on-TCP connection request (TPKT)"],
    [ascii("\x0bMSH|^~\\&|"), "an HL7 message in MLLP"],
    [hex("ff fe 68 00 69 00"), "UTF-16 text"],
  ];
  for (const [head, looksLike] of rows) {
    it(`recognises ${looksLike} from ${JSON.stringify(String.fromCharCode(...head.subarray(0, 12)))}`, () => {
      assert.equal(diagnose(head)?.looksLike, looksLike);
    });
  }

  it("says nothing of ordinary text, of bytes that begin like nothing known, and of too few", () => {
    for (const head of [ascii("hello"), ascii("GETTING"), hex("16 03 01"), hex("01 02 03 04"), hex("")]) {
      assert.equal(diagnose(head), undefined);
    }
  });
});

describe("withDiagnosis (F-64)", () => {
  it("S-21: an HTTP request to a length port is named in looksLike and in the message, with what to do", () => {
    const error = failure(lengthField(), ascii("GET / HTTP/1.1\r\n\r\n"));
    assert.equal(error.reason, "too_large");
    assert.equal(error.looksLike, "an HTTP request");
    assert.equal(error.size, 0x47455420 + 4);
    assert.match(
      error.message,
      /begins like an HTTP request: check that the peer is meant to connect to this host and port/,
    );
  });

  it("S-21: a TLS ClientHello to a plain port is named", () => {
    const hello = new Uint8Array(600);
    hello.set(hex("16 03 01 02 00 01 00 01 fc 03 03"));
    assert.equal(failure(lengthField(), hello).looksLike, "a TLS ClientHello");
    assert.equal(failure(lines({ maxFrameBytes: 256 }), hello).looksLike, "a TLS ClientHello");
  });

  const rows: readonly [framing: Framing<Uint8Array>, head: Uint8Array, looksLike: string, advice: RegExp][] =
    [
      // a 5-byte body from a peer of the other endianness
      [lengthField(), hex("05 00 00 00 01 02 03 04 05"), "frames with a little-endian length", /"little"/],
      [
        lengthField({ endian: "little" }),
        hex("00 00 00 01 09"),
        "frames with a big-endian length",
        /"big"/,
      ],
      // only the header has come
      [lengthField(), hex("05 00 00 00"), "frames with a little-endian length", /"little"/],
      // two bytes hold nothing too large: found when the frames add up
      [
        lengthField({ lengthBytes: 2 }),
        hex("03 00 61 62 63"),
        "frames with a little-endian length",
        /endian/,
      ],
      [
        lengthField({ lengthIncludesHeader: true }),
        hex("00 00 00 02 61 62"),
        "frames whose length does not include the header",
        /lengthIncludesHeader to false/,
      ],
      [
        lengthField(),
        hex("00 00 00 06 61 62"),
        "frames whose length includes the header",
        /lengthIncludesHeader to true/,
      ],
      [lengthField(), hex("00 03 01 02 03"), "frames with a 2-byte big-endian length", /lengthBytes: 2/],
      [lengthField(), ascii("hello\nworld\n"), "lines of text", /lines\(\)/],
      [fixedLength({ frameBytes: 100 }), ascii("hello\n"), "lines of text", /lines\(\)/],
      [lengthField({ lengthIncludesHeader: true }), hex("00 00 00 00 00"), "only zero bytes", /empty buffer/],
      [lines(), hex("00 00 00 03 01 02 03"), "frames with a 4-byte big-endian length", /lengthField/],
      [lines(), ascii("one\rtwo\r"), "lines that end with a carriage return only", /loneCarriageReturn/],
      [delimited({ delimiter: "\r\n" }), ascii("one\n"), "lines that end with a newline only", /lines\(\)/],
    ];
  for (const [framing, head, looksLike, advice] of rows) {
    it(`finds ${looksLike} where ${framing.name} was expected: ${head.join(" ")}`, () => {
      const error = failure(framing, head);
      assert.equal(error.looksLike, looksLike);
      assert.match(error.message, advice);
    });
  }

  const unsure: readonly [framing: Framing<Uint8Array>, head: Uint8Array, why: string][] = [
    [lengthField(), hex("ff 12 9c 41 77 03"), "noise"],
    [lengthField({ maxFrameBytes: 6 }), hex("00 00 00 03 01 02 03"), "a good frame, only too large"],
    [lengthField({ lengthBytes: 2 }), hex("03 00 61 62"), "a frame that was cut off"],
    [lines({ maxFrameBytes: 4 }), ascii("hello"), "a line, only too long"],
    [delimited({ delimiter: ";" }), ascii("one\ntwo"), "text with newlines that may be content"],
  ];
  for (const [framing, head, why] of unsure) {
    it(`guesses nothing about ${why}: the error stays as it was`, () => {
      assert.equal(failure(framing, head).looksLike, undefined);
    });
  }

  it("keeps reason, offset, size, limit, cause and connection id", () => {
    const cause = new Error("inner");
    const error = new FrameError("malformed", "cut", { offset: 7, size: 8, limit: 9 }, { cause });
    error.connectionId = "c1";
    const diagnosed = withDiagnosis(error, ascii("SSH-2.0-x\r\n"), lines());
    assert.equal(diagnosed.looksLike, "an SSH banner");
    assert.deepEqual([diagnosed.reason, diagnosed.offset, diagnosed.size, diagnosed.limit], [
      "malformed",
      7,
      8,
      9,
    ]);
    assert.equal(diagnosed.cause, cause);
    assert.equal(diagnosed.connectionId, "c1");
    assert.equal(withDiagnosis(diagnosed, ascii("SSH-2.0-x\r\n"), lines()), diagnosed);
  });

  it("recognises protocols for a framing of the user's own, which gives no hint", () => {
    const own: Framing<Uint8Array> = {
      name: "own",
      decoder: () => ({
        buffered: 0,
        push() {
          throw new FrameError("malformed", "cut a frame (own)", { offset: 0 });
        },
      }),
      encode: (frame, out) => out.bytes(frame),
    };
    assert.equal(failure(own, ascii("SSH-2.0-x\r\n")).looksLike, "an SSH banner");
    assert.equal(failure(own, ascii("hello\n")).looksLike, undefined);
  });
});
