// What goes into a FramerStream, and what of it waits: chunks of any shape, frames before a fault, options.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BatcherStream } from "../../../src/core/streams/batcher_stream.ts";
import { FrameError, OptionsError } from "../../../src/core/errors.ts";
import { delimited } from "../../../src/core/framing/delimited.ts";
import {
  EncoderStream,
  FramerStream,
  type FramerStreamOptions,
} from "../../../src/core/streams/framer_stream.ts";
import type { Framing } from "../../../src/core/framing/framing.ts";
import { lines } from "../../../src/core/framing/lines.ts";
import { raw } from "../../../src/core/framing/raw.ts";
import { IdleWatchdogStream } from "../../../src/core/streams/idle_watchdog_stream.ts";
import { KeepaliveWriterStream } from "../../../src/core/streams/keepalive_writer_stream.ts";
import { MetricsTap } from "../../../src/core/streams/metrics_tap.ts";
import { MetricsTapStream } from "../../../src/core/streams/metrics_tap_stream.ts";
import { RateLimiterStream } from "../../../src/core/streams/rate_limiter_stream.ts";
import { TimerWheel } from "../../../src/core/time/timer_wheel.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";

const ascii = (text: string) => new TextEncoder().encode(text);
const textLines = () => lines({ encoding: "utf-8" });

/** Asks for a frame, leaves, and has another reader take the frames that come then, up to a fault. */
async function leave(expected: readonly string[]): Promise<void> {
  const framer = new FramerStream(lines({ encoding: "utf-8", maxFrameBytes: 5 }));
  const first = framer.readable.getReader();
  const read = first.read();
  read.catch(() => {});
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
  first.releaseLock();
  const writer = framer.writable.getWriter();
  writer.closed.catch(() => {});
  const written = writer.write(ascii(`${expected.join("\n")}\nfar too long\n`));
  await assert.rejects(written, FrameError);
  const frames: string[] = [];
  await assert.rejects(async () => {
    for await (const frame of framer.readable) frames.push(frame);
  }, FrameError);
  assert.deepEqual(frames, expected);
}

/** Writes these chunks, whatever their type, and reads all that comes. */
async function through<Received>(
  framer: FramerStream<Received>,
  chunks: readonly unknown[],
): Promise<{ frames: unknown[]; error: unknown; written: unknown }> {
  const writer = framer.writable.getWriter();
  const writing = (async () => {
    for (const chunk of chunks) await writer.write(chunk as Uint8Array);
    await writer.close();
  })().then(() => undefined, (error: unknown) => error);
  writer.closed.catch(() => {});
  const frames: unknown[] = [];
  let failure: unknown = undefined;
  const reader = framer.readable.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      failure = error;
      return { done: true, value: undefined };
    });
    if (done) return { frames, error: failure, written: await writing };
    frames.push(value);
  }
}

describe("chunks of a FramerStream", () => {
  it("S-57: are bytes in any shape: buffers, views of any type and of a part, shared memory", async () => {
    const text = ascii("__one\ntwo\n__").buffer;
    const shared = new Uint8Array(new SharedArrayBuffer(4));
    shared.set(ascii("six\n"));
    const chunks = [
      ascii("zero\n").buffer,
      new DataView(text, 2, 8),
      new Uint16Array(ascii("four").buffer),
      new Uint8ClampedArray(ascii("\n")),
      shared,
      shared.buffer,
    ];
    const { frames, error } = await through(new FramerStream(textLines()), chunks);
    assert.deepEqual([frames, error], [["zero", "one", "two", "four", "six", "six"], undefined]);
    const copied = await through(new FramerStream(raw()), [shared]);
    shared.fill(0);
    assert.deepEqual(copied.frames, [ascii("six\n")]);
    assert.ok((copied.frames[0] as Uint8Array).buffer instanceof ArrayBuffer);
  });

  for (const wrong of ["text\n", 7, null, [10], { length: 1 }]) {
    it(`S-57: are refused on both sides where they are no bytes: ${JSON.stringify(wrong)}`, async () => {
      const { frames, error, written } = await through(new FramerStream(textLines()), [
        ascii("one\n"),
        wrong,
      ]);
      assert.deepEqual(frames, ["one"]);
      assert.ok(error instanceof TypeError && /^cut frames: found .*, expected bytes/.test(error.message));
      assert.equal(written, error);
    });
  }
});

describe("what waits in a FramerStream", () => {
  it("S-57: is kept out of the stream's own queue, however many frames a chunk has", async () => {
    const { enqueue } = ReadableStreamDefaultController.prototype;
    let queued = 0;
    ReadableStreamDefaultController.prototype.enqueue = function (
      this: ReadableStreamDefaultController,
      item,
    ) {
      queued++;
      return enqueue.call(this, item);
    };
    try {
      for (const highWaterMark of [0, 10, Infinity]) {
        queued = 0;
        const framer = new FramerStream(textLines(), { readableStrategy: { highWaterMark } });
        const writer = framer.writable.getWriter();
        const written = writer.write(ascii("line\n".repeat(1_000)));
        const reader = framer.readable.getReader();
        for (let read = 1; read <= 100; read++) {
          assert.equal((await reader.read()).value, "line");
          assert.equal(queued, read);
        }
        await written;
      }
    } finally {
      ReadableStreamDefaultController.prototype.enqueue = enqueue;
    }
  });

  it("S-57: is read before a fault, also frames that count for nothing, whatever the strategy", async () => {
    const strategies: (QueuingStrategy<Uint8Array> | undefined)[] = [
      undefined,
      new ByteLengthQueuingStrategy({ highWaterMark: 16 }) as QueuingStrategy<Uint8Array>,
      new CountQueuingStrategy({ highWaterMark: 2 }),
      { highWaterMark: 0.3, size: () => 0.1 },
      { highWaterMark: 5, size: () => 0 },
    ];
    for (const readableStrategy of strategies) {
      const framer = new FramerStream(lines({ maxFrameBytes: 3 }), { readableStrategy });
      const { frames, error } = await through(framer, ["\n\na\n", "\n\n", "\n\ntoo long\n"].map(ascii));
      assert.deepEqual(frames, ["", "", "a", "", "", "", ""].map(ascii));
      assert.ok(error instanceof FrameError && error.reason === "too_large");
    }
  });

  it("S-57: is cut as far as the strategy has room, and no further before it is asked for", async () => {
    let cut = 0;
    const counting: Framing<Uint8Array> = {
      ...lines(),
      decoder: () => ({
        buffered: 0,
        push(chunk, next) {
          cut++;
          next(chunk);
        },
      }),
    };
    const framer = new FramerStream(counting, {
      readableStrategy: { highWaterMark: 6, size: (frame) => frame.length },
    });
    const writer = framer.writable.getWriter();
    const writes = Array.from({ length: 6 }, () => writer.write(ascii("12")));
    await writes[2];
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    assert.equal(cut, 3);
    const reader = framer.readable.getReader();
    for (let read = 0; read < 6; read++) await reader.read();
    await Promise.all(writes);
    assert.equal(cut, 6);
  });

  it("S-57: fails with the RangeError of a strategy whose size makes no sense", async () => {
    for (const size of [NaN, -1, Infinity]) {
      const framer = new FramerStream(textLines(), {
        readableStrategy: { highWaterMark: 9, size: () => size },
      });
      const { error } = await through(framer, [ascii("one\ntwo\n")]);
      assert.ok(error instanceof RangeError && /readableStrategy\.size said/.test(error.message), `${error}`);
    }
  });

  it("S-57: a frame made for a reader that has left goes to the next one, before the fault", async () => {
    for (const lines of [["one"], ["one", "two"]]) await leave(lines);
  });

  it("S-57, S-9: a decoder that holds part of a frame at the end, and does not complain, is truncated", async () => {
    const silent: Framing<Uint8Array> = {
      ...lines(),
      decoder: () => {
        const decoder = lines().decoder(() => {});
        return {
          push: (chunk, next) => decoder.push(chunk, next),
          get buffered() {
            return decoder.buffered;
          },
        };
      },
    };
    const { frames, error } = await through(new FramerStream(silent), [ascii("one\nt"), ascii("w")]);
    assert.deepEqual(frames, [ascii("one")]);
    assert.ok(error instanceof FrameError);
    assert.deepEqual([error.reason, error.offset, error.size], ["truncated", 4, 2]);
  });
});

describe("options of streams", () => {
  const misspelt = { readableStrategi: { highWaterMark: 1 } } as FramerStreamOptions<never>;
  const wrong = { readableStrategy: 5 } as unknown as FramerStreamOptions<never>;
  const endless = { writableStrategy: { highWaterMark: -1 } };
  // Not the one that all share, whose timer would keep this process alive.
  const wheel = new TimerWheel(new FakeClock());
  const makers: Readonly<Record<string, (options: object) => unknown>> = {
    FramerStream: (options) => new FramerStream(lines(), options),
    EncoderStream: (options) => new EncoderStream(lines(), options),
    BatcherStream: (options) => new BatcherStream({ maxFrames: 1, ...options }),
    IdleWatchdogStream: (options) => new IdleWatchdogStream("1 second", { wheel, ...options }),
    KeepaliveWriterStream: (options) =>
      new KeepaliveWriterStream({ interval: "1 second", payload: new Uint8Array(1), wheel, ...options }),
    MetricsTapStream: (options) => new MetricsTapStream(new MetricsTap(), options),
    RateLimiterStream: (options) => new RateLimiterStream({ framesPerSecond: 1, ...options }),
  };
  for (const [name, make] of Object.entries(makers)) {
    it(`S-57: ${name} refuses those it does not know, and strategies that are none`, () => {
      make({ readableStrategy: new CountQueuingStrategy({ highWaterMark: 1 }) });
      for (const options of [misspelt, wrong, endless]) {
        assert.throws(() => make(options), (error) => {
          return error instanceof OptionsError && /(read|writ)ableStrateg/.test(error.message);
        });
      }
    });
  }

  it("S-57: FramerStream and EncoderStream refuse what is no framing", () => {
    for (const framing of [lines, undefined, null, "lines"]) {
      assert.throws(() => new FramerStream(framing as never), /framing: found .*, expected a framing/);
      assert.throws(() => new EncoderStream(framing as never), /framing: found .*, expected a framing/);
    }
  });
});

describe("FramerStream with the platform's streams", () => {
  it("S-57: decodes and compresses frames of bytes", async () => {
    const source = () =>
      new Blob(["one;two;"]).stream().pipeThrough(new FramerStream(delimited({ delimiter: ";" })));
    assert.equal(await new Response(source()).text(), "onetwo");
    const texts: string[] = [];
    for await (const text of source().pipeThrough(new TextDecoderStream())) texts.push(text);
    assert.deepEqual(texts.join("|"), "one|two");
    const packed = source().pipeThrough(new CompressionStream("gzip"));
    assert.equal(await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text(), "onetwo");
  });
});
