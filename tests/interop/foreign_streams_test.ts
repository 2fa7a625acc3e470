// Our stages in the middle of chains of the platform's own streams: all that goes in comes out, both ends learn why the
// other one has left, and nobody who does not read is given more than a few chunks.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { it } from "../support/it.ts";
import { type Bytes, type Chain, type Middle, middles } from "./middle.ts";

const deadlineMs = 30_000;
const encoder = new TextEncoder();

/** Rejects where a stream that should have ended has not. */
async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`wait for ${what}: ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Gives chunks as long as it is asked, and remembers why it was left. */
class Source {
  pulled = 0;
  readonly left: Promise<unknown>;
  readonly stream: ReadableStream<Bytes>;

  constructor(chunks: Iterator<string>) {
    let tell: (reason: unknown) => void;
    this.left = new Promise((resolve) => tell = resolve);
    this.stream = new ReadableStream<Bytes>({
      pull: (controller) => {
        const { done, value } = chunks.next();
        if (done === true) return controller.close();
        this.pulled++;
        controller.enqueue(encoder.encode(value));
      },
      cancel: (reason) => tell(reason),
    }, { highWaterMark: 0 });
  }
}

function* forever(chunk: string): Generator<string, undefined> {
  for (;;) yield chunk;
}

/** One chunk, and silence. */
function sourceThatFallsSilent(chunk: string): { stream: ReadableStream<Bytes>; left: Promise<unknown> } {
  let tell: (reason: unknown) => void;
  const left = new Promise<unknown>((resolve) => tell = resolve);
  const stream = new ReadableStream<Bytes>({
    start: (controller) => controller.enqueue(encoder.encode(chunk)),
    cancel: (reason) => tell(reason),
  });
  return { stream, left };
}

const plain = (): TransformStream<Bytes, Bytes> => new TransformStream<Bytes, Bytes>();
// Each library of types has its own idea of what these take.
const packed = (): Chain => new CompressionStream("gzip") as unknown as Chain;
const unpacked = (): Chain => new DecompressionStream("gzip") as unknown as Chain;
const toText = (): ReadableWritablePair<string, Bytes> =>
  new TextDecoderStream() as unknown as ReadableWritablePair<string, Bytes>;

async function textOf(stream: ReadableStream<string>): Promise<string> {
  const reader = stream.getReader();
  let text = "";
  for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
  return text;
}

/** What a promise is rejected with. */
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail("it did not fail");
}

/** So many turns of the event loop, in which everything has been done that waits for nobody. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** What each stage must do. */
function claims({ name, make, changed, failing, error }: Middle): void {
  it(`${name} passes everything on between streams of the platform`, async () => {
    const chunks = Array.from({ length: 200 }, (_, at) => `line ${at} of some length, ä€𝄞\n`);
    const source = new Source(chunks[Symbol.iterator]());
    const text = await within(
      "the text",
      textOf(
        source.stream.pipeThrough(packed()).pipeThrough(unpacked())
          .pipeThrough(make())
          .pipeThrough(packed()).pipeThrough(unpacked()).pipeThrough(toText()),
      ),
    );
    assert.equal(text, changed(chunks.join("")));
  });

  it(`${name} tells the source why the reader has left`, async () => {
    const reason = new Error("seen enough");
    const source = new Source(forever("line\n"));
    const reader = source.stream.pipeThrough(plain()).pipeThrough(make()).pipeThrough(plain())
      .pipeThrough(toText()).getReader();
    assert.equal((await within("a chunk", reader.read())).done, false);
    // A TransformStream of Node 20 loses the reason where it has just been asked for more.
    await turns(20);
    await within("the cancellation", reader.cancel(reason));
    assert.equal(await within("the source", source.left), reason);
  });

  it(`${name} tells the reader why the writer has given up`, async () => {
    const reason = new Error("no more");
    const first = plain();
    const reader = first.readable.pipeThrough(make()).pipeThrough(plain()).pipeThrough(toText()).getReader();
    const read = failureOf(reader.read());
    const writer = first.writable.getWriter();
    await within("the abort", writer.abort(reason));
    assert.equal(await within("the reader", read), reason);
  });

  it(`${name} passes on the error of a stream in front of it, and that of one behind it`, async () => {
    const broken = new Source(forever("not compressed\n"));
    const read = textOf(broken.stream.pipeThrough(unpacked()).pipeThrough(make()).pipeThrough(toText()));
    const control = new Source(forever("not compressed\n"));
    const wanted = textOf(control.stream.pipeThrough(unpacked()).pipeThrough(toText()));
    const [found, expected] = await within("both", Promise.all([failureOf(read), failureOf(wanted)]));
    assert.equal((found as Error).name, (expected as Error).name);
    assert.equal((found as Error).message, (expected as Error).message);

    const behind = new Error("behind");
    const source = new Source(forever("line\n"));
    const failing = new TransformStream<Bytes, Bytes>({
      transform() {
        throw behind;
      },
    });
    const failed = failureOf(
      textOf(source.stream.pipeThrough(make()).pipeThrough(failing).pipeThrough(toText())),
    );
    assert.equal(await within("the reader", failed), behind);
    assert.equal(await within("the source", source.left), behind);
  });

  it(`${name} that fails tells both ends the same error`, async () => {
    const { chain, later } = failing();
    const { stream, left } = sourceThatFallsSilent("bad\n");
    const text = stream.pipeThrough(plain()).pipeThrough(chain).pipeThrough(plain()).pipeThrough(toText());
    const reader = text.getReader();
    if (later !== undefined) {
      assert.equal((await within("a chunk", reader.read())).value, "bad\n");
      // The next one is asked for all along the chain before the time passes.
      const failed = failureOf(reader.read());
      await turns(20);
      later();
      assert.equal((await within("the reader", failed) as Error).name, error);
    } else {
      const failed = failureOf((async () => {
        while (!(await reader.read()).done);
      })());
      assert.equal((await within("the reader", failed) as Error).name, error);
    }
    assert.equal(await within("the source", left), await failureOf(reader.read()));
  });

  it(`${name} asks for no more than a few chunks while nobody reads, and goes on when somebody does`, async () => {
    const chunks = Array.from({ length: 1_000 }, (_, at) => `line ${at}\n`);
    const source = new Source(chunks[Symbol.iterator]());
    const text = source.stream.pipeThrough(plain()).pipeThrough(make()).pipeThrough(plain())
      .pipeThrough(toText());
    await turns(50);
    assert.ok(source.pulled < 20, `${source.pulled} chunks`);
    assert.equal(await within("the text", textOf(text)), changed(chunks.join("")));
  });
}

describe("stages among streams of the platform", () => {
  for (const middle of middles) claims(middle);

  it("all stages in one chain pass everything on", async () => {
    const chunks = Array.from({ length: 500 }, (_, at) => `line ${at}\n`);
    const source = new Source(chunks[Symbol.iterator]());
    let stream = source.stream.pipeThrough(packed()).pipeThrough(unpacked());
    for (const { make } of middles) stream = stream.pipeThrough(plain()).pipeThrough(make());
    assert.equal(
      await within("the text", textOf(stream.pipeThrough(toText()))),
      chunks.join("").replaceAll("\n", ""),
    );
  });
});
