/**
 * Every stage of `millrace/streams` as one that stands between streams of others: bytes in and bytes out, what it does to
 * chunks, and a way to make it fail.
 */
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import {
  type Batch,
  BatcherStream,
  compose,
  EncoderStream,
  fixedLength,
  FramerStream,
  IdleWatchdogStream,
  KeepaliveWriterStream,
  lines,
  MetricsTap,
  MetricsTapStream,
  RateLimiterStream,
  raw,
  toTransformStream,
} from "../../streams.ts";

export type Bytes = Uint8Array<ArrayBuffer>;
export type Chain = ReadableWritablePair<Bytes, Bytes>;

/** One stage, made anew for each test. */
export interface Middle {
  readonly name: string;
  make(): Chain;
  /** What becomes of text in lines. */
  changed(text: string): string;
  /** One that fails at the chunk "bad\n", or later, when time passes. */
  failing(): { readonly chain: Chain; readonly later?: () => void };
  /** The name of what it fails with. */
  readonly error: string;
}

/** What functions of the tests throw. */
export class OwnError extends Error {
  override readonly name: string = "OwnError";
}

const decoder = new TextDecoder();
const same = (text: string): string => text;

function sizeUnlessBad(chunk: Uint8Array): number {
  if (decoder.decode(chunk).includes("bad")) throw new OwnError("a bad chunk");
  return chunk.length;
}

/** The frames of each group, one after the other. */
function ungrouped(batcher: ReadableWritablePair<Batch<Bytes>, Bytes>): Chain {
  const apart = new TransformStream<Batch<Bytes>, Bytes>({
    transform({ frames }, controller) {
      for (const { frame } of frames) controller.enqueue(frame);
    },
  });
  return { writable: batcher.writable, readable: batcher.readable.pipeThrough(apart) };
}

function failingLater(make: (wheel: TimerWheel) => Chain): ReturnType<Middle["failing"]> {
  const clock = new FakeClock();
  return { chain: make(new TimerWheel(clock)), later: () => clock.advance(120_000) };
}

function throwAlways(): never {
  throw new OwnError("no payload");
}

export const middles: readonly Middle[] = [
  {
    name: "FramerStream",
    make: () => new FramerStream(lines()),
    changed: (text) => text.replaceAll("\n", ""),
    failing: () => ({ chain: new FramerStream(lines({ maxFrameBytes: 2 })) }),
    error: "FrameError",
  },
  {
    name: "EncoderStream",
    make: () => new EncoderStream(raw()),
    changed: same,
    failing: () => ({ chain: new EncoderStream(fixedLength({ frameBytes: 2 })) }),
    error: "FrameError",
  },
  {
    name: "IdleWatchdogStream",
    make: () => new IdleWatchdogStream("1 minute"),
    changed: same,
    failing: () => failingLater((wheel) => new IdleWatchdogStream("1 minute", { wheel })),
    error: "IdleTimeoutError",
  },
  {
    name: "KeepaliveWriterStream",
    make: () => new KeepaliveWriterStream({ interval: "1 minute", payload: new Uint8Array(1) }),
    changed: same,
    failing: () =>
      failingLater((wheel) =>
        new KeepaliveWriterStream({ interval: "1 minute", payload: throwAlways, wheel })
      ),
    error: "OwnError",
  },
  {
    name: "MetricsTapStream",
    make: () => new MetricsTapStream(),
    changed: same,
    failing: () => ({ chain: new MetricsTapStream(new MetricsTap<Bytes>(sizeUnlessBad)) }),
    error: "OwnError",
  },
  {
    name: "BatcherStream",
    make: () => ungrouped(new BatcherStream<Bytes>({ maxFrames: 2 })),
    changed: same,
    failing: () => ({ chain: ungrouped(new BatcherStream<Bytes>({ size: sizeUnlessBad })) }),
    error: "OwnError",
  },
  {
    name: "RateLimiterStream",
    make: () => new RateLimiterStream({ bytesPerSecond: "1 GB" }),
    changed: same,
    failing: () => ({ chain: new RateLimiterStream<Bytes>({ bytesPerSecond: "1 GB", size: sizeUnlessBad }) }),
    error: "OwnError",
  },
  {
    name: "toTransformStream(compose(…))",
    make: () => toTransformStream(compose(new MetricsTap<Bytes>(), new MetricsTap<Bytes>())),
    changed: same,
    failing: () => ({
      chain: toTransformStream(compose(new MetricsTap<Bytes>(), new MetricsTap<Bytes>(sizeUnlessBad))),
    }),
    error: "OwnError",
  },
];
