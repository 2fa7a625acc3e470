import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { OptionsError } from "../../src/core/errors.ts";

const node = { versions: { node: "20.0.0" } };

describe("detectAdapter", () => {
  for (
    const { marks, name, claim } of [
      { marks: { Bun: {}, process: node }, name: "bun", claim: "knows Bun, which also passes for Node" },
      { marks: { Deno: {}, process: node }, name: "deno", claim: "knows Deno, which also passes for Node" },
      { marks: { process: node }, name: "node", claim: "knows Node" },
    ]
  ) {
    it(claim, async () => assert.equal((await detectAdapter(marks)).name, name));
  }

  it("says what to do on a runtime that has no sockets", async () => {
    for (const marks of [{}, { process: {} }, { process: { versions: {} } }]) {
      await assert.rejects(detectAdapter(marks), (error) => {
        assert.ok(error instanceof OptionsError);
        assert.equal(error.reason, "unsupported");
        assert.match(error.message, /adapter: .* an adapter of your own/);
        return true;
      });
    }
  });

  it("loads one adapter for the runtime that runs this", async () => {
    const adapter = await detectAdapter();
    assert.equal(adapter, await detectAdapter());
    assert.equal(typeof adapter.listen, "function");
  });
});
