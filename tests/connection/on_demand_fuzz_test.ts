// The whole inbound half at random, with chunks of 64 KiB and more: the same frames whoever takes them, and how. Work is
// counted and not timed.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameError } from "../../src/core/errors.ts";
import { delimited } from "../../src/core/framing/delimited.ts";
import { fixedLength } from "../../src/core/framing/fixed_length.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { seeded } from "../../src/testing/framer_splits.ts";
import { same } from "../../src/testing/sameness.ts";
import { rejection } from "../support/frames.ts";
import { Virtual } from "../support/server.ts";

const skip = { maxFrameBytes: 700, onFrameError: "skip" } as const;

const framings: Readonly<Record<string, Framing<Uint8Array | string, never>>> = {
  "lines": lines(skip),
  "lines of text": lines({ encoding: "utf-8", ...skip }),
  "lines of strict text": lines({ encoding: "utf-8", fatal: true, ...skip }),
  "lines of latin1": lines({ encoding: "latin1", ...skip }),
  "a delimiter of two bytes": delimited({ delimiter: "\n\n", ...skip }),
  "a delimiter before each frame": delimited({ position: "prefix", ...skip }),
  "a length field": lengthField({ lengthBytes: 2, strip: 2, ...skip }),
  "a fixed length": fixedLength({ frameBytes: 3 }),
  "one that cannot stop": {
    ...lines(skip),
    decoder(report) {
      const inner = lines(skip).decoder(report);
      return {
        get buffered() {
          return inner.buffered;
        },
        push: (chunk, next) => void inner.push(chunk, (frame) => void next(frame)),
        flush: (next) => inner.flush?.((frame) => void next(frame)),
      };
    },
  },
};

/** Stretches of what is costly: runs of one byte, short frames, frames that are too long, text, noise. */
function streamOf(seed: number, length: number): Uint8Array {
  const random = seeded(seed);
  const stream = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const to = Math.min(length, at + 1 + Math.floor(random() ** 3 * 50_000));
    const kind = Math.floor(random() * 5);
    const alphabet = [[10], [0, 0, 1], [10, 97, 195, 169, 13], [97], [255, 10, 0, 128, 2]][kind]!;
    for (; at < to; at++) stream[at] = alphabet[Math.floor(random() * alphabet.length)]!;
  }
  return stream;
}

/** What a decoder makes of the stream in one piece. */
function plainly(framing: Framing<Uint8Array | string, never>, stream: Uint8Array) {
  const frames: (Uint8Array | string)[] = [];
  let skipped = 0;
  let failed = false;
  const decoder = framing.decoder(() => void skipped++);
  try {
    decoder.push(stream, (frame) => void frames.push(frame));
    decoder.flush?.((frame) => void frames.push(frame));
  } catch (error) {
    assert.ok(error instanceof FrameError);
    failed = true;
  }
  return { frames, skipped, failed };
}

const takers = ["onFrame", "onFrame with promises", "a loop", "a loop that waits"] as const;

for (const [name, framing] of Object.entries(framings)) {
  test(`S-44: ${name}: at random, in chunks of up to 256 KiB, every taker gets the same frames, and little is cut ahead`, async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.constantFrom(...takers),
        fc.array(fc.integer({ min: 1, max: 256 * 1024 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(1_000, 256 * 1024),
        async (seed, taker, sizes, ingressLimit) => {
          const place = new Virtual(t, { bufferSize: 2 * 1024 * 1024 });
          const stream = streamOf(seed, sizes.reduce((sum, size) => sum + size, 0));
          const expected = plainly(framing, stream);
          const got: (Uint8Array | string)[] = [];
          const slow = seeded(seed + 1);
          const pause = () =>
            slow() < 0.01 ? new Promise<void>((resolve) => place.clock.endOfTurn(resolve)) : undefined;
          let skipped = 0;
          let ahead = 0;
          const note = (frame: Uint8Array | string): void => {
            got.push(frame);
            if ((got.length & 255) === 0) ahead = Math.max(ahead, connection()?.stats().inboxFrames ?? 0);
          };
          const server = await place.serve<Uint8Array | string>({
            framing: framing as Framing<Uint8Array | string>,
            ingressLimit,
            onFrameError: ({ reason }) => void (reason === "truncated" || skipped++),
            logger: () => {},
            ...(taker.startsWith("onFrame")
              ? {
                onFrame: (frame) => {
                  note(frame);
                  return taker === "onFrame" ? undefined : pause();
                },
              }
              : {
                handler: async (connection) => {
                  const error = await rejection((async () => {
                    for await (const frame of connection) {
                      note(frame);
                      if (taker === "a loop that waits") await pause();
                    }
                    throw undefined;
                  })());
                  assert.ok(error === undefined || error instanceof FrameError);
                },
              }),
          });
          const connection = () => [...server.connections.values()][0];
          const peer = await place.dial(server);
          let at = 0;
          for (const size of sizes) peer.write(stream.slice(at, at += size));
          peer.end();
          for (let turn = 0; turn < 5 && place.records.length === 0; turn++) {
            place.clock.advance(0), await place.settle();
          }
          assert.equal(got.length, expected.frames.length);
          assert.ok(got.every((frame, index) => same(frame, expected.frames[index])));
          const [record] = place.records;
          assert.equal(record!.reason, expected.failed ? "frame_error" : "peer_closed");
          assert.equal(record!.framesReceived, got.length);
          assert.equal(record!.framesUnhandled, 0);
          assert.ok(
            ahead <= (name === "one that cannot stop" ? 16 * 1024 + 1_024 : 2_048),
            `${ahead} frames were ahead`,
          );
          assert.ok(skipped === expected.skipped || expected.failed);
        },
      ),
      { numRuns: 4 },
    );
  });
}
