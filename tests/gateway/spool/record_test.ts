/** The format of the spool's segments: whatever is cut off or changed in a file is found, and nothing else is lost. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { DiskFile } from "../../../src/host/disk.ts";
import {
  Batch,
  endOfRecord,
  readSegmentHeader,
  type RecordSink,
  segmentHeaderBytes,
} from "../../../src/gateway/spool/record.ts";
import { SegmentReader } from "../../../src/gateway/spool/segment_reader.ts";
import { it } from "../../support/it.ts";

const marker = 0xa1b2c3d4;
const encoder = new TextEncoder();

/** A segment with one context and frames of many lengths, and where its records begin. */
function segment(count: number, payload: (index: number) => Uint8Array) {
  const batch = new Batch();
  batch.header({ marker, first: 100 }, 0);
  const starts: number[] = [batch.length];
  batch.context(marker, 0, 7, encoder.encode("{}"));
  for (let index = 0; index < count; index++) {
    starts.push(batch.length);
    batch.frame(marker, index, 7, { seq: index + 1, received: index, payload: payload(index) });
  }
  return { bytes: batch.bytes.slice(), starts };
}

/** A file of these bytes. */
function fileOf(bytes: Uint8Array): DiskFile {
  return {
    read: (into, at) => {
      const part = bytes.subarray(at, at + into.length);
      into.set(part);
      return Promise.resolve(part.length);
    },
  } as DiskFile;
}

/** What a reader finds. */
async function found(bytes: Uint8Array, end: number = bytes.length) {
  const [frames, damage]: [number[], [number, number][]] = [[], []];
  let contexts = 0;
  const sink: RecordSink = {
    context: () => void contexts++,
    frame: (number) => void frames.push(number),
    damaged: (from, to) => void damage.push([from, to]),
  };
  const reader = new SegmentReader(fileOf(bytes), { marker, first: 100, end });
  await reader.read(sink, () => false);
  return { frames, damage, contexts };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => 100 + index);
const small = (index: number) => new Uint8Array(index * 3 % 17).fill(index);

describe("a segment of the spool", () => {
  it("has every frame and its context (F-85)", async () => {
    const { bytes } = segment(50, small);
    assert.deepEqual(await found(bytes), { frames: numbers(50), damage: [], contexts: 1 });
    const large = segment(5, () => new Uint8Array(200_000).fill(1));
    assert.deepEqual((await found(large.bytes)).frames, numbers(5));
  });

  it("has every whole record, however short it was cut (F-85)", async () => {
    const { bytes, starts } = segment(12, small);
    for (let end = segmentHeaderBytes; end < bytes.length; end++) {
      const whole = [...starts.slice(1), bytes.length].filter((last) => last <= end).length;
      const { frames, damage, contexts } = await found(bytes.subarray(0, end));
      assert.equal(frames.length + contexts, whole, `cut at ${end}`);
      const last = [...starts, bytes.length].findLast((start) => start <= end);
      assert.deepEqual(damage, last === end ? [] : [[last, end]], `cut at ${end}`);
    }
  });

  it("shows each byte that has changed, and has every other record (F-85)", async () => {
    const { bytes, starts } = segment(8, small);
    for (let at = segmentHeaderBytes; at < bytes.length; at++) {
      for (const bit of [1, 128]) {
        const changed = bytes.slice();
        changed[at]! ^= bit;
        const record = starts.findLastIndex((start) => start <= at);
        const { frames, damage, contexts } = await found(changed);
        const expected = numbers(8).filter((_, index) => index !== record - 1);
        assert.deepEqual(frames, expected, `byte ${at}`);
        assert.equal(contexts, record === 0 ? 0 : 1);
        assert.deepEqual(damage, [[starts[record], starts[record + 1] ?? bytes.length]], `byte ${at}`);
      }
    }
  });

  it("shows each byte of its header that has changed, and each length that is too short (F-85)", () => {
    const header = segment(0, small).bytes.subarray(0, segmentHeaderBytes);
    assert.deepEqual(readSegmentHeader(header), { marker, first: 100 });
    for (let at = 0; at < header.length; at++) {
      const changed = header.slice();
      changed[at]! ^= 1;
      assert.equal(readSegmentHeader(changed), undefined, `byte ${at}`);
      assert.equal(readSegmentHeader(header.subarray(0, at)), undefined, `length ${at}`);
    }
  });

  it("finds its records behind anything, a payload that looks like one included (F-85)", async () => {
    const { bytes, starts } = segment(4, (index) => {
      const fake = new Batch();
      fake.frame(marker ^ 1, index, 7, { seq: 1, received: 1, payload: new Uint8Array(20) });
      return fake.bytes.slice();
    });
    bytes.fill(0, starts[2]!, starts[2]! + 30);
    assert.deepEqual((await found(bytes)).frames, [100, 102, 103]);
    const zeros = new Uint8Array(600_000);
    const long = new Uint8Array([...bytes.subarray(0, starts[4]), ...zeros, ...bytes.subarray(starts[4])]);
    const { frames, damage } = await found(long);
    assert.deepEqual(frames, [100, 102, 103]);
    assert.equal(damage.length, 2);
  });

  it("is not read behind what is known to be written (F-85)", async () => {
    const { bytes, starts } = segment(4, small);
    assert.deepEqual(await found(bytes, starts[3]), { frames: [100, 101], damage: [], contexts: 1 });
  });

  it("takes no record whose body is too short for it (F-85)", () => {
    const bytes = new Uint8Array(64);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, marker);
    assert.equal(endOfRecord(bytes, view, 0, marker), 0);
    assert.equal(endOfRecord(bytes, view, 60, marker), 76);
  });
});
