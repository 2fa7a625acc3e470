// A server and a client that know nothing of the test: the example in the comment of VirtualNetwork, and a lost peer.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { connect, type FrameError, lines, serve, type TerminationRecord } from "../../mod.ts";
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
      const down = server.close({ deadline: "1 second" });
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

  it("S-12: end a connection whose other end has vanished without a packet, both within their idle timeouts", async () => {
    const clock = new FakeClock();
    const network = new VirtualNetwork({ clock });
    network.fault("sensor", "hub", { kind: "stall", afterBytes: 6 });
    const told: string[] = [];
    const place = {
      clock,
      framing: lines({ encoding: "utf-8" }),
      host: "hub",
      port: 3034,
    } as const;
    const end = (who: string) => ({ reason, durationMs }: TerminationRecord) => {
      told.push(`${who} ${reason} after ${Math.round(durationMs / 1_000)} s`);
    };
    const server = await serve({
      ...place,
      adapter: network.adapter("hub"),
      logger: () => {},
      idleTimeout: "60 seconds",
      onFrame: (line, connection) => void connection.send(line),
      onDisconnect: end("hub:"),
    });
    const dialled = connect({
      ...place,
      adapter: network.adapter("sensor"),
      idleTimeout: "90 seconds",
      onFrame: () => {},
      onDisconnect: end("sensor:"),
    });
    await clock.advanceAsync(10);
    const sensor = await dialled;
    void sensor.send("alive");
    void sensor.send("lost on the way");
    // The end is an end of patience too: nobody answers its FIN.
    await clock.advanceAsync(200_000);
    assert.deepEqual(told.map((line) => line.replace(/after (6\d|9\d) s/, "in time")), [
      "hub: idle_timeout in time",
      "sensor: idle_timeout in time",
    ]);
    assert.equal(server.stats().connectionsActive, 0);
    await server.destroy();
    assert.equal(clock.pendingTimers, 0);
  });
});
