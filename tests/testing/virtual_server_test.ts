// The example in the comment of VirtualNetwork, run: a server and a client that know nothing of the test.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { connect, type FrameError, lines, serve } from "../../mod.ts";
import { FakeClock, VirtualNetwork } from "../../src/testing/mod.ts";

describe("a server and a client on the virtual network", () => {
  it("meet a FIN in mid-frame at the byte and the millisecond that the seed decides (F-71)", async () => {
    const run = async (seed: number) => {
      const clock = new FakeClock();
      const network = new VirtualNetwork({ clock, seed, latency: [5, 40], chunk: [1, 100] });
      network.fault("sensor", "hub", { kind: "fin", afterBytes: 10 });
      const frames: string[] = [];
      const errors: string[] = [];
      const hub = { clock, framing: lines({ encoding: "utf-8" }), host: "hub", port: 3034 } as const;
      const server = await serve({
        ...hub,
        adapter: network.adapter("hub"),
        onFrame: (frame) => void frames.push(frame),
        onFrameError: (error: FrameError) => void errors.push(`${clock.now()}: ${error.reason}`),
      });
      const dialled = connect({ ...hub, adapter: network.adapter("sensor") });
      await clock.advanceAsync(200);
      const sensor = await dialled;
      void sensor.send("short");
      void sensor.send("a reading of 21.5 degrees");
      await clock.advanceAsync(1_000);
      const down = server.shutdown({ deadline: "1 second" });
      await clock.advanceAsync(2_000);
      await down;
      assert.equal(clock.pendingTimers, 0);
      return { frames, errors, report: network.report() };
    };
    const first = await run(42);
    assert.deepEqual(first.frames, ["short"]);
    assert.equal(first.errors.length, 1, first.report);
    assert.match(first.errors[0]!, /^\d+: truncated$/);
    assert.deepEqual(await run(42), first);
    assert.notDeepEqual(await run(43), first);
  });
});
