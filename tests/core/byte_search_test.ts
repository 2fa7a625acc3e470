// Where a byte is in a chunk, found four at a time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { findByte, wordsOf } from "../../src/core/bytes/byte_search.ts";

/** Bytes that are next to the one looked for, and those that carries and borrows run over. */
const others = [0x00, 0x01, 0x09, 0x0b, 0x7f, 0x80, 0x8a, 0xff];

function chunkAt(byteOffset: number, length: number, filling: number): Uint8Array {
  // What lies before and behind the chunk in the same memory is what is looked for.
  const memory = new Uint8Array(byteOffset + length + 8).fill(10);
  return memory.subarray(byteOffset, byteOffset + length).fill(filling);
}

function find(chunk: Uint8Array, from: number): number {
  const words = wordsOf(chunk, chunk.buffer, chunk.byteOffset);
  assert.ok(words !== undefined);
  return findByte(chunk, words, chunk.byteOffset & 3, 10, from);
}

test("A byte is found wherever it is, from wherever one looks, and however the chunk lies in its memory", () => {
  for (const filling of others) {
    for (let byteOffset = 0; byteOffset < 4; byteOffset++) {
      for (const length of [128, 129, 130, 131, 400]) {
        const chunk = chunkAt(byteOffset, length, filling);
        for (let from = 0; from <= length; from += 3) assert.equal(find(chunk, from), -1);
        for (let at = 0; at < length; at++) {
          chunk[at] = 10;
          for (const from of [0, at - 5, at - 2, at - 1, at, at + 1]) {
            assert.equal(
              find(chunk, Math.max(0, from)),
              chunk.indexOf(10, Math.max(0, from)),
              `${at} from ${from}`,
            );
          }
          chunk[at] = filling;
        }
      }
    }
  }
});

test("Of several, the first is found, whatever stands between them", () => {
  const chunk = chunkAt(1, 300, 0);
  for (let at = 0; at < chunk.length; at++) chunk[at] = at % 7 === 0 ? 10 : others[at % others.length]!;
  for (let from = 0; from < chunk.length; from++) assert.equal(find(chunk, from), chunk.indexOf(10, from));
});

test("Zero is found as any other", () => {
  const chunk = chunkAt(0, 200, 1);
  chunk[77] = 0;
  const words = wordsOf(chunk, chunk.buffer, 0)!;
  assert.equal(findByte(chunk, words, 0, 0, 0), 77);
  assert.equal(findByte(chunk, words, 0, 0, 78), -1);
});

test("A chunk whose memory is taken away is not searched for ever", () => {
  const chunk = chunkAt(0, 200, 1);
  const words = wordsOf(chunk, chunk.buffer, 0)!;
  structuredClone(chunk.buffer, { transfer: [chunk.buffer as ArrayBuffer] });
  let found = -1;
  try {
    found = findByte(chunk, words, 0, 10, 64);
  } catch (error) {
    assert.ok(error instanceof TypeError);
  }
  assert.equal(found, -1);
});

test("Short chunks are left to the engine", () => {
  assert.equal(wordsOf(new Uint8Array(127), new ArrayBuffer(127), 0), undefined);
});
