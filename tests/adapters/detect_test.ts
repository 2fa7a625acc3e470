import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { AdapterListenOptions } from "../../src/core/transport.ts";
import { serve } from "../../src/server/serve.ts";

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

  it("S-60: knows a host that passes for Node and has no sockets that listen, and servers are refused there", async () => {
    const adapter = await detectAdapter({ process: node, navigator: { userAgent: "Cloudflare-Workers" } });
    assert.equal(adapter.name, "workerd");
    const states: string[] = [];
    const options = {
      framing: lines(),
      onFrame: () => {},
      onState: (state: string) => void states.push(state),
    };
    const refused = (error: unknown): boolean => {
      assert.ok(error instanceof OptionsError && error.reason === "unsupported", String(error));
      assert.match(error.message, /adapter: found "workerd", expected a host with sockets that listen/);
      return true;
    };
    await assert.rejects(serve({ ...options, port: 0, adapter }), refused);
    await assert.rejects(serve({ ...options, path: "/tmp/a.sock", adapter }), refused);
    await assert.rejects(adapter.listen({} as AdapterListenOptions, () => {}), refused);
    assert.deepEqual(states, []);
  });

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
