/** What our streams and those of Deno's standard library must do together. */
import assert from "node:assert/strict";
import { it } from "../support/it.ts";
import { EncoderStream, FrameError, FramerStream, lines } from "../../streams.ts";
import { type Bytes, middles } from "./middle.ts";
import type { Std } from "./std.ts";

const bytesOf = (text: string): ReadableStream<Bytes> => new Blob([text]).stream() as ReadableStream<Bytes>;
const toText = (): ReadableWritablePair<string, Bytes> =>
  new TextDecoderStream() as unknown as ReadableWritablePair<string, Bytes>;

/** Declares the tests; `load` gives the library, or throws why it is not there. */
export function claimStd(
  options: { skip?: string },
  load: (t: { after(done: () => unknown): void }) => Promise<Std>,
): void {
  it("lines that EncoderStream writes are the lines that TextLineStream reads", options, async (t) => {
    const { streams, assert: std } = await load(t);
    const given = Array.from({ length: 300 }, (_, at) => `line ${at} äö`);
    const source = new ReadableStream<string>({
      start(controller) {
        for (const line of given) controller.enqueue(line);
        controller.close();
      },
    });
    const found: string[] = [];
    const lined = source.pipeThrough(new EncoderStream(lines({ encoding: "utf-8" }))).pipeThrough(toText())
      .pipeThrough(new streams.TextLineStream());
    const reader = lined.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) found.push(next.value);
    std.assertEquals(found, given);
  });

  for (const { name, make, changed } of middles) {
    it(`${name} passes everything on from LimitedBytesTransformStream to toText`, options, async (t) => {
      const { streams } = await load(t);
      const text = "one\ntwo\nthree\n".repeat(500);
      const limited = bytesOf(text).pipeThrough(new streams.LimitedBytesTransformStream(1_000_000));
      assert.equal(await streams.toText(limited.pipeThrough(make())), changed(text));
    });
  }

  it(
    "a limit of theirs that is exceeded is the error that a reader behind our stage gets",
    options,
    async (t) => {
      const { streams, assert: std } = await load(t);
      for (const { make } of middles) {
        const limited = bytesOf("a\n".repeat(100)).pipeThrough(
          new streams.LimitedBytesTransformStream(10, { error: true }),
        );
        await std.assertRejects(() => streams.toText(limited.pipeThrough(make())), RangeError);
      }
    },
  );

  it(
    "a limit of ours that is exceeded is the error that toText fails with, and the source is told",
    options,
    async (t) => {
      const { streams, assert: std } = await load(t);
      let tell: (reason: unknown) => void;
      const left = new Promise((resolve) => tell = resolve);
      const source = new ReadableStream<Bytes>({
        pull: (controller) => controller.enqueue(new TextEncoder().encode("a line\n")),
        cancel: (reason) => tell(reason),
      });
      const framed = source.pipeThrough(new streams.LimitedBytesTransformStream(1_000_000))
        .pipeThrough(new FramerStream(lines({ maxFrameBytes: 3 })));
      const error = await std.assertRejects(() => streams.toText(framed), FrameError);
      assert.equal(await left, error);
    },
  );
}
