/**
 * A proof for framings: the same bytes give the same frames, errors and states however they are split.
 *
 * Part of `millrace/testing`; for the framings of this package and for a user's own, under any test runner.
 */
import { counted } from "../core/text/counted.ts";
import { ByteWriter, showBytes } from "../core/bytes/bytes.ts";
import { FrameError } from "../core/errors.ts";
import type { Framing } from "../core/framing/framing.ts";
import { cutEverywhere, seeded, type Split, splitsOf } from "./framer_splits.ts";
import { FramerTrial, type TrialError } from "./framer_trial.ts";
import { same, show } from "./sameness.ts";

/** A {@linkcode FrameError} that is expected. */
export interface ExpectedFrameError {
  /** Its reason, always compared. */
  readonly reason: FrameError["reason"];
  /** Offset in the stream of the faulty frame. @default not compared */
  readonly offset?: number | undefined;
  /** The size claimed or reached, compared if all bytes arrive in one chunk. */
  readonly size?: number | undefined;
  /** The limit in force. */
  readonly limit?: number | undefined;
}

/** One stream of bytes, and what the framing must make of it. */
export interface FramerCase<Received, Sent = Received> {
  /** For messages. @default the first bytes */
  readonly name?: string | undefined;
  /** The whole stream; text is encoded as UTF-8. */
  readonly bytes: Uint8Array | string;
  /** All frames, in order. */
  readonly frames: readonly Received[];
  /** The error that ends the stream early, or at its end (`truncated`). @default no error */
  readonly error?: FrameError["reason"] | ExpectedFrameError | undefined;
  /** Errors of frames that are skipped. @default none */
  readonly skipped?: readonly (FrameError["reason"] | ExpectedFrameError)[] | undefined;
  /**
   * Frames to encode. Encoded one after the other and decoded again, they must give `frames`. `false` leaves that
   * out.
   * @default `frames`; false if an error or a skipped frame is expected
   */
  readonly sent?: readonly Sent[] | false | undefined;
  /** Encoding must give exactly `bytes`. @default false */
  readonly exact?: boolean | undefined;
}

/** Options of {@linkcode assertFramer}. */
export interface AssertFramerOptions<Received, Sent = Received> {
  /** Frames that `encode` must reject with a `FrameError`. @default none */
  readonly refuses?: readonly Sent[] | undefined;
  /**
   * Makes a frame of about this many bytes. If it is set, the time to cut frames that arrive in many small pieces is
   * measured, and must be linear in their size. The framing must accept 128 KiB.
   */
  readonly frameOfSize?: ((bytes: number) => Sent) | undefined;
  /** Random splits per case. @default 100 */
  readonly randomSplits?: number | undefined;
  /** Seed of the random splits, which are the same each time. @default 1 */
  readonly seed?: number | undefined;
  /** Whether two frames are equal. @default by content: bytes, arrays, plain objects, maps, sets, dates */
  readonly equal?: ((found: Received, expected: Received) => boolean) | undefined;
}

/**
 * Asserts that a framing cuts each stream into the given frames, however it is split: whole, in two at every position
 * (at 3,072 positions of a longer stream), byte by byte, and at random.
 *
 * For each split it asserts: the same frames, each passed on as soon as its last byte has arrived; the same errors
 * and offsets, thrown at the same byte, and again when more arrives; `buffered` above 0 at the same positions, and
 * never above what has arrived. A decoder with `resume` is also stopped at every frame, and must then pass on nothing
 * before `resume`, and lose nothing. Frames must not change when later bytes arrive, bytes outside the chunk must not
 * be used, and decoders must not share state. Encoded frames must decode to the same frames.
 *
 * Not for `raw()`, whose frames are the pieces.
 *
 * @example
 * ```ts
 * import { lines } from "@millrace/millrace";
 * import { assertFramer } from "@millrace/millrace/testing";
 *
 * assertFramer(lines({ encoding: "utf-8", maxFrameBytes: 5 }), [
 *   { bytes: "one\n\ntwo\n", frames: ["one", "", "two"], exact: true },
 *   { bytes: "one\nt", frames: ["one"], error: { reason: "truncated", offset: 4, size: 1 } },
 *   { bytes: "one\nlonger\n", frames: ["one"], error: { reason: "too_large", offset: 4, limit: 5 } },
 * ]);
 * ```
 *
 * @throws {Error} whose message names the case, the split, what was found and what was expected
 */
export function assertFramer<Received, Sent = Received>(
  framing: Framing<Received, Sent>,
  cases: readonly FramerCase<Received, Sent>[],
  options: AssertFramerOptions<Received, Sent> = {},
): void {
  const { refuses = [], randomSplits = 100, seed = 1, equal = same, frameOfSize } = options;
  if (cases.length === 0) throw new Error("assertFramer: found no case, expected one or more");
  for (const one of cases) {
    const bytes = typeof one.bytes === "string" ? new TextEncoder().encode(one.bytes) : one.bytes;
    const label = `${framing.name}, ${one.name ?? showBytes(bytes)}`;
    const expected: Expected<Received> = {
      frames: one.frames,
      error: detailed(one.error),
      skipped: (one.skipped ?? []).map((error) => detailed(error)!),
      equal,
    };
    assertSplits(framing, label, bytes, expected, splitsOf(bytes.length, randomSplits, seeded(seed)));
    const sent = one.sent ??
      (one.error === undefined && one.skipped === undefined
        ? one.frames as readonly unknown[] as Sent[]
        : false);
    if (sent !== false) assertRoundTrip(framing, label, sent, one.exact ? bytes : undefined, expected);
  }
  for (const frame of refuses) assertRefused(framing, frame);
  if (frameOfSize !== undefined) assertLinear(framing, frameOfSize);
}

interface Expected<Received> {
  readonly frames: readonly Received[];
  readonly error: ExpectedFrameError | undefined;
  readonly skipped: readonly ExpectedFrameError[];
  equal(found: Received, expected: Received): boolean;
}

function detailed(
  error: FrameError["reason"] | ExpectedFrameError | undefined,
): ExpectedFrameError | undefined {
  return typeof error === "string" ? { reason: error } : error;
}

function assertSplits<Received>(
  framing: Framing<Received, never>,
  label: string,
  bytes: Uint8Array,
  expected: Expected<Received>,
  splits: readonly Split[],
): void {
  // The stream byte by byte says what is known after each byte; another decoder runs beside it.
  const reference = new FramerTrial(framing, `${label}, byte by byte`);
  const beside = new FramerTrial(framing, `${label}, byte by byte beside another decoder`);
  for (const at of cutEverywhere(bytes.length)) {
    reference.feed(bytes, at);
    beside.feed(bytes, at);
  }
  for (const trial of [reference, beside]) {
    trial.finish(bytes);
    compare(trial, expected, false);
  }
  for (const split of splits) {
    const trial = new FramerTrial(framing, `${label}, ${split.name}`);
    for (const at of split.ends) {
      trial.feed(bytes, at);
      trial.compareWith(reference, at);
    }
    trial.finish(bytes);
    compare(trial, expected, split.ends.length <= 1);
  }
  for (const split of splits) {
    const trial = new FramerTrial(framing, `${label}, ${split.name}, stopped at every frame`, true);
    if (!trial.stops) return;
    for (const at of split.ends) {
      trial.feed(bytes, at);
      trial.compareWith(reference, at);
    }
    trial.finish(bytes);
    compare(trial, expected, split.ends.length <= 1);
  }
}

function compare<Received>(
  trial: FramerTrial<Received>,
  expected: Expected<Received>,
  sizes: boolean,
): void {
  const { frames, skipped, equal } = expected;
  for (let i = 0; i < Math.max(trial.frames.length, frames.length); i++) {
    if (i < trial.frames.length && i < frames.length && equal(trial.frames[i]!, frames[i]!)) continue;
    const found = i < trial.frames.length ? show(trial.frames[i]) : `${counted(i, "frame")}${trial.ending}`;
    trial.fail(`frame ${i}`, found, i < frames.length ? show(frames[i]) : `no more than ${frames.length}`);
  }
  for (let i = 0; i < Math.max(trial.skipped.length, skipped.length); i++) {
    compareErrors(trial, `skipped frame ${i}`, trial.skipped[i], skipped[i], sizes);
  }
  compareErrors(trial, "the stream's end", trial.error, expected.error, sizes);
}

function compareErrors<Received>(
  trial: FramerTrial<Received>,
  what: string,
  found: TrialError | undefined,
  expected: ExpectedFrameError | undefined,
  sizes: boolean,
): void {
  if (found === undefined && expected === undefined) return;
  if (found === undefined || expected === undefined) {
    return trial.fail(what, found ? show(found) : "no error", expected ? show(expected) : "no error");
  }
  for (const key of ["reason", "offset", "limit", "size"] as const) {
    if (expected[key] === undefined || (key === "size" && !sizes) || found[key] === expected[key]) continue;
    trial.fail(what, show(found), show(expected));
  }
}

function assertRoundTrip<Received, Sent>(
  framing: Framing<Received, Sent>,
  label: string,
  sent: readonly Sent[],
  exact: Uint8Array | undefined,
  expected: Expected<Received>,
): void {
  const writer = new ByteWriter();
  for (const frame of sent) framing.encode(frame, writer);
  const bytes = writer.take();
  if (exact !== undefined && !same(bytes, exact)) {
    throw new Error(
      `${label}, encoded: found ${showBytes(bytes, 64)}, expected ${showBytes(exact, 64)}`,
    );
  }
  const trial = new FramerTrial(framing, `${label}, encoded and decoded again`);
  trial.feed(bytes, bytes.length);
  trial.finish(bytes);
  compare(trial, { ...expected, skipped: [], error: undefined }, false);
}

function assertRefused<Sent>(framing: Framing<unknown, Sent>, frame: Sent): void {
  const writer = new ByteWriter();
  try {
    framing.encode(frame, writer);
  } catch (error) {
    if (error instanceof FrameError) return;
    throw new Error(`${framing.name}, encoding ${show(frame)}: it threw ${error}, expected a FrameError`, {
      cause: error,
    });
  }
  const found = showBytes(writer.take());
  throw new Error(`${framing.name}, encoding ${show(frame)}: found ${found}, expected a FrameError`);
}

/** Twelve times the size takes twelve times as long; squared it would be 144 times, or 35 where copying is fast. */
const sizes = [16 * 1024, 192 * 1024] as const;
const mostTimes = 22;
/** What is faster than this is fast enough, and too short to be measured. */
const leastMs = 50;
/**
 * The least of some tries is the framer's own time: the others were shared with whatever else the machine does. The
 * small size is tried as often as is as long as one try of the large one, since a pause spoils a short time most.
 */
const [fewestTries, triesMs, smallTries] = [2, 5000, sizes[1] / sizes[0]];

function assertLinear<Sent>(framing: Framing<unknown, Sent>, frameOfSize: (bytes: number) => Sent): void {
  const [few, many] = sizes.map((size) => {
    const writer = new ByteWriter();
    framing.encode(frameOfSize(size), writer);
    return writer.take();
  }) as [Uint8Array, Uint8Array];
  let [small, large] = [Infinity, Infinity];
  const start = performance.now();
  for (let tries = 1; tries <= fewestTries || performance.now() - start < triesMs; tries++) {
    for (let i = 0; i < smallTries; i++) small = Math.min(small, timeInPieces(framing, few));
    large = Math.min(large, timeInPieces(framing, many));
    if (large < leastMs || (tries >= fewestTries && large < small * mostTimes)) return;
  }
  throw new Error(
    `${framing.name}, frames in pieces of 8 bytes: found ${small.toFixed(1)} ms for ${sizes[0]} bytes but ` +
      `${large.toFixed(1)} ms for ${
        sizes[1]
      }, expected a time in proportion; look for a search or a copy that ` +
      `begins again with each piece`,
  );
}

/** Milliseconds for cutting the bytes when they come in pieces of 8. */
function timeInPieces(framing: Framing<unknown, never>, bytes: Uint8Array): number {
  let frames = 0;
  const decoder = framing.decoder(() => {});
  const start = performance.now();
  for (let at = 0; at < bytes.length; at += 8) decoder.push(bytes.subarray(at, at + 8), () => frames++);
  decoder.flush?.(() => frames++);
  const took = performance.now() - start;
  if (frames === 0) throw new Error(`${framing.name}: found no frame in ${bytes.length} bytes, expected one`);
  return took;
}
