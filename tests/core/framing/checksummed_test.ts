// A checksum at the end of each frame, around framings of every kind.
import assert from "node:assert/strict";
import { describe } from "node:test";
import fc from "fast-check";
import {
  checksummed,
  type ChecksumOptions,
  connect,
  defineFraming,
  delimited,
  fixedLength,
  FrameError,
  type Framing,
  lengthField,
  lines,
  OptionsError,
  raw,
  serve,
  varintField,
} from "../../../mod.ts";
import { checksum, type ChecksumName } from "../../../streams.ts";
import { checksumKinds } from "../../../src/core/checksum/checksum.ts";
import { assertFramer } from "../../../src/testing/assert_framer.ts";
import { bytes, encoded, Gate, hex } from "../../support/frames.ts";
import { it } from "../../support/it.ts";

const digits = bytes("123456789");
const length2 = lengthField({ lengthBytes: 2, strip: 2 });

/** What a framing writes for a frame, in hex. */
function written(framing: Framing<unknown, Uint8Array>, frame: Uint8Array): string {
  return Array.from(encoded(framing, [frame]), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

describe("frames with a checksum", () => {
  it("have one error with one offset where it is wrong, and no cause with another (F-80)", () => {
    const decoder = checksummed(lines(), { type: "xor", format: "hex", separator: "*" }).decoder(() => {});
    assert.throws(() => decoder.push(bytes("ab*03\nab*04\n"), () => {}), (error) => {
      assert.ok(error instanceof FrameError);
      assert.deepEqual([error.reason, error.offset, error.cause], ["checksum", 6, undefined]);
      return true;
    });
  });

  const forms: readonly [options: ChecksumOptions, field: string][] = [
    [{ type: "xor" }, "31"],
    [{ type: "xor", seed: 0x7f }, "4e"],
    [{ type: "sum8" }, "dd"],
    [{ type: "sum8", seed: 0x23 }, "00"],
    [{ type: "sum16" }, "01dd"],
    [{ type: "sum16", endian: "little" }, "dd01"],
    [{ type: "crc16-x25" }, "906e"],
    [{ type: "crc16-x25", endian: "little" }, "6e90"],
    [{ type: "crc16-arc", bytes: 4 }, "0000bb3d"],
    [{ type: "crc16-arc", bytes: 3, endian: "little" }, "3dbb00"],
    [{ type: "crc32", endian: "little" }, "2639f4cb"],
    [{ type: "crc32c" }, "e3069283"],
    [{ type: "xor", bytes: 2 }, "0031"],
    // Digits are text.
    [{ type: "sum8", format: "hex" }, "4444"],
    [{ type: "sum8", format: "decimal" }, "323231"],
    [{ type: "crc16-modbus", format: "hex" }, "34423337"],
    [{ type: "crc16-modbus", format: "decimal" }, "3139323535"],
    [{ type: "xor", format: "hex", separator: "*" }, "2a3331"],
    [{ type: "xor", format: "hex", separator: hex("00ff") }, "00ff3331"],
  ];
  for (const [options, field] of forms) {
    it(`write and verify ${JSON.stringify(options)} (F-80)`, () => {
      const framing = checksummed(length2, options);
      const size = 9 + field.length / 2;
      const wire = hex(`00${size.toString(16).padStart(2, "0")}`);
      assert.equal(
        written(framing, digits),
        `00${wire[1]!.toString(16).padStart(2, "0")}313233343536373839${field}`,
      );
      const stream = Uint8Array.of(...wire, ...digits, ...hex(field));
      assertFramer(framing, [{ bytes: stream, frames: [digits], exact: true }]);
      // Any other value is a wrong one.
      for (let bit = 0; bit < 8; bit++) {
        const wrong = stream.slice();
        wrong[wrong.length - 1]! ^= 1 << bit;
        // Digits of either case are the same.
        if (options.format === "hex" && (wrong.at(-1)! | 32) === (stream.at(-1)! | 32)) continue;
        assertFramer(
          framing,
          [{ bytes: wrong, frames: [], error: { reason: "checksum", offset: 0, size } }],
          {
            randomSplits: 2,
          },
        );
      }
    });
  }

  it("are of every kind of checksum and every framing of bytes (property) (F-80)", () => {
    const framings: readonly Framing<Uint8Array>[] = [
      length2,
      varintField(),
      lengthField({
        lengthBytes: 4,
        lengthOffset: 4,
        strip: 8,
        writeHeader: true,
        header: new Uint8Array(8),
      }),
    ];
    const kinds = fc.constantFrom<ChecksumName>(...checksumKinds.keys());
    const frame = fc.uint8Array({ maxLength: 20 });
    fc.assert(
      fc.property(
        fc.constantFrom(...framings),
        kinds,
        fc.array(frame, { maxLength: 3 }),
        (inner, type, frames) => {
          const framing = checksummed(inner, { type });
          const one = { bytes: encoded(framing, frames), frames, exact: true };
          assertFramer(framing, [one], { randomSplits: 3 });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("cover what stands from a byte on", () => {
    const framing = checksummed(lines({ newline: "\r\n" }), {
      type: "xor",
      format: "hex",
      separator: "*",
      from: 1,
    });
    const sentence = "$GPGLL,4916.45,N,12311.12,W,225444,A";
    assertFramer(framing, [
      { bytes: `${sentence}*31\r\n`, frames: [bytes(sentence)], exact: true },
      { name: "lower case", bytes: "!A*41\n!K*4B\n!K*4b\r\n", frames: ["!A", "!K", "!K"].map(bytes) },
      { name: "no star", bytes: "!A+41\n", frames: [], error: { reason: "malformed", offset: 0, size: 5 } },
      { name: "no digits", bytes: "!A*4g\n", frames: [], error: { reason: "checksum", offset: 0, size: 5 } },
      { name: "nothing covered", bytes: "!*00\n", frames: [bytes("!")], exact: false },
      { name: "too short", bytes: "*00\n", frames: [], error: { reason: "malformed", offset: 0, size: 3 } },
    ], { refuses: [new Uint8Array(0)] });
  });

  it("cover the header that a frame keeps, whose length counts the checksum", () => {
    const kept = lengthField({ lengthOffset: 1, lengthBytes: 1 });
    const framing = checksummed(kept, { type: "sum8" });
    assertFramer(framing, [{ bytes: hex("68 03 41 42 ee"), frames: [hex("68 03 41 42")], exact: true }]);
    assert.throws(() => encoded(framing, [hex("68 02 41 42")]), /found 5 bytes whose length field says 4/);
  });

  it("with keepChecksum include it, and are sent with a right one only", () => {
    const framing = checksummed(length2, { type: "crc16-x25", keepChecksum: true });
    const wire = hex("000b 313233343536373839 906e");
    assertFramer(framing, [{ bytes: wire, frames: [wire.subarray(2)], exact: true }], {
      refuses: [digits, hex("00"), hex("313233343536373839 906f")],
    });
    assert.throws(
      () => encoded(framing, [hex("41 00 00")]),
      (error) => error instanceof FrameError && error.reason === "checksum" && error.size === 3,
    );
  });

  it("that are wrong are reported with skip, and the stream goes on (F-80)", () => {
    const options = { type: "xor", format: "hex", onFrameError: "skip" } as const;
    assertFramer(checksummed(lines(), options), [{
      bytes: "A41\nA42\nB42\nx\nA41\n",
      frames: ["A", "B", "A"].map(bytes),
      skipped: [{ reason: "checksum", offset: 4, size: 3 }, { reason: "malformed", offset: 12, size: 1 }],
    }]);
    const behindLengths = checksummed(length2, { ...options, format: "binary" });
    assertFramer(behindLengths, [{
      bytes: hex("0002 4100 0002 4141"),
      frames: [bytes("A")],
      skipped: [{ reason: "checksum", offset: 0 }],
    }]);
    // The framing has a policy of its own, for what it rejects itself.
    const inner = lines({ maxFrameBytes: 4, onFrameError: "skip" });
    assertFramer(checksummed(inner, { type: "xor", format: "hex" }), [{
      bytes: "too long\nA41\nA42\n",
      frames: [bytes("A")],
      skipped: [{ reason: "too_large", offset: 0 }],
      error: { reason: "checksum", offset: 13 },
    }]);
  });

  it("tell what was found and what was expected", () => {
    const decode = (options: ChecksumOptions, wire: Uint8Array) => () => {
      checksummed(delimited({ delimiter: ";" }), options).decoder(() => {}).push(wire, () => {});
    };
    assert.throws(
      decode({ type: "crc16-x25", from: 1 }, hex("02 41 42 12 34 3b")),
      /decode a frame \(delimited\) at offset 0: found checksum 0x1234 \(crc16-x25\), expected 0x/,
    );
    assert.throws(
      decode({ type: "sum8", format: "decimal" }, bytes("A066;")),
      /found checksum "066" \(sum8\), expected "065"$/,
    );
    assert.throws(decode({ type: "crc32" }, bytes("abc;")), /found 3 bytes, too few for 4 bytes of checksum/);
  });

  it("are larger than the memory that is used again, and still their own", () => {
    const framing = checksummed(lengthField({ strip: 4 }), { type: "crc32" });
    const large = new Uint8Array(100_000).map((_, at) => at);
    const both = encoded(framing, [large, digits, large]);
    assertFramer(framing, [{ bytes: both, frames: [large, digits, large] }], { randomSplits: 2 });
  });

  it("cost time in proportion to their size, however small the pieces", () => {
    const framing = checksummed(lengthField({ strip: 4 }), { type: "crc32c" });
    assertFramer(framing, [{ bytes: hex("00000004 00000000"), frames: [new Uint8Array(0)] }], {
      frameOfSize: (size) => new Uint8Array(size).fill(65),
    });
  });

  it("may be in frames of one size", () => {
    const framing = checksummed(fixedLength({ frameBytes: 4 }), { type: "crc16-modbus", endian: "little" });
    const wire = encoded(framing, [bytes("ab"), bytes("cd")]);
    assert.equal(wire.length, 8);
    assertFramer(framing, [{ bytes: wire, frames: [bytes("ab"), bytes("cd")], exact: true }], {
      refuses: [bytes("abc")],
    });
  });

  it("S-3: are a framing of one's own, too, whose frames it may drop", () => {
    const own = defineFraming({
      name: "own",
      find: (all) => all[0] === 0 ? { size: 1, drop: true } : { size: all[0]!, start: 1 },
      encode(frame, out) {
        out.byte(frame.length + 1);
        out.bytes(frame);
      },
    });
    const framing = checksummed(own, { type: "xor" });
    assertFramer(framing, [{ bytes: hex("00 03 41 41 00"), frames: [bytes("A")] }]);
  });

  it("end a connection with the reason in its record, or are skipped and counted (F-80)", async () => {
    const framing = (onFrameError: "close" | "skip") =>
      checksummed(lines(), { type: "xor", format: "hex", onFrameError });
    for (const policy of ["skip", "close"] as const) {
      const got: string[] = [];
      const seen: FrameError[] = [];
      const ended = new Gate<string>();
      await using server = await serve({
        port: 0,
        framing: framing(policy),
        onFrame: (frame) => void got.push(String.fromCharCode(...frame)),
        onFrameError: (error) => void seen.push(error),
        onDisconnect: ({ reason }) => ended.open(reason),
      });
      const plain = await connect({ port: server.address.port, framing: lines() });
      for (const line of ["A41", "A40", "B42"]) await plain.send(bytes(line));
      await plain.close();
      assert.equal(await ended.promise, policy === "skip" ? "peer_closed" : "frame_error");
      assert.deepEqual(got, policy === "skip" ? ["A", "B"] : ["A"]);
      assert.deepEqual(seen.map(({ reason, offset }) => [reason, offset]), [["checksum", 4]]);
    }
  });
});

describe("options of checksummed", () => {
  const wrong: readonly [options: unknown, message: RegExp][] = [
    [{}, /type: found undefined, expected one of xor, sum8, /],
    [{ type: "md5" }, /type: found "md5", expected one of "xor", "sum8"/],
    [{ type: "crc32", seed: 1 }, /seed: found 1, expected none with crc32/],
    [{ type: "xor", seed: 256 }, /seed: found 256, expected a whole number, 0 to 255/],
    [{ type: "sum16", bytes: 1 }, /bytes: found 1, expected a whole number, 2 to 4/],
    [{ type: "xor", bytes: 5 }, /bytes: found 5, expected a whole number, 1 to 4/],
    [{ type: "xor", endian: "big" }, /endian: found "big", expected nothing with a checksum of one byte/],
    [{ type: "crc32", endian: "middle" }, /endian: found "middle"/],
    [{ type: "crc32", format: "octal" }, /format: found "octal"/],
    [
      { type: "crc32", format: "hex", endian: "little" },
      /endian: found "little", expected nothing with format hex/,
    ],
    [{ type: "crc32", format: "decimal", bytes: 4 }, /bytes: found 4, expected nothing with format decimal/],
    [{ type: "xor", from: -1 }, /from: found -1/],
    [{ type: "xor", separator: 42 }, /separator: found 42, expected a string or Uint8Array/],
    [{ type: "xor", keepChecksum: 1 }, /keepChecksum: found 1, expected true or false/],
    [{ type: "xor", onFrameError: "drop" }, /onFrameError: found "drop"/],
    [{ type: "xor", form: 1 }, /form: found 1, expected no such option/],
  ];
  for (const [options, message] of wrong) {
    it(`refuse ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => checksummed(lines(), options as ChecksumOptions),
        (error) => error instanceof OptionsError && message.test(error.message),
      );
    });
  }

  it("refuse what is no framing, and framings whose frames a checksum cannot end", () => {
    assert.throws(() => checksummed({} as never, { type: "xor" }), /framing: .*a framing, such as lines/);
    assert.throws(() => checksummed(raw(), { type: "xor" }), /framing: found "raw"/);
    const keeping = delimited({ keepDelimiter: true });
    assert.throws(() => checksummed(keeping, { type: "xor" }), /expected no keepDelimiter/);
  });

  it("are not noticed when they change", () => {
    const separator = hex("2a");
    const framing = checksummed(lines(), { type: "xor", format: "hex", separator });
    separator[0] = 0;
    assertFramer(framing, [{ bytes: "A*41\n", frames: [bytes("A")], exact: true }]);
  });

  it("sum up as checksum does", () => {
    const wire = encoded(checksummed(length2, { type: "crc16-dnp" }), [digits]);
    assert.equal(wire.at(-2)! * 256 + wire.at(-1)!, checksum("crc16-dnp", digits));
  });
});
