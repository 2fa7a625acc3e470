// Looking for a byte faster than the engine does: what takes its place has to find the same.
import assert from "node:assert/strict";
import { it } from "node:test";
import { denoByteSearch } from "../../src/adapters/deno/byte_search.ts";
import { indexOfByte } from "../../src/core/bytes/byte_search.ts";

for (const [whose, search] of [["Deno", denoByteSearch], ["this runtime", indexOfByte]] as const) {
  it(`a byte is found where the engine finds it, wherever that is: the search of ${whose}`, () => {
    const memory = new Uint8Array(5000);
    for (const byte of [0, 1, 10, 127, 128, 255]) {
      for (const other of [(byte + 1) & 255, (byte - 1) & 255, byte ^ 128]) {
        memory.fill(other);
        for (const offset of [0, 1, 2, 3, 7]) {
          for (const length of [0, 1, 255, 256, 257, 515, 1024, 4001]) {
            const bytes = memory.subarray(offset, offset + length);
            for (
              const at of [0, 1, 254, 255, 256, 257, 300, 511, 512, 513, 514, 1023, 3999, 4000, 4001, 4002]
            ) {
              memory[offset + at] = byte;
              for (const from of [0, 1, at, at + 1, length]) {
                assert.equal(
                  search(bytes, byte, from),
                  bytes.indexOf(byte, from),
                  `byte ${byte} at ${at} of ${length}, from ${from}, in memory from ${offset}`,
                );
              }
              memory[offset + at] = other;
            }
          }
        }
      }
    }
  });
}

it("bytes are looked for in the way of the runtime, and by the engine where nobody knows a better one", () => {
  const bytes = new Uint8Array(70_000);
  bytes[69_999] = 10;
  assert.equal(indexOfByte(bytes, 10, 3), 69_999);
  assert.equal(indexOfByte(bytes, 11, 0), -1);
});
