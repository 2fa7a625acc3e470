// Every preset, on damaged frames of its own and of others: whatever the split, the same frames and the same errors; nothing but
// FrameErrors; no more memory than the limit; what was cut can be sent.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FrameError } from "../../src/core/errors.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import type { Preset } from "../../src/protocols/preset.ts";
import { presets } from "../../src/protocols/presets.ts";
import { encoded, hex } from "../support/frames.ts";
import { deviceVectors, vectorsOf } from "./device_vectors.ts";
import { wires } from "./whole_frames.ts";

const maxFrameBytes = 128;
const others = [...deviceVectors, ...wires].map(({ wire }) => hex(wire)).filter(({ length }) => length < 300);

/** What a preset's own frames look like. */
function ownOf(name: string): Uint8Array[] {
  const own = [...vectorsOf(name), ...wires.filter(({ framing }) => framing.name === name)];
  return own.map(({ wire }) => hex(wire)).filter(({ length }) => length < 300);
}

/** These options, as far as the preset has them. */
function known(preset: Preset, options: Record<string, unknown>): never {
  return Object.fromEntries(Object.entries(options).filter(([name]) => name in preset.options)) as never;
}

const settings = [{ onFrameError: "close" }, { onFrameError: "skip" }, {
  onFrameError: "skip",
  maxFrameBytes,
}];

type Damage = readonly [kind: "flip" | "cut" | "double", at: number, bits: number];

function damaged(bytes: Uint8Array, damages: readonly Damage[]): Uint8Array {
  let result = Uint8Array.from(bytes);
  for (const [kind, where, bits] of damages) {
    if (result.length === 0) break;
    const at = where % result.length;
    if (kind === "flip") result[at]! ^= bits;
    else if (kind === "cut") {
      result = Uint8Array.of(...result.subarray(0, at), ...result.subarray(at + 1 + bits % 8));
    } else result = Uint8Array.of(...result.subarray(0, at + 1), ...result.subarray(at));
  }
  return result;
}

/** Frames, whole or damaged, of the preset and of others, and bytes of any kind between them. */
function streams(name: string): fc.Arbitrary<Uint8Array> {
  const own = ownOf(name);
  const frame = fc.constantFrom(...(own.length > 0 ? own : others));
  const damage: fc.Arbitrary<Damage> = fc.tuple(
    fc.constantFrom("flip" as const, "cut" as const, "double" as const),
    fc.nat(300),
    fc.integer({ min: 1, max: 255 }),
  );
  const part = fc.oneof(
    { weight: 4, arbitrary: frame },
    {
      weight: 4,
      arbitrary: fc.tuple(frame, fc.array(damage, { minLength: 1, maxLength: 3 })).map(([bytes, how]) =>
        damaged(bytes, how)
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  );
  return fc.array(part, { maxLength: 6 }).map((parts) => Uint8Array.from(parts.flatMap((each) => [...each])));
}

/** What one side receives, only the other can send. */
const oneWay: ReadonlySet<string> = new Set(["postgres"]);

interface Seen {
  readonly events: string[];
  readonly frames: Uint8Array[];
}

/** What becomes of the bytes when they come in pieces that end here. */
function cut(framing: Framing<Uint8Array>, bytes: Uint8Array, ends: readonly number[]): Seen {
  const seen: Seen = { events: [], frames: [] };
  const note = (error: unknown): void => {
    assert.ok(error instanceof FrameError, String(error));
    assert.ok(error.offset >= 0 && error.offset <= bytes.length);
    seen.events.push(`${error.reason} at ${error.offset}`);
  };
  const next = (frame: Uint8Array): void => {
    seen.frames.push(Uint8Array.from(frame));
    seen.events.push(Array.from(frame, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  };
  const decoder = framing.decoder(note);
  try {
    let from = 0;
    for (const to of [...ends, bytes.length]) {
      decoder.push(bytes.slice(from, to), next);
      assert.ok(decoder.buffered >= 0 && decoder.buffered <= to, `${decoder.buffered} bytes held of ${to}`);
      from = to;
    }
    decoder.flush?.(next);
  } catch (error) {
    note(error);
    assert.throws(() => decoder.push(new Uint8Array(1), () => assert.fail()), (again) => again === error);
  }
  return seen;
}

function everywhere(bytes: Uint8Array): number[] {
  return Array.from(bytes, (_, place) => place);
}

/** A fixed seed, and a fresh one, which is in the message of a failure. */
for (const [claim, seed] of [["the same each time", 1], ["fresh each time", undefined]] as const) {
  describe(`damaged frames, ${claim}`, () => {
    for (const [name, preset] of presets) {
      it(`${name}: every split gives the same frames and errors, and what was cut can be sent again (F-8)`, () => {
        const sender = preset.make(known(preset, { maxSentFrameBytes: Infinity }));
        for (const options of settings) {
          const framing = preset.make(known(preset, options));
          const places = fc.array(fc.nat(2000), { maxLength: 8 });
          fc.assert(
            fc.property(streams(name), places, (bytes, at) => {
              const whole = cut(framing, bytes, []);
              const ends = at.filter((place) => place < bytes.length).sort((one, other) => one - other);
              assert.deepEqual(cut(framing, bytes, ends).events, whole.events);
              assert.deepEqual(cut(framing, bytes, everywhere(bytes)).events, whole.events);
              for (const frame of oneWay.has(name) ? [] : whole.frames) {
                assert.deepEqual(cut(sender, encoded(sender, [frame]), []).frames, [frame]);
              }
            }),
            { numRuns: 60, ...(seed === undefined ? {} : { seed }) },
          );
        }
      });
    }
  });
}
