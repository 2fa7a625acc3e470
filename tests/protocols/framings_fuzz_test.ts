// Every framing, those of the registry included, against good streams, damaged ones and noise: with a fixed seed, and with a
// fresh one each time. A failure names its seed; FUZZ_SEED=N runs that one again.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteWriter, concatBytes, equalBytes, showHex } from "../../src/core/bytes/bytes.ts";
import { FrameError, OptionsError } from "../../src/core/errors.ts";
import { checksummed } from "../../src/core/framing/checksummed.ts";
import { delimited } from "../../src/core/framing/delimited.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { parseFraming } from "../../src/protocols/framing_text.ts";
import { presets } from "../../src/protocols/presets.ts";
import { seeded } from "../../src/testing/framer_splits.ts";
import { FramerTrial } from "../../src/testing/framer_trial.ts";
import { berVectors, lengthVectors, varintVectors } from "../core/framing/length_vectors.ts";
import { bytes as ascii, hex } from "../support/frames.ts";
import { deviceVectors } from "./device_vectors.ts";
import { wires } from "./whole_frames.ts";

/** Cases of each framing and seed. */
const cases = 20;
const fixedSeed = 20_261;
/** The longest stream that is made of others. */
const longestStream = 700;

interface Fuzzed {
  readonly name: string;
  readonly framing: Framing<Uint8Array>;
  /** No frame of more bytes, and no more memory, besides one chunk. */
  readonly limit: number;
  /** Any frame that can be sent arrives. Some protocols send what the same side does not receive, such as answers. */
  readonly symmetric: boolean;
}

const limit = 256;

function textual(text: string, ownLimit: number = limit): Fuzzed {
  const symmetric = !presets.has(text.split(",")[0]!) && !text.includes("drop-empty");
  return { name: text, framing: parseFraming(text), limit: ownLimit, symmetric };
}

/** All presets as they are, and with a limit and bad frames skipped. */
function ofPresets(): Fuzzed[] {
  const found: Fuzzed[] = [];
  for (const name of presets.keys()) {
    found.push(textual(name, 1024 * 1024));
    for (const words of [`max=${limit}`, `max=${limit},skip`]) {
      try {
        found.push(textual(`${name},${words}`));
      } catch (error) {
        // Frames of some protocols are larger at the least, or have a size of their own.
        assert.ok(error instanceof OptionsError, `${name},${words}: ${error}`);
      }
    }
  }
  return found;
}

const limits = { maxFrameBytes: limit } as const;
const skip = { ...limits, onFrameError: "skip" } as const;
const checkSent = { ...skip, checkSent: true } as const;

const byFunctions: Readonly<Record<string, Framing<Uint8Array>>> = {
  "lines": lines({ ...limits, checkSent: true }),
  "lines, skipping": lines(checkSent),
  "lines that CR may end": lines({ ...checkSent, loneCarriageReturn: true, newline: "\r" }),
  "one delimiter": delimited({ ...checkSent, delimiter: "\0\0" }),
  "several delimiters": delimited({ ...checkSent, delimiter: ["\r\n", "\n", "\r", "\0\0"] }),
  "a delimiter before each frame": delimited({ ...checkSent, position: "prefix" }),
  "lines with a checksum": checksummed(lines({ ...checkSent, newline: "\r\n" }), {
    type: "xor",
    format: "hex",
    separator: "*",
    onFrameError: "skip",
  }),
};

const fuzzed: readonly Fuzzed[] = [
  ...Object.entries(byFunctions).map(([name, framing]) => ({ name, framing, limit, symmetric: true })),
  ...[
    ...["length:1", "length:2", "length:2,le,skip", "length:4,inclusive", "length:3,offset=1,keep"],
    ...[
      "length:2,decimal",
      "length:2,hex,drop-empty",
      "length:1,mask=0x7f",
      "varint",
      "varint,shortest,skip",
    ],
    ...["ber", "ber,offset=1,skip", "fixed:5"],
  ].map((text) => textual(text.startsWith("fixed") ? text : `${text},max=${limit}`)),
  ...["length:1,checksum=crc16-x25", "varint,checksum=xor,checksum-format=hex", "slip,checksum=crc32"].map((
    text,
  ) => textual(`${text},max=${limit},skip`)),
  ...ofPresets(),
];

/** Good streams of many protocols. */
const corpus: readonly Uint8Array[] = [
  ...[...lengthVectors, ...varintVectors, ...berVectors, ...deviceVectors, ...wires].map(({ wire }) =>
    hex(wire)
  ),
  ...["c001dbdc02dbdd03c0", "0102110100", "031122023300", "0100"].map(hex),
  ...["one\r\ntwo\n\nthree\r\r\n", "5:hello,0:,", '{"a": [1, null]}\n"b"\n', "A*41\r\nBC*01\r\n"].map(ascii),
].filter(({ length }) => length <= longestStream);

/** Bytes that mean something to some framing. */
const telling = [
  0,
  1,
  2,
  3,
  4,
  10,
  13,
  0x0b,
  0x1c,
  0x24,
  0x2a,
  0x2c,
  0x30,
  0x31,
  0x39,
  0x3a,
  0x7e,
  0x7f,
  0x80,
];
const tellingToo = [0xc0, 0xdb, 0xdc, 0xff];

class Source {
  readonly #random: () => number;
  readonly #good: readonly Uint8Array[];

  /** Of the corpus, what is good for this framing comes up most. */
  constructor(framing: Framing<Uint8Array>, seed: number) {
    this.#random = seeded(seed);
    this.#good = corpus.filter((stream) => decoded(framing, stream).length > 0);
  }

  below(most: number): number {
    return Math.floor(this.#random() * most);
  }

  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  byte(): number {
    return this.#random() < 0.5 ? this.one([...telling, ...tellingToo]) : this.below(256);
  }

  noise(most: number): Uint8Array {
    return Uint8Array.from({ length: this.below(most + 1) }, () => this.byte());
  }

  /** Several good streams one after the other, damaged now and then. */
  stream(): Uint8Array {
    if (this.below(6) === 0) return this.noise(120);
    const parts: Uint8Array[] = [];
    let length = 0;
    for (let left = 1 + this.below(3); left > 0 && length < longestStream; left--) {
      const from = this.#good.length > 0 && this.below(5) > 0 ? this.#good : corpus;
      parts.push(this.one(from));
      length += parts.at(-1)!.length;
    }
    const stream = concatBytes(parts).slice(0, longestStream);
    return this.below(3) === 0 ? stream : this.#damaged(stream);
  }

  #damaged(stream: Uint8Array): Uint8Array {
    let damaged = [...stream];
    for (let left = 1 + this.below(3); left > 0; left--) {
      const at = this.below(damaged.length + 1);
      const kind = this.below(5);
      if (kind === 0) damaged[Math.min(at, damaged.length - 1)] = this.byte();
      else if (kind === 1) damaged.splice(at, 1 + this.below(4));
      else if (kind === 2) damaged.splice(at, 0, ...this.noise(6));
      else if (kind === 3) damaged = damaged.slice(0, at);
      else damaged.splice(at, 0, ...damaged.slice(at, at + this.below(20)));
    }
    return Uint8Array.from(damaged);
  }

  /** Where pieces end; now and then an empty one. */
  ends(length: number): number[] {
    const most = 1 + this.below(this.one([3, 20, length + 1]));
    const ends: number[] = [];
    for (let at = 0; at < length;) ends.push(at = Math.min(length, at + this.below(most + 1)));
    return ends;
  }
}

/** All frames up to the first fault that ends the stream. */
function decoded(framing: Framing<Uint8Array>, stream: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const decoder = framing.decoder(() => {});
  try {
    decoder.push(stream, (frame) => void frames.push(frame.slice()));
    decoder.flush?.((frame) => void frames.push(frame.slice()));
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
  }
  return frames;
}

function sameFrames(found: readonly Uint8Array[], expected: readonly Uint8Array[], what: string): void {
  assert.equal(found.length, expected.length, `${what}: frames`);
  found.forEach((frame, at) => {
    const said = `${what}: frame ${at} is ${showHex(frame)}, not ${showHex(expected[at]!)}`;
    assert.ok(equalBytes(frame, expected[at]!), said);
  });
}

/** However it is split: the same frames, the same faults, and nothing but `FrameError`. */
function assertSplits({ framing }: Fuzzed, stream: Uint8Array, source: Source): Uint8Array[] {
  const reference = new FramerTrial<Uint8Array>(framing, "byte by byte");
  for (let end = 1; end <= stream.length; end++) reference.feed(stream, end);
  reference.finish(stream);
  for (const stopping of [false, true]) {
    const trial = new FramerTrial<Uint8Array>(
      framing,
      stopping ? "in pieces, stopped" : "in pieces",
      stopping,
    );
    for (const end of source.ends(stream.length)) {
      trial.feed(stream, end);
      trial.compareWith(reference, end);
    }
    trial.finish(stream);
    sameFrames(trial.frames, reference.frames, "in pieces");
    assert.deepEqual(
      [...trial.skipped, trial.error].map((error) => [error?.reason, error?.offset]),
      [...reference.skipped, reference.error].map((error) => [error?.reason, error?.offset]),
    );
  }
  return reference.frames;
}

/** No more memory than the limit and one chunk, and no larger frame. */
function assertBounded({ framing, limit }: Fuzzed, stream: Uint8Array, source: Source): void {
  const decoder = framing.decoder(() => {});
  const next = (frame: Uint8Array) =>
    assert.ok(frame.length <= limit + slack, `a frame of ${frame.length} bytes`);
  let at = 0;
  try {
    for (const end of source.ends(stream.length)) {
      decoder.push(stream.subarray(at, end), next);
      const held = decoder.buffered;
      assert.ok(held <= limit + slack + end - at, `${held} bytes held with a limit of ${limit}`);
      at = end;
    }
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
  }
}

/** Delimiters around what a limit counts. */
const slack = 4;

/** What is sent arrives as it was sent, where it can be sent at all. */
function assertRoundTrip({ framing }: Fuzzed, frames: readonly Uint8Array[]): void {
  const writer = new ByteWriter();
  const sent: Uint8Array[] = [];
  for (const frame of frames) {
    const { length } = writer;
    try {
      framing.encode(frame, writer);
      sent.push(frame);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      writer.reset(length);
    }
  }
  sameFrames(decoded(framing, writer.take()), sent, "sent and received");
}

function fuzz(one: Fuzzed, seed: number): void {
  const source = new Source(one.framing, seed);
  for (let number = 0; number < cases; number++) {
    const stream = source.stream();
    try {
      const frames = assertSplits(one, stream, source);
      assertBounded(one, stream, source);
      assertRoundTrip(one, frames);
      if (one.symmetric) assertRoundTrip(one, [source.noise(40)]);
    } catch (cause) {
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${one.name}, FUZZ_SEED=${seed}, case ${number}, ${showHex(stream)}: ${said}`, {
        cause,
      });
    }
  }
}

describe("every framing, with good streams, damaged ones and noise", () => {
  const given = process.env["FUZZ_SEED"];
  const seeds = given === undefined ? [fixedSeed, Date.now() % 2 ** 31] : [Number(given)];
  for (const one of fuzzed) {
    it(`${one.name}: gives the same for every split, holds no more than its limit, and gets back what it sends (F-8)`, () => {
      for (const seed of seeds) fuzz(one, seed);
    });
  }

  it("has good streams for every framing of the registry", () => {
    for (const name of presets.keys()) {
      const framing = parseFraming(name);
      assert.ok(corpus.some((stream) => decoded(framing, stream).length > 0), name);
    }
  });
});
