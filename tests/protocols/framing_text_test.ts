// Framings written as text: every form works on the wire, every mistake says what is wanted.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteWriter } from "../../src/core/bytes/bytes.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { parseFraming } from "../../src/protocols/framing_text.ts";

const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** The frames that a spec cuts from these bytes, and what it writes for them. */
function cut(spec: string, wire: string): { frames: string[]; skipped: string[]; sent: string } {
  const framing = parseFraming(spec);
  const frames: string[] = [];
  const skipped: string[] = [];
  const out = new ByteWriter();
  const next = (frame: Uint8Array): void => {
    frames.push(latin(frame));
    framing.encode(frame, out);
  };
  const decoder = framing.decoder((error) => skipped.push(error.reason));
  decoder.push(bytesOf(wire), next);
  decoder.flush?.(next);
  return { frames, skipped, sent: latin(out.take()) };
}

describe("a framing written as text", () => {
  const forms: Array<[spec: string, wire: string, frames: string[], sent?: string]> = [
    ["lines", "a\r\nb\n", ["a", "b"], "a\nb\n"],
    ["lines:lf", "a\n", ["a"]],
    ["lines:crlf", "a\nb\r\n", ["a", "b"], "a\r\nb\r\n"],
    ["lines:cr", "a\nb\rc\r\n", ["a", "b", "c"], "a\rb\rc\r"],
    ["lines,lone-cr", "a\nb\rc\r\n", ["a", "b", "c"], "a\nb\nc\n"],
    ["delimited:\\r\\n,or=\\n,or=;", "a\nb;c\r\n", ["a", "b", "c"], "a\r\nb\r\nc\r\n"],
    ["delimited,or=\\,,keep", "a,b\n", ["a,", "b\n"]],
    ["delimited:\\x03", "a\x03b\x03", ["a", "b"]],
    ["delimited:--", "a--b--", ["a", "b"]],
    ["delimited:\\r\\n\\0\\t\\\\", "a\r\n\0\t\\", ["a"]],
    ["delimited:\\,", "a,b,", ["a", "b"]],
    ["delimited::", "a:b:", ["a", "b"]],
    ["delimited:\\,,keep", "a,b,", ["a,", "b,"]],
    ["delimited:é", "a\xc3\xa9", ["a"]],
    ["delimited:$,prefix", "$a$b", ["a", "b"]],
    ["length:1", "\x02ab\x01c", ["ab", "c"]],
    ["length:2", "\0\x02ab", ["ab"]],
    ["length:4,le", "\x02\0\0\0ab", ["ab"]],
    ["length:5", "\0\0\0\0\x02ab", ["ab"]],
    ["length:4,decimal", "0002ab0000", ["ab", ""]],
    ["length:2,hex", "0Aabcdefghij", ["abcdefghij"]],
    ["length:2,bcd", "\0\x10abcdefghij", ["abcdefghij"]],
    ["length:1,mask=0x7f", "\x82ab", ["ab"], "\x02ab"],
    ["length:1,drop-empty", "\0\x02ab\0", ["ab"], "\x02ab"],
    ["length:2,be", "\0\x02ab", ["ab"]],
    ["length:2,inclusive", "\0\x04ab", ["ab"]],
    ["length:1,adjust=1", "\x01ab", ["ab"]],
    ["length:1,keep", "\x02ab", ["\x02ab"]],
    ["length:1,offset=2", "xy\x02ab", ["xy\x02ab"]],
    ["length:1,header=3", "\x01xya", ["\x01xya"]],
    ["varint", "\x02ab\0", ["ab", ""]],
    ["varint,keep", "\x02ab", ["\x02ab"]],
    ["varint,offset=1,bytes=4,drop-empty", "c\0x\x02ab", ["x\x02ab"], "x\x02ab"],
    ["varintField,shortest", "\x01a", ["a"]],
    ["ber", "\x81\x01a", ["a"], "\x01a"],
    ["berField,offset=1", "0\x01a", ["0\x01a"]],
    ["fixed:3", "abcdef", ["abc", "def"]],
    ["fixedLength:1k", "x".repeat(1024), ["x".repeat(1024)]],
    ["raw", "abc", ["abc"]],
    ["silence:15ms", "abc", ["abc"]],
    ["lines,discard-after-silence=50ms", "a\nb\n", ["a", "b"]],
    ["lines,checksum=xor,checksum-format=hex,checksum-sep=*,checksum-from=1", "$AB*03\n", ["$AB"]],
    ["length:2,checksum=sum16,checksum-le", "\0\x04AB\x83\0", ["AB"]],
    ["length:1,checksum=crc16-arc,checksum-bytes=4", "\x0d123456789\0\0\xbb\x3d", ["123456789"]],
    ["length:1,checksum=xor,checksum-seed=0x7f,checksum-keep", "\x02A\x3e", ["A\x3e"]],
    ["fixed:2,checksum=xor", "AABB", ["A", "B"]],
    ["netstring,checksum=sum8,checksum-format=decimal", "4:A065,", ["A"]],
    // The functions with their defaults.
    ["delimited", "a\nb\n", ["a", "b"]],
    ["delimited,keep", "a\n", ["a\n"]],
    ["lengthField", "\0\0\0\x01a", ["\0\0\0\x01a"]],
    ["lengthField,max=64KiB", "\0\0\0\x01a", ["\0\0\0\x01a"]],
  ];
  for (const [spec, wire, frames, sent = wire] of forms) {
    it(`cuts and writes what ${spec} says`, () => {
      assert.deepEqual(cut(spec, wire), { frames, skipped: [], sent });
    });
  }

  it("takes a limit as sizes are written, and passes over a bad frame when told", () => {
    assert.deepEqual(cut("lines,max=2,skip", "a\nbbb\ncc\n"), {
      frames: ["a", "cc"],
      skipped: ["too_large"],
      sent: "a\ncc\n",
    });
    assert.throws(() => cut("lines,max=2", "bbb\n"), { _tag: "FrameError", reason: "too_large", limit: 2 });
    const limitOf = (spec: string): unknown => {
      const { hint } = parseFraming(spec);
      return hint?.kind === "length_field" ? hint.maxFrameBytes : undefined;
    };
    assert.equal(limitOf("length:4,max=64k"), 65_536);
    assert.equal(limitOf("length:4,max=64 KiB"), 65_536);
    assert.equal(limitOf("length:4,max=1MB"), 1_000_000);
    assert.equal(limitOf("length:4,max=Infinity"), Infinity);
    assert.equal(limitOf("length:4,max=2M"), 2 * 1024 * 1024);
  });

  it("passes over frames with a wrong checksum when told", () => {
    const { frames, skipped } = cut("lines,checksum=xor,skip", "AA\nAB\nBB\n");
    assert.deepEqual([frames, skipped], [["A", "B"], ["checksum"]]);
    assert.deepEqual(cut("fixed:2,checksum=xor,skip", "AAABBB").frames, ["A", "B"]);
    assert.throws(() => cut("lines,checksum=xor", "AA\nAB\n"), { reason: "checksum", offset: 3 });
  });

  it("takes a maximum for sending, too", () => {
    for (const spec of ["length:1,max-sent=3", "varint,max-sent=3", "ber,max-sent=3"]) {
      assert.throws(() => cut(spec, "\x03abc"), { reason: "too_large", size: 4, limit: 3 });
      assert.deepEqual(cut(spec, "\x02ab").frames, ["ab"]);
    }
  });

  const faults: Array<[spec: string, message: RegExp]> = [
    ["", /^framing: found "", expected a framing such as lines, delimited:\\x03, length:4, fixed:16 or raw$/],
    ["line", /^framing: found "line", expected a framing such as .*; did you mean "lines"\?$/],
    ["Lines", /did you mean "lines"\?$/],
    ["mlpp", /did you mean "mllp"\?$/],
    ["STXETX", /did you mean "stxEtx"\?$/],
    ["LengthField", /^framing: found "LengthField", .*; did you mean "length"\?$/],
    ["lengthField:4", /^framing: found "4", expected nothing after lengthField, .*write length:4/],
    ["lines:lfcr", /^framing: found "lfcr", expected lf, crlf or cr after lines:$/],
    [
      "lines,fast",
      /^framing: found "fast", expected lone-cr, max=SIZE, skip, discard-after-silence=DURATION$/,
    ],
    ["lines,skp", /did you mean "skip"\?$/],
    ["lines,", /^framing: found "", expected lone-cr, max=SIZE, skip, discard-after-silence=DURATION$/],
    [
      "lines,max=0",
      /^framing: found "max=0", expected max= and a size, such as max=65536 or max=64KiB: a number of bytes \(whole, 1 or more\)/,
    ],
    ["lines,max=1t", /such as max=65536 or max=64KiB: .*; the units are B, KB, /],
    ["delimited:", /^framing: found "", expected one byte or more after delimited:.*a comma is \\,$/],
    ["delimited:a,or=", /^framing: found "", expected one byte or more/],
    ["delimited:a,or=a", /expected the delimiters to be each delimiter once$/],
    ["delimited:ab,or=a,keep", /expected keep to be delimiters of which none begins with another/],
    ["delimited:a,or=b,prefix", /expected the delimiters to be one delimiter, not a list/],
    ["delimited:\\q", /^framing: found "\\\\q", expected an escape: /],
    ["delimited:\\", /expected an escape: /],
    ["delimited:\\x3", /expected an escape: /],
    ["length", /expected 1 to 8 after length:$/],
    ["length:9", /^framing: found "9", expected 1 to 8 after length:$/],
    ["length:4,le,be", /expected one of the two$/],
    ["length:4,decimal,hex", /found "decimal,hex", expected one of the two$/],
    ["length:4,decimal,le", /expected endian to be nothing with lengthFormat decimal/],
    ["length:1,mask=0x1ff", /expected mask to be contiguous bits of 1 bytes/],
    ["length:1,mask=x", /found "mask=x", expected mask= and a whole number$/],
    ["length:4,adjust=x", /^framing: found "adjust=x", expected adjust= and a whole number$/],
    ["length:4,offset=-1", /^framing: found "length:4,offset=-1", expected offset to be /],
    ["length:4,offset=1,offset=2", /^framing: found "offset=2", expected /],
    ["varint:4", /found "4", expected nothing after a colon; bytes=4 for/],
    ["varint,bytes=6", /expected bytes to be a whole number, 1 to 5/],
    ["ber,le", /^framing: found "le", expected /],
    ["fixed:0", /expected a number of bytes after fixed:/],
    ["fixedLength", /^framing: found "", expected a number of bytes after fixed:, such as fixed:16/],
    ["fixed:x", /expected a number of bytes after fixed:/],
    ["fixed:3,max=4", /^framing: found "max=4", expected discard-after-silence=DURATION$/],
    ["raw,discard-after-silence=1s", /expected nothing there$/],
    ["silence", /^framing: found "", expected a duration after silence:, such as silence:15ms: /],
    ["silence:15", /expected a duration after silence:, such as silence:15ms: /],
    ["silence:Infinity", /expected the duration after silence: to be a duration above 0/],
    [
      "silence:15ms,discard-after-silence=1s",
      /^framing: found "discard-after-silence=1s", expected max=SIZE, skip$/,
    ],
    [
      "lines,discard-after-silence=1",
      /expected discard-after-silence= and a duration, such as discard-after-silence=50ms: /,
    ],
    ["lines,discard-after-silence=Infinity", /expected discard-after-silence= and a duration/],
    ["lines,checksum", /^framing: found "checksum", expected /],
    ["lines,checksum-le", /^framing: found "checksum-le", expected checksum= and xor or sum8/],
    ["lines,checksum=md5", /found "checksum=md5", expected checksum= and xor or sum8/],
    [
      "lines,checksum=xor,checksum-le",
      /found "little", expected checksum-le to be nothing with a checksum of one byte/,
    ],
    ["lines,checksum=crc32,checksum-seed=1", /expected checksum-seed to be none with crc32/],
    ["lines,checksum=crc32,checksum-bytes=2", /expected checksum-bytes to be a whole number, 4 to 4/],
    ["lines,checksum=crc32,checksum-format=oct", /checksum-format= and binary or hex or decimal/],
    ["lines,checksum=crc32,checksum-formt=hex", /did you mean "checksum-format=/],
    ["delimited:;,keep,checksum=xor", /expected checksum to be no keepDelimiter/],
    ["raw,checksum=xor", /found "raw", expected checksum to be a framing whose frames/],
    ["raw:1", /^framing: found "1", expected nothing after raw:$/],
  ];
  for (const [spec, message] of faults) {
    it(`that is wrong says what is wanted: ${JSON.stringify(spec)}`, () => {
      assert.throws(() => parseFraming(spec), (error) => {
        assert.ok(error instanceof OptionsError);
        assert.equal(error.reason, "invalid");
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
