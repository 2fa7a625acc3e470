import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameError } from "../../../src/core/errors.ts";
import { EncoderStream, FramerStream } from "../../../src/core/streams/framer_stream.ts";
import type { Framing } from "../../../src/core/framing/framing.ts";
import { lengthField } from "../../../src/core/framing/length_field.ts";
import { lines } from "../../../src/core/framing/lines.ts";

const ascii = (text: string) => new TextEncoder().encode(text);
const textLines = () => lines({ encoding: "utf-8" });

/** A stream of these items, which then closes, or fails. */
function streamOf<Item>(items: readonly Item[], failure?: Error): ReadableStream<Item> {
  const queue = [...items];
  return new ReadableStream<Item>({
    pull(controller) {
      if (queue.length > 0) controller.enqueue(queue.shift()!);
      else if (failure === undefined) controller.close();
      else controller.error(failure);
    },
  });
}

/** Everything that can be read, and what reading ends with. */
async function readAll<Item>(stream: ReadableStream<Item>): Promise<{ items: Item[]; error: unknown }> {
  const items: Item[] = [];
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { items, error: undefined };
      items.push(value);
    }
  } catch (error) {
    return { items, error };
  }
}

/** Lets every promise job run. */
const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

describe("FramerStream (F-11)", () => {
  it("cuts frames across chunks and composes with pipeThrough", async () => {
    const upper = new TransformStream<string, string>({
      transform: (line, controller) => controller.enqueue(line.toUpperCase()),
    });
    const chunks = ["one\ntw", "o\r\n", "\n", "three\n"].map(ascii);
    const { items, error } = await readAll(
      streamOf(chunks).pipeThrough(new FramerStream(textLines())).pipeThrough(upper),
    );
    assert.equal(error, undefined);
    assert.deepEqual(items, ["ONE", "TWO", "", "THREE"]);
  });

  it("gives the frames of 50 chunks of three lines each, in order, whatever the strategies", async () => {
    const chunks = Array.from({ length: 50 }, (_, i) => ascii(`${i}a\n${i}b\n${i}c\n`));
    const expected = chunks.flatMap((_, i) => [`${i}a`, `${i}b`, `${i}c`]);
    for (const highWaterMark of [0, 1, 10, Infinity]) {
      const framer = new FramerStream(textLines(), {
        readableStrategy: { highWaterMark },
        writableStrategy: { highWaterMark: 1000, size: (chunk) => chunk.length },
      });
      assert.deepEqual((await readAll(streamOf(chunks).pipeThrough(framer))).items, expected);
    }
  });

  it("S-9: input that ends inside a frame ends with a truncated FrameError, after the frames before it", async () => {
    const { items, error } = await readAll(
      streamOf([ascii("one\ntwo\nthr")]).pipeThrough(new FramerStream(textLines())),
    );
    assert.deepEqual(items, ["one", "two"]);
    assert.ok(error instanceof FrameError);
    assert.deepEqual([error.reason, error.offset, error.size], ["truncated", 8, 3]);
  });

  it("passes on the frames before a fault in the same chunk, then fails both sides (F-7)", async () => {
    for (const highWaterMark of [0, 1, 10, Infinity]) {
      const framer = new FramerStream(lines({ encoding: "utf-8", maxFrameBytes: 5 }), {
        readableStrategy: { highWaterMark },
      });
      const writer = framer.writable.getWriter();
      const closed = writer.closed.then(() => undefined, (error: unknown) => error);
      const written = writer.write(ascii("one\ntwo\nthree-four\nfive\n")).then(
        () => undefined,
        (error) => error,
      );
      const { items, error } = await readAll(framer.readable);
      assert.deepEqual(items, ["one", "two"]);
      assert.ok(error instanceof FrameError && error.reason === "too_large" && error.offset === 8);
      assert.equal(await written, error);
      assert.equal(await closed, error);
    }
  });

  it("passes on the frames before its source fails, then fails with the same error", async () => {
    const failure = new Error("reset by peer");
    const framer = new FramerStream(textLines(), { readableStrategy: { highWaterMark: 10 } });
    const { items, error } = await readAll(streamOf([ascii("one\ntwo\nth")], failure).pipeThrough(framer));
    assert.deepEqual(items, ["one", "two"]);
    assert.equal(error, failure);
  });

  it("tells of skipped frames and goes on (F-7)", async () => {
    const skipped: FrameError[] = [];
    const framer = new FramerStream(lines({ encoding: "utf-8", maxFrameBytes: 5, onFrameError: "skip" }), {
      onFrameError: (error) => skipped.push(error),
    });
    const { items, error } = await readAll(
      streamOf(["one\nmuch too long\n", "two\n"].map(ascii)).pipeThrough(framer),
    );
    assert.equal(error, undefined);
    assert.deepEqual(items, ["one", "two"]);
    assert.deepEqual(skipped.map(({ reason, offset }) => [reason, offset]), [["too_large", 4]]);
  });

  it("cuts no chunk before its frames are asked for", async () => {
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
    const framer = new FramerStream(counting);
    const writer = framer.writable.getWriter();
    const writes = [1, 2, 3].map((byte) => writer.write(new Uint8Array([byte])));
    await settled();
    assert.equal(cut, 0);
    const reader = framer.readable.getReader();
    await reader.read();
    await settled();
    assert.equal(cut, 1);
    await reader.read();
    await reader.read();
    await Promise.all(writes);
    assert.equal(cut, 3);
  });

  it("stops its source when its reader cancels, even while a chunk waits", async () => {
    const reason = new Error("enough");
    const framer = new FramerStream(textLines());
    const writer = framer.writable.getWriter();
    const closed = writer.closed.then(() => undefined, (error: unknown) => error);
    const waiting = writer.write(ascii("one\n"));
    await settled();
    await framer.readable.cancel(reason);
    await waiting.catch(() => {});
    assert.equal(await closed, reason);
    await assert.rejects(writer.write(ascii("two\n")), reason);
  });

  it("lets a writer give up while its chunk waits to be read", { timeout: 5000 }, async () => {
    const reason = new Error("gave up");
    const framer = new FramerStream(textLines());
    const writer = framer.writable.getWriter();
    writer.closed.catch(() => {});
    writer.write(ascii("one\n")).catch(() => {});
    await settled();
    await writer.abort(reason);
    assert.equal((await readAll(framer.readable)).error, reason);
  });
});

/** Lines of which it is counted how many have been cut. */
function countedLines() {
  const framing = textLines();
  const counts = { cut: 0 };
  const counting: Framing<string> = {
    ...framing,
    decoder: (report) => {
      const decoder = framing.decoder(report);
      const count = (next: (line: string) => unknown) => (line: string) => {
        counts.cut++;
        return next(line);
      };
      return {
        get buffered() {
          return decoder.buffered;
        },
        push: (chunk, next) => decoder.push(chunk, count(next)),
        resume: (next) => decoder.resume!(count(next)),
        flush: (next) => decoder.flush!(count(next)),
      };
    },
  };
  return { counting, counts };
}

describe("FramerStream with a chunk of very many frames", () => {
  const many = ascii("\n".repeat(65_536));

  for (const highWaterMark of [0, 10, 5000]) {
    it(`S-44: the rest of it waits as bytes, with room for ${highWaterMark} frames`, async () => {
      const { counting, counts } = countedLines();
      const framer = new FramerStream(counting, { readableStrategy: { highWaterMark } });
      const writer = framer.writable.getWriter();
      let done = 0;
      for (const chunk of [many, ascii("last\n")]) void writer.write(chunk).then(() => done++);
      void writer.close();
      const reader = framer.readable.getReader();
      let most = 0;
      for (let read = 1; read <= 65_536; read++) {
        assert.equal((await reader.read()).value, "");
        most = Math.max(most, counts.cut - read);
        if (read === 10_000) assert.equal(done, 0);
      }
      assert.ok(
        most <= Math.max(1024, highWaterMark) && most >= highWaterMark,
        `${most} frames were cut ahead`,
      );
      assert.equal((await reader.read()).value, "last");
      assert.ok((await reader.read()).done);
      assert.equal(done, 2);
    });
  }

  it("S-44: one whose framing cannot stop is cut in pieces", async () => {
    let pieces = 0;
    const bytes: Framing<number> = {
      ...lines(),
      decoder: () => ({
        buffered: 0,
        push(chunk, next) {
          pieces++;
          for (const byte of chunk) next(byte);
        },
      }),
      encode: () => {},
    };
    const { readable, writable } = new FramerStream(bytes);
    const writer = writable.getWriter();
    void writer.write(many).then(() => writer.close());
    const reader = readable.getReader();
    await reader.read();
    assert.equal(pieces, 1);
    reader.releaseLock();
    assert.equal((await readAll(readable)).items.length, 65_535);
    assert.equal(pieces, 4);
  });

  it("S-44: a fault in the rest fails both sides, after the frames before it", async () => {
    const framer = new FramerStream(lines({ encoding: "utf-8", maxFrameBytes: 5 }));
    const writer = framer.writable.getWriter();
    const fault = (of: Promise<unknown>) => of.then(() => undefined, (error: unknown) => error);
    const closed = fault(writer.closed);
    const written = fault(writer.write(ascii(`${"\n".repeat(5000)}three-four\n`)));
    const { items, error } = await readAll(framer.readable);
    assert.equal(items.length, 5000);
    assert.ok(error instanceof FrameError && error.reason === "too_large" && error.offset === 5000);
    assert.equal(await written, error);
    assert.equal(await closed, error);
  });

  it("S-44: when the source fails, the frames of the rest are read first", { timeout: 5000 }, async () => {
    const failure = new Error("reset by peer");
    const { items, error } = await readAll(
      streamOf([many], failure).pipeThrough(new FramerStream(textLines())),
    );
    assert.equal(items.length, 65_536);
    assert.equal(error, failure);
  });

  it(
    "S-44: a writer that gives up waits no longer, and what it had written is read first",
    { timeout: 5000 },
    async () => {
      const reason = new Error("gave up");
      const framer = new FramerStream(textLines());
      const writer = framer.writable.getWriter();
      writer.closed.catch(() => {});
      writer.write(many).catch(() => {});
      const reader = framer.readable.getReader();
      await reader.read();
      await writer.abort(reason);
      reader.releaseLock();
      const { items, error } = await readAll(framer.readable);
      assert.equal(items.length, 65_535);
      assert.equal(error, reason);
    },
  );

  it("S-44: a reader that cancels ends the write that waits", { timeout: 5000 }, async () => {
    const reason = new Error("enough");
    const { counting, counts } = countedLines();
    const framer = new FramerStream(counting);
    const writer = framer.writable.getWriter();
    const closed = writer.closed.then(() => undefined, (error: unknown) => error);
    const waiting = writer.write(many).catch(() => {});
    const reader = framer.readable.getReader();
    await reader.read();
    await reader.cancel(reason);
    await waiting;
    assert.equal(await closed, reason);
    assert.ok(counts.cut <= 1025, `${counts.cut} frames were cut`);
  });
});

describe("EncoderStream (F-2, F-5)", () => {
  it("writes one chunk a frame, which FramerStream cuts again", async () => {
    const frames = ["", "one", "é€😀"];
    const chunks = await readAll(streamOf(frames).pipeThrough(new EncoderStream(textLines())));
    assert.deepEqual(chunks.items, ["\n", "one\n", "é€😀\n"].map(ascii));
    const back = await readAll(streamOf(chunks.items).pipeThrough(new FramerStream(textLines())));
    assert.deepEqual(back.items, frames);
  });

  it("fails with a FrameError for a frame that cannot be written, after the chunks before it", async () => {
    const framing = lengthField({ lengthBytes: 1, strip: 1 });
    const encoder = new EncoderStream(framing, { readableStrategy: { highWaterMark: 10 } });
    const frames = [new Uint8Array(255), new Uint8Array(256), new Uint8Array(1)];
    const { items, error } = await readAll(streamOf(frames).pipeThrough(encoder));
    assert.deepEqual(items.map((chunk) => chunk.length), [256]);
    assert.ok(error instanceof FrameError && error.reason === "too_large");
  });
});
