// RESP: every type, attacks with claims and depth, linear time, and replies of npm's redis-parser.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import { parseFraming } from "../../src/protocols/framing_text.ts";
import { resp } from "../../src/protocols/resp.ts";
import { assertFramer } from "../../src/testing/assert_framer.ts";
import { bytes, encoded, text } from "../support/frames.ts";

/** It has no types. */
const RedisParser = createRequire(import.meta.url)("redis-parser") as new (
  callbacks: { returnReply(reply: unknown): void; returnError(error: Error): void },
) => { execute(data: Buffer): void };

/** One of each type, and of each with elements. */
const values = [
  "+OK\r\n",
  "+\r\n",
  "-ERR no\r\n",
  ":-12\r\n",
  "$5\r\na\r\nbc\r\n",
  "$0\r\n\r\n",
  "$-1\r\n",
  "*-1\r\n",
  "*0\r\n",
  "*2\r\n*3\r\n:1\r\n:2\r\n:3\r\n*2\r\n+Foo\r\n-Bar\r\n",
  "_\r\n",
  ",1.5\r\n",
  "#t\r\n",
  "!3\r\nERR\r\n",
  "=5\r\ntxt:a\r\n",
  "(123456789012345678901234567890\r\n",
  "~2\r\n:1\r\n*1\r\n:2\r\n",
  ">2\r\n+message\r\n$1\r\na\r\n",
  "%2\r\n+a\r\n:1\r\n+b\r\n%1\r\n+c\r\n_\r\n",
  "|1\r\n+ttl\r\n:3600\r\n*1\r\n|1\r\n+a\r\n:1\r\n:2\r\n",
  "|0\r\n+OK\r\n",
  // Strings that are not the last element, and one that is behind an attribute's.
  "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n\r\n\r\n",
  "*2\r\n*1\r\n$2\r\nab\r\n:1\r\n",
  "|1\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
];

describe("resp", () => {
  it("cuts and writes one value a frame, of every type and however deep, at every split (F-8)", () => {
    assertFramer(resp(), [
      ...values.map((value) => ({
        name: JSON.stringify(value),
        bytes: value,
        frames: [bytes(value)],
        exact: true,
      })),
      { name: "all", bytes: values.join(""), frames: values.map(bytes), exact: true },
    ]);
  });

  it("takes lines without a type for commands, unless told otherwise, and drops empty ones (F-8)", () => {
    const commands = ["PING\r\n", "set a\tb\n", "é\r\n"];
    assertFramer(resp(), [
      { bytes: `\r\n${commands.join("\n")}*0\r\n\n`, frames: [...commands, "*0\r\n"].map(bytes) },
      { bytes: "PING\r\n\0", frames: [bytes("PING\r\n")], error: { reason: "malformed", offset: 6 } },
      { bytes: "\x16\x03\x01", frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: "a\rb\r\n", frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: "PING", frames: [], error: { reason: "truncated", offset: 0 } },
    ], { refuses: [bytes("\r\n"), bytes("PING"), bytes("a\r\nb\r\n"), bytes("")] });
    for (const framing of [resp({ inline: false }), parseFraming("resp,no-inline")]) {
      assertFramer(framing, [
        { bytes: "*0\r\nPING\r\n", frames: [bytes("*0\r\n")], error: { reason: "malformed", offset: 4 } },
      ], { refuses: [bytes("PING\r\n")] });
    }
  });

  it("rejects what no length, line or element looks like, at the offset of its value (F-8)", () => {
    const error = { reason: "malformed", offset: 5 } as const;
    const faults = [
      "$a\r\n",
      "$\r\n",
      "$-\r\n",
      "$-2\r\n",
      "*-2\r\n",
      "%-1\r\n",
      "=-1\r\n",
      "$1-\r\n",
      "$12345678901",
      "$?\r\n",
      "$1\n",
      "$1\rx",
      "$1\r\nabc",
      "$3\r\nabc\r-",
      "*2\r\n$1\r\nabc",
      "*2\r\n:1\r\n*1\r\n$1\r\na\n\n",
      "$1\r\na\rb",
      "+a\nb\r\n",
      "+a\rb\r\n",
      "*1\r\nPING\r\n",
      "*1\r\n\r\n",
      "*2\r\n:1\r\n\0",
      "|0\r\nPING\r\n",
    ];
    assertFramer(
      resp(),
      faults.map((fault) => ({
        name: JSON.stringify(fault),
        bytes: `+OK\r\n${fault}`,
        frames: [bytes("+OK\r\n")],
        error,
      })),
    );
  });

  it("rejects *2147483647 and depth 10,000 as soon as they are claimed (F-8)", () => {
    assertFramer(resp(), [
      { bytes: "*2147483647\r\n", frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: "*9999999999\r\n", frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: "*1\r\n".repeat(10_000), frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: `${"*1\r\n".repeat(32)}:1\r\n`, frames: [bytes(`${"*1\r\n".repeat(32)}:1\r\n`)], exact: true },
      // More elements than fit into the maximum are too large before the first of them.
      { bytes: "*400000\r\n", frames: [], error: { reason: "too_large", offset: 0, limit: 1024 * 1024 } },
      { bytes: "*1\r\n$2147483647\r\n", frames: [], error: { reason: "too_large", offset: 0 } },
    ], { randomSplits: 10 });
    const deep = `${"*1\r\n".repeat(10_000)}:1\r\n`;
    assertFramer(resp({ maxDepth: 10_000 }), [{ bytes: deep, frames: [bytes(deep)], exact: true }], {
      randomSplits: 3,
    });
    assertFramer(resp({ maxDepth: 1 }), [
      { bytes: "*1\r\n*0\r\n", frames: [bytes("*1\r\n*0\r\n")] },
      { bytes: "*1\r\n*1\r\n", frames: [], error: "malformed" },
    ]);
  });

  it("counts all elements of a value, those of maps twice (F-8)", () => {
    const three = resp({ maxElements: 3 });
    assertFramer(three, [
      { bytes: "*2\r\n*1\r\n:1\r\n:2\r\n", frames: [bytes("*2\r\n*1\r\n:1\r\n:2\r\n")] },
      { bytes: "*2\r\n*2\r\n", frames: [], error: "malformed" },
      { bytes: "%2\r\n", frames: [], error: "malformed" },
      {
        bytes: "*3\r\n:1\r\n:2\r\n:3\r\n*4\r\n",
        frames: [bytes("*3\r\n:1\r\n:2\r\n:3\r\n")],
        error: "malformed",
      },
    ]);
  });

  it("rejects a string over the maximum by its length, and skips one that is the whole value (F-8)", () => {
    const limits = { maxFrameBytes: 16 };
    const size = { size: 18, limit: 16 };
    assertFramer(resp(limits), [
      { bytes: "$9\r\n123456789\r\n", frames: [bytes("$9\r\n123456789\r\n")] },
      {
        bytes: ":1\r\n$11\r\n",
        frames: [bytes(":1\r\n")],
        error: { reason: "too_large", offset: 4, ...size },
      },
      { bytes: `+${"a".repeat(20)}`, frames: [], error: { reason: "too_large", offset: 0, limit: 16 } },
    ]);
    assertFramer(resp({ ...limits, onFrameError: "skip" }), [
      {
        bytes: "$11\r\n12345678901\r\n:1\r\n",
        frames: [bytes(":1\r\n")],
        skipped: [{ reason: "too_large", offset: 0, ...size }],
      },
      // Nothing shows where the next value begins.
      { bytes: "*1\r\n$11\r\n", frames: [], error: { reason: "too_large", offset: 0 } },
    ]);
    assert.throws(() => encoded(resp({ maxSentFrameBytes: 4 }), [bytes("+OK\r\n")]), { reason: "too_large" });
  });

  it("takes a time in proportion to the bytes, in small pieces too (F-8)", () => {
    const arrayOf = (size: number): Uint8Array => bytes(`*${size / 8}\r\n${":12345\r\n".repeat(size / 8)}`);
    const stringOf = (size: number): Uint8Array => bytes(`$${size}\r\n${"a".repeat(size)}\r\n`);
    const lineOf = (size: number): Uint8Array => bytes(`+${"a".repeat(size)}\r\n`);
    for (const frameOfSize of [arrayOf, stringOf, lineOf]) {
      assertFramer(resp(), [{ bytes: ":1\r\n", frames: [bytes(":1\r\n")] }], { frameOfSize });
    }
  });

  it("cuts what npm's redis-parser reads as one reply each (F-8)", () => {
    const replies: unknown[] = [];
    const parser = new RedisParser({
      returnReply: (reply) => replies.push(reply),
      returnError: ({ message }) => replies.push(message),
    });
    const known = values.filter((value) => "+-:$*".includes(value[0]!));
    let frames = 0;
    resp().decoder(() => {}).push(bytes(known.join("")), (frame) => {
      parser.execute(Buffer.from(text(frame)));
      assert.equal(replies.length, ++frames);
    });
    assert.equal(frames, known.length);
    assert.deepEqual(replies[0], "OK");
  });
});
