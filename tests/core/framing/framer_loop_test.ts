// The loop of `for await` over a FramerStream, which takes frames past the stream: it does what a loop over any stream does.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FramerStream } from "../../../src/core/streams/framer_stream.ts";
import { lines } from "../../../src/core/framing/lines.ts";

const ascii = (text: string) => new TextEncoder().encode(text);
const enough = Promise.resolve(undefined);
const fault = new Error("the source failed");

/** The lines as a stream of the platform's own, and as one of ours; each fails at the end if it is to. */
function streams(frames: readonly string[], fails: boolean): readonly ReadableStream<string>[] {
  const source = <Item>(items: readonly Item[]): ReadableStream<Item> => {
    let at = 0;
    return new ReadableStream({
      pull(controller) {
        if (at < items.length) controller.enqueue(items[at++]!);
        else if (fails) controller.error(fault);
        else controller.close();
      },
    }, { highWaterMark: 0 });
  };
  const bytes = source([ascii(frames.map((frame) => `${frame}\n`).join(""))]);
  return [source(frames), bytes.pipeThrough(new FramerStream(lines({ encoding: "utf-8" })))];
}

type Loop = (stream: ReadableStream<string>, say: (what: unknown) => void) => Promise<void>;

/** What is done with both kinds of streams, and must come to the same. */
const loops: Readonly<Record<string, Loop>> = {
  "gives everything in order and lets the stream go": async (stream, say) => {
    for await (const frame of stream) {
      say(frame);
      say(stream.locked);
    }
    say(stream.locked);
  },
  "cancels the stream when it is left": async (stream, say) => {
    for await (const frame of stream) {
      say(frame);
      if (frame === "two") break;
    }
    say(stream.locked);
    say(await stream.getReader().read());
  },
  "leaves the rest to the next reader where it is told to": async (stream, say) => {
    for await (const frame of stream.values({ preventCancel: true })) {
      say(frame);
      if (frame === "two") break;
    }
    say(stream.locked);
    const reader = stream.getReader();
    say(await reader.read());
    reader.releaseLock();
    for await (const frame of stream) say(frame);
  },
  "goes on where a reader has stopped": async (stream, say) => {
    const reader = stream.getReader();
    say(await reader.read());
    reader.releaseLock();
    for await (const frame of stream) say(frame);
  },
  "answers steps that were asked for at once in order": async (stream, say) => {
    const loop = stream[Symbol.asyncIterator]();
    say(await Promise.all([loop.next(), loop.next()]));
    say(await Promise.all([loop.next(), loop.return!(enough), loop.next()]));
    say(stream.locked);
  },
  "is over once it has ended": async (stream, say) => {
    const loop = stream.values();
    for (let step = 0; step < 6; step++) say(await loop.next());
    say(await loop.return!(enough));
    say(stream.locked);
  },
  "does not begin on a stream that is read already": (stream, say) => {
    const reader = stream.getReader();
    try {
      stream.values();
    } catch (error) {
      say((error as Error).name);
    }
    reader.releaseLock();
    return Promise.resolve();
  },
};

/** What a loop says, its failure last. */
async function told(loop: Loop, stream: ReadableStream<string>): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  await loop(stream, (what) => all.push(what)).catch((error: unknown) => all.push("failed", error));
  return all;
}

describe("for await over a FramerStream (F-11)", () => {
  for (const [claim, loop] of Object.entries(loops)) {
    for (const fails of [false, true]) {
      it(`${claim}, as over any stream${fails ? " that fails" : ""}`, async () => {
        const [platform, ours] = streams(["one", "two", "three", "four"], fails);
        assert.deepEqual(await told(loop, ours!), await told(loop, platform!));
      });
    }
  }

  it("takes frames past the stream, whose own way costs several promises a frame", async () => {
    const { enqueue } = ReadableStreamDefaultController.prototype;
    let enqueued = 0;
    ReadableStreamDefaultController.prototype.enqueue = function (
      this: ReadableStreamDefaultController,
      item,
    ) {
      if (typeof item === "string") enqueued++;
      return enqueue.call(this, item);
    };
    try {
      const [, ours] = streams(Array<string>(1000).fill("line"), false);
      let frames = 0;
      for await (const _ of ours!) frames++;
      assert.equal(frames, 1000);
      assert.ok(enqueued < 10, `${enqueued} frames went through the stream`);
    } finally {
      ReadableStreamDefaultController.prototype.enqueue = enqueue;
    }
  });

  it("gives frames in order to steps that waited for them and to one that is asked for in between", async () => {
    const { readable, writable } = new FramerStream(lines({ encoding: "utf-8" }));
    const loop = readable.values();
    const [first, second] = [loop.next(), loop.next()];
    void writable.getWriter().write(ascii("one\ntwo\nthree\nfour\n"));
    const frames = [(await first).value, (await loop.next()).value, (await second).value];
    assert.deepEqual(frames, ["one", "three", "two"]);
  });

  it("takes nothing more once it was left, also while a step waited", async () => {
    const { readable, writable } = new FramerStream(lines({ encoding: "utf-8" }));
    const loop = readable.values({ preventCancel: true });
    const [first, left] = [loop.next(), loop.return!()];
    void writable.getWriter().write(ascii("one\ntwo\n"));
    assert.equal((await first).value, "one");
    assert.ok((await left).done && (await loop.next()).done);
    assert.equal((await readable.getReader().read()).value, "two");
  });

  it("wakes the writer that waits, and ends its write when the loop is left", async () => {
    const framer = new FramerStream(lines({ encoding: "utf-8" }));
    const writer = framer.writable.getWriter();
    writer.closed.catch(() => {});
    const writes = ["one\ntwo\n", "three\n"].map((text) => writer.write(ascii(text)));
    const taken: string[] = [];
    for await (const frame of framer.readable) {
      taken.push(frame);
      if (frame === "three") break;
    }
    assert.deepEqual(taken, ["one", "two", "three"]);
    await Promise.all(writes);
    await assert.rejects(writer.write(ascii("four\n")));
  });
});
