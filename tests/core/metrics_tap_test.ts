import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { MetricsTap } from "../../src/core/streams/metrics_tap.ts";
import { MetricsTapStream } from "../../src/core/streams/metrics_tap_stream.ts";
import { compose } from "../../src/core/streams/stage.ts";

test("a tap counts items, bytes and the largest, and changes nothing", () => {
  const tap = new MetricsTap();
  const items = [new Uint8Array(3), new Uint8Array(0), new Uint8Array(10), new Uint8Array(4)];
  const out: Uint8Array[] = [];
  for (const item of items) tap.push(item, (same) => out.push(same));
  equal(out.length, 4);
  out.forEach((item, i) => equal(item, items[i]));
  deepEqual(tap.counts(), { items: 4, bytes: 17, largest: 10 });
});

test("counts are those of their moment", () => {
  const tap = new MetricsTap<string>();
  tap.push("é", () => {});
  const before = tap.counts();
  tap.push("long", () => {});
  deepEqual(before, { items: 1, bytes: 2, largest: 2 });
});

test("other things count as what their size function says, or as 0", () => {
  const sized = new MetricsTap<{ n: number }>(({ n }) => n);
  sized.push({ n: 7 }, () => {});
  equal(sized.bytes, 7);
  const plain = new MetricsTap<object>();
  plain.push({}, () => {});
  deepEqual(plain.counts(), { items: 1, bytes: 0, largest: 0 });
});

test("S-41: on both sides of a stage the counts add up", () => {
  const before = new MetricsTap();
  const after = new MetricsTap();
  const halves = {
    push: (b: Uint8Array, next: (out: Uint8Array) => void) => (next(b.subarray(1)), next(b.subarray(0, 1))),
  };
  const chain = compose(before, halves, after);
  for (let n = 1; n <= 50; n++) chain.push(new Uint8Array(n), () => {});
  equal(before.bytes, 1_275);
  equal(after.bytes, before.bytes);
  equal(after.items, before.items * 2);
});

test("as a stream it composes with pipeThrough, and one tap may count several streams", async () => {
  const tap = new MetricsTap<string>();
  for (const text of ["one", "three"]) {
    const stream = new MetricsTapStream(tap);
    const source = new ReadableStream<string>({
      start(controller) {
        for (const letter of text) controller.enqueue(letter);
        controller.close();
      },
    });
    const reader = source.pipeThrough(stream).pipeThrough(new TextEncoderStream()).getReader();
    while (!(await reader.read()).done);
    equal(stream.counts.items, tap.items);
  }
  deepEqual(tap.counts(), { items: 8, bytes: 8, largest: 1 });
});
