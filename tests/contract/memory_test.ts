import assert from "node:assert/strict";
import { describe } from "node:test";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import { contract } from "./contract.ts";
import { firstDifference, pattern, Rig, type Subject } from "./rig.ts";
import { it } from "../support/it.ts";

let paths = 0;
function inMemory(name: string, options: Parameters<typeof memoryAdapter>[0]): Subject {
  const adapter = memoryAdapter(options);
  return {
    name,
    adapter,
    dialler: adapter,
    host: "127.0.0.1",
    ip: "127.0.0.1",
    unixPath: () => `/memory/${++paths}.sock`,
    ipv6: true,
  };
}

contract(inMemory("the memory adapter", {}));
contract(inMemory("the memory adapter without RST", { reset: false }));

describe("the memory adapter", () => {
  it("S-42: brings every byte once and in order through a kernel that takes one byte at a time", async (t) => {
    const rig = new Rig(inMemory("a narrow one", { bufferSize: 1 }), t);
    const { client, server } = await rig.started();
    const sent = pattern(20_000);
    assert.equal(client.transport.write(sent), false);
    client.transport.end();
    await server.ended();
    assert.equal(firstDifference(server.content, sent), -1);
    assert.equal(server.chunks.length, sent.length);
  });

  it("refuses a buffer of no size", () => {
    for (const bufferSize of [0, -1, 1.5, NaN, Infinity]) {
      assert.throws(() => memoryAdapter({ bufferSize }), RangeError);
    }
  });
});
