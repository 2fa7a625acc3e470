import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ByteWriter, concatBytes } from "../../../src/core/bytes/bytes.ts";
import { FrameError, OptionsError } from "../../../src/core/errors.ts";
import type { Framing } from "../../../src/core/framing/framing.ts";
import { lines, type TextLinesOptions } from "../../../src/core/framing/lines.ts";
import { assertFramer } from "../../../src/testing/assert_framer.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
const ascii = (text: string) => new TextEncoder().encode(text);
const frames = (...texts: string[]) => texts.map(ascii);

function encoded<Sent>(framing: Framing<unknown, Sent>, frame: Sent): Uint8Array {
  const writer = new ByteWriter();
  framing.encode(frame, writer);
  return writer.take();
}

function decoded<Received>(framing: Framing<Received, never>, ...chunks: Uint8Array[]): Received[] {
  const found: Received[] = [];
  const decoder = framing.decoder((error) => assert.fail(error.message));
  for (const chunk of chunks) decoder.push(chunk, (frame) => found.push(frame));
  decoder.flush?.((frame) => found.push(frame));
  return found;
}

describe("lines of bytes (F-1)", () => {
  it("S-5, S-3: are the same for every split: with and without a carriage return, and empty", () => {
    assertFramer(lines(), [
      { bytes: "", frames: [] },
      { bytes: "\n", frames: frames("") },
      { bytes: "\n\n\n", frames: frames("", "", "") },
      { bytes: "one\ntwo\n", frames: frames("one", "two"), exact: true },
      { bytes: "one\r\ntwo\r\n", frames: frames("one", "two") },
      { name: "only one carriage return goes", bytes: "a\r\r\n\r\n", frames: frames("a\r", ""), sent: false },
      { name: "a carriage return inside stays", bytes: "a\rb\n", frames: frames("a\rb") },
      { name: "bytes that are no text", bytes: bytes(0, 255, 128, 10), frames: [bytes(0, 255, 128)] },
    ], { frameOfSize: (size) => new Uint8Array(size).fill(65) });
  });

  it("keep the carriage return where they are told to", () => {
    assertFramer(lines({ stripCarriageReturn: false }), [{
      bytes: "a\r\n\r\n",
      frames: frames("a\r", "\r"),
    }]);
  });

  it("S-9: input that ends inside a line is truncated, with offset and size", () => {
    assertFramer(lines(), [
      {
        bytes: "one\ntw",
        frames: frames("one"),
        error: { reason: "truncated", offset: 4, size: 2 },
      },
      { bytes: "a\r", frames: [], error: { reason: "truncated", offset: 0, size: 2 } },
    ]);
  });

  it("take what stands after the last newline as a line, where they are told to", () => {
    assertFramer(lines({ acceptUnterminated: true, maxFrameBytes: 4 }), [
      { bytes: "one\ntwo", frames: frames("one", "two") },
      { bytes: "one\n", frames: frames("one") },
      { bytes: "a\r", frames: frames("a\r"), sent: false },
      {
        name: "a return that no newline follows counts",
        bytes: "four\r",
        frames: [],
        error: { reason: "too_large", offset: 0, size: 5, limit: 4 },
      },
    ]);
  });

  it("S-6: a line over the limit is too_large as soon as that is sure; the lines before it are passed on", () => {
    const limited = lines({ maxFrameBytes: 4 });
    assertFramer(limited, [
      { name: "line ends do not count", bytes: "four\r\nfour\n", frames: frames("four", "four") },
      {
        bytes: "four\nfives\n",
        frames: frames("four"),
        error: { reason: "too_large", offset: 5, size: 5, limit: 4 },
      },
      {
        name: "no newline ever",
        bytes: "aaaaa",
        frames: [],
        error: { reason: "too_large", offset: 0, limit: 4 },
      },
      { bytes: "four\rx\n", frames: [], error: { reason: "too_large", offset: 0, size: 6 } },
      { bytes: "four\r\r\n", frames: [], error: { reason: "too_large", offset: 0, size: 5 } },
    ]);
    const decoder = limited.decoder(() => {});
    assert.throws(
      () => decoder.push(ascii("aaaaa"), () => {}),
      /5 bytes without a newline, over maxFrameBytes, 4/,
    );
  });

  it("S-7: with skip, a line over the limit is reported once, and the next line is passed on (F-7)", () => {
    assertFramer(lines({ maxFrameBytes: 4, onFrameError: "skip" }), [
      {
        bytes: "one\nmuch too long\ntwo\nagain too long\n\nend\n",
        frames: frames("one", "two", "", "end"),
        skipped: [{ reason: "too_large", offset: 4, limit: 4 }, { reason: "too_large", offset: 22 }],
      },
      { name: "the end of input in it", bytes: "much too long", frames: [], skipped: ["too_large"] },
    ]);
  });

  it("S-4: 1000 lines in one chunk are views of that chunk, in order", () => {
    const chunk = ascii(Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join(""));
    const found = decoded(lines(), chunk);
    assert.equal(found.length, 1000);
    found.forEach((frame, i) => {
      assert.equal(new TextDecoder().decode(frame), `line ${i}`);
      assert.equal(frame.buffer, chunk.buffer);
    });
  });

  it("do not hold a large chunk in memory for a short beginning of a line", () => {
    const chunk = new Uint8Array(64 * 1024);
    chunk[chunk.length - 3] = 10;
    const found: Uint8Array[] = [];
    const decoder = lines().decoder(() => {});
    decoder.push(chunk, () => {});
    assert.equal(decoder.buffered, 2);
    decoder.push(bytes(10), (frame) => found.push(frame));
    assert.deepEqual(found, [bytes(0, 0)]);
    assert.ok(found[0]!.buffer.byteLength < 100);
  });

  it("come back as they were sent, whatever bytes and splits (property)", () => {
    const line = fc.uint8Array({ maxLength: 20 }).map((frame) =>
      frame.filter((byte) => byte !== 10 && byte !== 13)
    );
    const framing = lines({ checkSent: true });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), fc.boolean(), fc.integer(), (sent, crlf, seed) => {
        const end = crlf ? bytes(13, 10) : bytes(10);
        const stream = concatBytes(sent.flatMap((frame) => [new Uint8Array(frame), end]));
        assertFramer(framing, [{ bytes: stream, frames: sent }], { seed, randomSplits: 5 });
      }),
      { numRuns: 60 },
    );
  });
});

describe("lines of text (F-1, F-73)", () => {
  it("S-5, S-3: are the same for every split, also inside a character", () => {
    assertFramer(lines({ encoding: "utf-8" }), [
      { bytes: "", frames: [] },
      { bytes: "é€😀\r\n\n日本\n", frames: ["é€😀", "", "日本"] },
      { name: "a byte order mark stays", bytes: "\ufeffa\n", frames: ["\ufeffa"], exact: true },
      {
        name: "invalid bytes become U+FFFD",
        bytes: bytes(97, 255, 10, 98, 10),
        frames: ["a\ufffd", "b"],
        sent: false,
      },
      {
        name: "half a character before a newline",
        bytes: bytes(0xf0, 0x9f, 10, 0xe2, 0x82, 10, 97, 10),
        frames: ["\ufffd", "\ufffd", "a"],
        sent: false,
      },
      { bytes: "é\nx", frames: ["é"], error: { reason: "truncated", offset: 3, size: 1 } },
    ], { frameOfSize: (size) => "a".repeat(size) });
  });

  it("are one byte a character in latin1", () => {
    const all = Array.from({ length: 256 }, (_, i) => i).filter((code) => code !== 10 && code !== 13);
    const text = String.fromCharCode(...all);
    assertFramer(lines({ encoding: "latin1" }), [
      { bytes: bytes(...all, 10, 233, 13, 10), frames: [text, "é"] },
      { bytes: bytes(...all, 10), frames: [text], exact: true },
      {
        name: "bytes that are UTF-8 too",
        bytes: "é\n\ufffd\n",
        frames: ["\xc3\xa9", "\xef\xbf\xbd"],
        exact: true,
      },
      { name: "bytes that are not", bytes: bytes(0xe9, 10, 0xc3, 10), frames: ["é", "Ã"], exact: true },
    ], { refuses: ["€", "a😀"] });
    const long = "é".repeat(100_000);
    assert.deepEqual(decoded(lines({ encoding: "latin1" }), encoded(lines({ encoding: "latin1" }), long)), [
      long,
    ]);
  });

  it("are the same where they are long and go over many chunks, right or wrong", () => {
    const long = "é€😀".repeat(400);
    const wrong = concatBytes([ascii(`${long}a`), bytes(0xff), ascii(`${long}\n`)]);
    const whole = concatBytes([ascii("one\n"), wrong, ascii(`${long}\r\nlast\n`)]);
    const wanted = ["one", `${long}a\ufffd${long}`, long, "last"];
    for (const size of [1, 777, 1024, 4096, 5000, whole.length]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < whole.length; at += size) chunks.push(whole.slice(at, at + size));
      assert.deepEqual(decoded(lines({ encoding: "utf-8" }), ...chunks), wanted);
      const offsets: number[] = [];
      const decoder = lines({ encoding: "utf-8", fatal: true, onFrameError: "skip" }).decoder(({ offset }) =>
        offsets.push(offset!)
      );
      const found: string[] = [];
      for (const chunk of chunks) decoder.push(chunk, (line) => found.push(line));
      assert.deepEqual([found, offsets], [["one", long, "last"], [4]]);
    }
  });

  it("with fatal, a line that is not UTF-8 is malformed, and the lines before it are passed on (F-7)", () => {
    const invalid = bytes(97, 10, 98, 255, 10, 99, 10);
    assertFramer(lines({ encoding: "utf-8", fatal: true }), [
      { bytes: "é\n€\n", frames: ["é", "€"] },
      { name: "U+FFFD itself", bytes: "a\ufffd\nb\n", frames: ["a\ufffd", "b"], exact: true },
      { bytes: invalid, frames: ["a"], error: { reason: "malformed", offset: 2, size: 2 } },
    ]);
    assertFramer(lines({ encoding: "utf-8", fatal: true, onFrameError: "skip" }), [
      { bytes: invalid, frames: ["a", "c"], skipped: [{ reason: "malformed", offset: 2, size: 2 }] },
    ]);
    assertFramer(lines({ encoding: "utf-8", fatal: true, acceptUnterminated: true }), [
      { bytes: bytes(97, 10, 255), frames: ["a"], error: { reason: "malformed", offset: 2 } },
    ]);
  });

  it("count their limit in bytes, not in characters", () => {
    assertFramer(lines({ encoding: "utf-8", maxFrameBytes: 4 }), [
      { bytes: "éé\n€\n", frames: ["éé", "€"] },
      { bytes: "é\nééa\n", frames: ["é"], error: { reason: "too_large", offset: 3, size: 5, limit: 4 } },
    ]);
    assertFramer(lines({ encoding: "utf-8", maxFrameBytes: 4, onFrameError: "skip" }), [
      { bytes: "ééé\né\nlong line\n\n", frames: ["é", ""], skipped: ["too_large", "too_large"] },
    ]);
  });

  it("are what the byte lines are, decoded one by one (property)", () => {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const piece = fc.oneof(
      fc.string({ unit: "binary", maxLength: 12 }).map(ascii),
      fc.uint8Array({ maxLength: 6 }),
      fc.constantFrom(
        bytes(10),
        bytes(13, 10),
        bytes(0xef, 0xbb, 0xbf),
        bytes(0xf0, 0x9f),
        bytes(0xed, 0xa0, 0x80),
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(), (pieces, at) => {
        const stream = concatBytes([...pieces, bytes(10)]);
        const cut = at % stream.length;
        const chunks = [stream.slice(0, cut), stream.slice(cut)];
        const expected = decoded(lines(), stream).map((line) => decoder.decode(line));
        assert.deepEqual(decoded(lines({ encoding: "utf-8" }), ...chunks), expected);
      }),
      { numRuns: 200 },
    );
  });
});

describe("lines of text in bulk", () => {
  it("S-57: a limit far below the chunk's size costs no decoding line by line", () => {
    const { decode } = TextDecoder.prototype;
    let calls = 0;
    TextDecoder.prototype.decode = function (this: TextDecoder, ...given: Parameters<typeof decode>) {
      calls++;
      return decode.apply(this, given);
    };
    try {
      const text = "0123456789\r\n".repeat(5_000);
      for (const encoding of ["utf-8", "latin1"] as const) {
        for (const maxFrameBytes of [10, 11, 40, 1_000]) {
          calls = 0;
          const framing = lines({ encoding, maxFrameBytes } as TextLinesOptions);
          assert.equal(decoded(framing, ascii(text)).length, 5_000);
          // 60,000 bytes, of which no more than 32 KiB are decoded at a time.
          assert.equal(calls, 2, `maxFrameBytes ${maxFrameBytes}`);
        }
      }
    } finally {
      TextDecoder.prototype.decode = decode;
    }
  });

  it("S-57: gives what the lines would one by one, whatever is too long or no text (property)", () => {
    const piece = fc.constantFrom("a", "bc", "é", "\r", "\n", "\n", "\r\n", "0123456", "\xff");
    const chunk = fc.array(piece, { maxLength: 40 })
      .map((parts) =>
        concatBytes(parts.map((part) => part === "\xff" ? bytes(255) : new TextEncoder().encode(part)))
      );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 4 }), fc.integer({ min: 1, max: 12 }), (chunks, most) => {
        const framing = lines({
          encoding: "utf-8",
          fatal: true,
          maxFrameBytes: most,
          onFrameError: "skip",
          acceptUnterminated: true,
        });
        const heard = (pieces: readonly Uint8Array[]): string[] => {
          const said: string[] = [];
          const decoder = framing.decoder((error) => said.push(`${error.reason} at ${error.offset}`));
          for (const one of pieces) decoder.push(one, (line) => said.push(`line ${line}`));
          decoder.flush?.((line) => said.push(`line ${line}`));
          return said;
        };
        const single = [...concatBytes(chunks)].map((value) => bytes(value));
        assert.deepEqual(heard(chunks), heard(single));
      }),
      { numRuns: 500 },
    );
  });
});

describe("lines that a carriage return alone may end", () => {
  const rows = [
    { bytes: "a\rb\nc\r\nd\r\r\ne\n\r\n", frames: ["a", "b", "c", "d", "", "e", ""] },
    { name: "a return at the end", bytes: "a\r", frames: ["a"] },
    { name: "a newline behind it", bytes: "a\r\n", frames: ["a"] },
    { name: "and one more", bytes: "a\r\n\n", frames: ["a", ""] },
    { bytes: "a\r\nb", frames: ["a"], error: { reason: "truncated", offset: 3, size: 1 } },
    { bytes: "\r", frames: [""] },
  ] as const;

  it("are the same for every split, as bytes and as text (F-1)", () => {
    assertFramer(
      lines({ loneCarriageReturn: true }),
      rows.map((row) => ({ ...row, frames: frames(...row.frames) })),
    );
    assertFramer(lines({ loneCarriageReturn: true, encoding: "utf-8" }), rows);
    assertFramer(lines({ loneCarriageReturn: true, encoding: "latin1" }), rows);
  });

  it("are passed on at once, and a newline in the next chunk is part of the same line end", () => {
    for (const framing of [lines({ loneCarriageReturn: true, encoding: "utf-8" })]) {
      const found: string[] = [];
      const decoder = framing.decoder((error) => assert.fail(error.message));
      const push = (text: string) => decoder.push(ascii(text), (line) => found.push(line));
      push("a\r");
      assert.deepEqual(found, ["a"]);
      assert.equal(decoder.buffered, 0);
      push("");
      push("\n");
      assert.deepEqual(found, ["a"]);
      push("b\r");
      push("\n\n");
      assert.deepEqual(found, ["a", "b", ""]);
    }
  });

  it("leave the chunk as it was", () => {
    const chunk = ascii("a\rb\r\n");
    assert.deepEqual(decoded(lines({ loneCarriageReturn: true }), chunk), frames("a", "b"));
    assert.deepEqual(chunk, ascii("a\rb\r\n"));
  });

  it("have offsets that count every byte, also over the limit and with skip", () => {
    const error = { reason: "too_large", offset: 9, size: 4, limit: 3 } as const;
    const bytes = "a\r\nb\rc\r\nlong\r\nd\r";
    for (const encoding of [undefined, "utf-8"] as const) {
      const options = { loneCarriageReturn: true, maxFrameBytes: 3 } as const;
      const make = (more: object) => lines({ ...options, ...more, encoding } as TextLinesOptions);
      const made = (...texts: string[]) => (encoding === undefined ? frames(...texts) : texts) as string[];
      assertFramer(make({}), [{ bytes, frames: made("a", "b", "c"), error: { ...error, offset: 8 } }]);
      const skipped = [{ ...error, offset: 8 }];
      assertFramer(make({ onFrameError: "skip" }), [{ bytes, frames: made("a", "b", "c", "d"), skipped }]);
    }
  });

  it("may be unterminated", () => {
    const framing = lines({ loneCarriageReturn: true, acceptUnterminated: true });
    assertFramer(framing, [{ bytes: "a\rb", frames: frames("a", "b"), sent: false }]);
  });

  it("are what a regular expression splits (property)", () => {
    const text = fc.string({ unit: fc.constantFrom("\r", "\n", "a", "é"), maxLength: 30 });
    fc.assert(
      fc.property(text, fc.integer(), (body, seed) => {
        const whole = `${body}\r`;
        const parts = whole.split(/\r\n|\r|\n/).slice(0, -1);
        const options = { seed, randomSplits: 5 };
        const one = { bytes: whole, frames: parts };
        assertFramer(lines({ loneCarriageReturn: true, encoding: "utf-8" }), [one], options);
        const same = { bytes: whole, frames: frames(...parts) };
        assertFramer(lines({ loneCarriageReturn: true, newline: "\r" }), [same], options);
      }),
      { numRuns: 200 },
    );
  });

  it("are written with the line end that is asked for (F-2)", () => {
    for (const newline of ["\n", "\r\n", "\r"] as const) {
      assert.deepEqual(encoded(lines({ newline }), ascii("a")), ascii(`a${newline}`));
      const text = lines({ loneCarriageReturn: true, encoding: "utf-8", newline });
      assert.deepEqual(encoded(text, "é"), ascii(`é${newline}`));
    }
  });

  it("are refused with checkSent where the receiver would cut them", () => {
    for (const newline of ["\n", "\r"] as const) {
      const framing = lines({ loneCarriageReturn: true, checkSent: true, newline });
      const one = { bytes: `a${newline}`, frames: frames("a"), exact: true };
      assertFramer(framing, [one], { refuses: frames("a\rb", "a\r", "\na", "\r\n") });
    }
    const toReturns = lines({ newline: "\r", checkSent: true });
    for (const frame of frames("a\rb", "a\r", "\na")) {
      assert.throws(() => encoded(toReturns, frame), /it has a line end at \d/);
    }
    const text = lines({ loneCarriageReturn: true, encoding: "utf-8", checkSent: true });
    assertFramer(text, [{ bytes: "a\n", frames: ["a"], exact: true }], { refuses: ["a\rb", "a\r", "\na"] });
  });
});

describe("sending lines (F-2)", () => {
  it("appends a newline, or CRLF, or nothing", () => {
    assert.deepEqual(encoded(lines(), ascii("a")), ascii("a\n"));
    assert.deepEqual(encoded(lines({ newline: "\r\n" }), ascii("a")), ascii("a\r\n"));
    assert.deepEqual(encoded(lines({ append: false }), ascii("a\n")), ascii("a\n"));
    assert.deepEqual(encoded(lines({ encoding: "utf-8", newline: "\r\n" }), "é"), ascii("é\r\n"));
    assert.deepEqual(encoded(lines({ encoding: "utf-8", append: false }), "é\n"), ascii("é\n"));
  });

  it("with checkSent refuses what would not arrive as it is", () => {
    const whole = [{ bytes: "a\rb\n", frames: frames("a\rb") }];
    assertFramer(lines({ checkSent: true }), whole, { refuses: frames("a\nb", "\n", "a\r") });
    assertFramer(lines({ checkSent: true, encoding: "utf-8" }), [{ bytes: "é\n", frames: ["é"] }], {
      refuses: ["a\nb", "a\r"],
    });
    assert.deepEqual(
      encoded(lines({ checkSent: true, stripCarriageReturn: false }), ascii("a\r")),
      ascii("a\r\n"),
    );
  });

  it("S-57: with checkSent refuses exactly the frames that would not arrive as they are", () => {
    const texts = [""];
    for (let i = 0; i < texts.length && texts[i]!.length < 4; i++) {
      for (const next of "\r\na") texts.push(texts[i] + next);
    }
    for (const newline of ["\n", "\r\n"] as const) {
      const framing = lines({ encoding: "utf-8", checkSent: true, newline });
      const ofBytes = lines({ checkSent: true, newline });
      for (const text of texts) {
        const wire = encoded(lines({ encoding: "utf-8", newline }), text);
        const arrives = decoded(framing, wire).join("|") === text;
        const shown = `${JSON.stringify(text)} with ${JSON.stringify(newline)}`;
        if (arrives) {
          assert.deepEqual(encoded(framing, text), wire, shown);
          assert.deepEqual(encoded(ofBytes, ascii(text)), wire, shown);
        } else {
          assert.throws(() => encoded(framing, text), FrameError, shown);
          assert.throws(() => encoded(ofBytes, ascii(text)), FrameError, shown);
        }
      }
    }
  });

  it("refuses a frame of the wrong type, and says what to pass", () => {
    const untyped = lines() as Framing<unknown, unknown>;
    assert.throws(
      () => encoded(untyped, "text"),
      /found string, expected a Uint8Array; .*lines\(\{ encoding/,
    );
    assert.throws(() => encoded(untyped, null), (error) => error instanceof FrameError);
    const text = lines({ encoding: "utf-8" }) as Framing<unknown, unknown>;
    assert.throws(() => encoded(text, bytes(1)), /found object, expected a string/);
  });
});

describe("options of lines", () => {
  const wrong: readonly [options: unknown, message: RegExp][] = [
    [{ maxFrameBytes: 0 }, /maxFrameBytes: found 0, expected a number of bytes \(whole, 1 or more\)/],
    [{ encoding: "utf-16" }, /encoding: found "utf-16"/],
    [{ newline: "\n\r" }, /newline/],
    [
      { loneCarriageReturn: true, stripCarriageReturn: false },
      /stripCarriageReturn: found false, expected true with loneCarriageReturn/,
    ],
    [{ fatal: true }, /fatal/],
    [{ fatal: true, encoding: "latin1" }, /fatal/],
    [{ checkSent: true, append: false }, /checkSent/],
    [{ onFrameError: "ignore" }, /onFrameError/],
    [{ maxFrameByte: 5 }, /did you mean maxFrameBytes/],
  ];
  for (const [options, message] of wrong) {
    it(`refuse ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => lines(options as Parameters<typeof lines>[0]),
        (error) => error instanceof OptionsError && message.test(error.message),
      );
    });
  }
});
