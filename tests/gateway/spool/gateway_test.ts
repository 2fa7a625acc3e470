/** A gateway whose endpoint has a spool: configuration, counters, and what stays at the end. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { checkConfig } from "../../../src/gateway/config/config.ts";
import { memoryBus } from "../../../src/gateway/buses/memory_bus.ts";
import { it } from "../../support/it.ts";
import { lineClient, read, startEcho } from "../support.ts";
import { folderFor, until } from "./rig.ts";

function faultsOf(spool: unknown): string[] {
  const result = checkConfig({ endpoints: [{ name: "a", listen: 3034, spool }] });
  return result.ok ? [] : result.faults.map(({ path }) => path);
}

describe("an endpoint with a spool", () => {
  it("passes frames through it, answers them, and counts them (F-85)", { timeout: 60_000 }, async (t) => {
    const { gateway, port } = await startEcho({ echo: true, spool: { directory: folderFor(t) } });
    t.after(() => gateway.destroy());
    const device = await lineClient(port);
    for (const line of ["one", "two"]) await device.send(line);
    assert.deepEqual(await read(device, 2), ["one", "two"]);
    const { spool } = gateway.endpoints.get("echo")!.traffic();
    assert.equal(spool?.written, 2);
    const sample = gateway.samples().find(({ name }) => name === "millrace_spool_written_total");
    assert.equal(sample?.value, 2);
    await device.close();
    assert.equal((await gateway.close()).framesSpooled, 0);
  });

  it(
    "keeps what the bus does not take, says so, and sends it at the next start (F-85)",
    { timeout: 60_000 },
    async (t) => {
      const spool = { directory: folderFor(t) };
      const bus = memoryBus();
      const away = Object.assign(memoryBus(), { publish: () => new Promise<void>(() => {}) });
      const first = await startEcho({ spool }, {}, { bus: away });
      t.after(() => first.gateway.destroy());
      const device = await lineClient(first.port);
      await device.send("kept");
      await until(
        () => first.gateway.endpoints.get("echo")!.traffic().spool?.written === 1,
        "the frame on disk",
      );
      assert.equal((await first.gateway.destroy()).framesSpooled, 1);
      const got: string[] = [];
      bus.subscribe("millrace.echo.in", ({ payload }) => void got.push(new TextDecoder().decode(payload)));
      const second = await startEcho({ spool }, {}, { bus });
      t.after(() => second.gateway.destroy());
      await until(() => got.length === 1, "the frame");
      assert.deepEqual(got, ["kept"]);
    },
  );

  it("has its options checked, each fault with its path (F-85)", () => {
    const at = "endpoints[0].spool";
    assert.deepEqual(faultsOf({}), [`${at}.directory`]);
    assert.deepEqual(faultsOf({ directory: "x", maxBytes: 1000 }), [`${at}.maxBytes`]);
    assert.deepEqual(faultsOf({ directory: "x", segmentBytes: 1000 }), [`${at}.segmentBytes`]);
    assert.deepEqual(faultsOf({ directory: "x", sync: "often" }), [`${at}.sync`]);
    assert.deepEqual(faultsOf({ directory: "x", whenFull: "drop" }), [`${at}.whenFull`]);
    assert.deepEqual(faultsOf({ directory: "x", sync: "50ms", whenFull: "close", maxBytes: "1 MiB" }), []);
    const two = checkConfig({
      endpoints: [1, 2].map((number) => ({
        name: `e${number}`,
        listen: 3000 + number,
        spool: { directory: "x" },
      })),
    });
    assert.deepEqual(two.ok ? [] : two.faults.map(({ path }) => path), ["endpoints[1].spool.directory"]);
  });
});
