import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { test } from "node:test";
import { compose, type Stage, toTransformStream } from "../../src/core/streams/stage.ts";

/** Passes on each number so many times, and `-1` at the end. */
const twice: Stage<number, number> = {
  push(item, next) {
    next(item);
    next(item);
  },
  flush: (next) => next(-1),
};

const odd: Stage<number, number> = {
  push(item, next) {
    if (item % 2 !== 0) next(item);
  },
};

const text: Stage<number, string> = { push: (item, next) => next(`<${item}>`), flush: (next) => next("end") };

function run<In, Out>(stage: Stage<In, Out>, items: readonly In[]): Out[] {
  const out: Out[] = [];
  const next = (item: Out): void => void out.push(item);
  for (const item of items) stage.push(item, next);
  stage.flush?.(next);
  return out;
}

test("stages in a row pass on none, one or many, in order, and flush from the first to the last", () => {
  deepEqual(run(compose(twice, odd, text), [1, 2, 3]), ["<1>", "<1>", "<3>", "<3>", "<-1>", "end"]);
});

test("a composed stage is a stage: composing it again changes nothing", () => {
  const flat = run(compose(twice, odd, twice, text), [1, 2, 3]);
  deepEqual(run(compose(compose(twice, odd), compose(twice, text)), [1, 2, 3]), flat);
  deepEqual(run(compose(twice, compose(odd, compose(twice, text))), [1, 2, 3]), flat);
});

test("one stage is itself, and none passes everything on", () => {
  equal(compose(twice), twice);
  deepEqual(run(compose<number, number>(...[]), [1, 2]), [1, 2]);
});

test("everything has been passed on when push returns", () => {
  const out: string[] = [];
  const chain = compose(twice, text);
  chain.push(5, (item) => out.push(item));
  deepEqual(out, ["<5>", "<5>"]);
});

test("items may go to a different place each time", () => {
  const chain = compose(odd, text);
  const here: string[] = [];
  const there: string[] = [];
  chain.push(1, (item) => here.push(item));
  chain.push(3, (item) => there.push(item));
  deepEqual([here, there], [["<1>"], ["<3>"]]);
});

test("what a stage throws comes out of push", () => {
  const bad: Stage<number, number> = {
    push() {
      throw new Error("bad item");
    },
  };
  throws(() => compose(twice, bad, text).push(1, () => {}), /bad item/);
});

test("as a stream a stage composes with pipeThrough and other people's streams", async () => {
  const source = new ReadableStream<number>({
    start(controller) {
      for (const item of [1, 2, 3]) controller.enqueue(item);
      controller.close();
    },
  });
  const out = source
    .pipeThrough(toTransformStream(compose(twice, odd)))
    .pipeThrough(toTransformStream(text))
    .pipeThrough(new TextEncoderStream())
    .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>);
  let all = "";
  const reader = out.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) all += read.value;
  equal(all, "<1><1><3><3><-1>end");
});

test("an error of a stage errors both sides of its stream, also one in flush", async () => {
  const bad: Stage<number, number> = {
    push() {
      throw new Error("bad item");
    },
  };
  const stream = toTransformStream(bad);
  const writer = stream.writable.getWriter();
  const closed = rejects(writer.closed, /bad item/);
  const read = rejects(stream.readable.getReader().read(), /bad item/);
  await rejects(writer.write(1), /bad item/);
  await closed;
  await read;

  const unfinished: Stage<number, number> = {
    push() {},
    flush() {
      throw new Error("unfinished");
    },
  };
  const ending = toTransformStream(unfinished);
  const rest = rejects(ending.readable.getReader().read(), /unfinished/);
  await rejects(ending.writable.close(), /unfinished/);
  await rest;
});

test("a slow reader is felt by the writer", async () => {
  const stream = toTransformStream(odd);
  const writer = stream.writable.getWriter();
  await writer.ready;
  const first = writer.write(1);
  equal(writer.desiredSize, 0);
  const reader = stream.readable.getReader();
  equal((await reader.read()).value, 1);
  await first;
  await writer.ready;
  equal(writer.desiredSize, 1);
});
