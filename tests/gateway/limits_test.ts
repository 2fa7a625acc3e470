/** What a gateway says to its connections at the end, and what all of them may hold together. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import type { LogRecord } from "../../src/core/logger.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { startGateway } from "../../src/gateway/running_gateway.ts";
import { serve } from "../../src/server/serve.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { it } from "../support/it.ts";
import { dial } from "../support/peer.ts";
import { configOf, soon } from "./support.ts";

describe("a gateway", () => {
  it("says goodbye to the server that an endpoint has dialled, before it ends the connection (F-65)", async (t) => {
    const got: string[] = [];
    const far = await serve({
      port: 0,
      framing: lines({ encoding: "utf-8" }),
      logger: () => {},
      handler: async (connection) => {
        for await (const line of connection) got.push(line);
        got.push("ended");
      },
    });
    t.after(() => far.destroy());
    let connected = (): void => {};
    const dialled = new Promise<void>((resolve) => connected = resolve);
    const config = configOf({ endpoints: [{ name: "near", connect: far.address.port, goodbye: "QUIT" }] });
    const logger = ({ message }: LogRecord): void => void (message === "connected" && connected());
    const gateway = await startGateway(config, { logger });
    t.after(() => gateway.destroy());
    await soon(dialled, "the connection");
    const { destroyed } = await soon(gateway.close(), "the shutdown");
    assert.equal(destroyed, 0);
    await soon(far.close(), "the end of the far side");
    assert.deepEqual(got, ["QUIT", "ended"]);
  });

  it("has one memory budget for all of its endpoints: what is held at one keeps connections from the other (F-66)", async (t) => {
    const clock = new FakeClock();
    const adapter = memoryAdapter({ clock });
    const config = configOf({
      memoryBudget: "10 KB",
      endpoints: [
        { name: "one", listen: "127.0.0.1:3034", framing: "lines" },
        { name: "two", listen: "127.0.0.1:3035", framing: "lines" },
      ],
    });
    const logs: LogRecord[] = [];
    const starting = startGateway(config, { clock, adapter, logger: (record) => void logs.push(record) });
    await clock.advanceAsync(0);
    const gateway = await starting;
    t.after(async () => {
      const over = gateway.destroy();
      await clock.advanceAsync(100);
      await over;
    });
    const reach = async (name: string) => {
      const dialling = dial(adapter, gateway.endpoints.get(name)!.address!);
      await clock.advanceAsync(0);
      return await dialling;
    };
    const holding = await reach("one");
    holding.write("x".repeat(20_000));
    for (let wait = 0; wait < 20 && !gateway.endpoints.get("one")!.stats().memoryExceeded; wait++) {
      await clock.advanceAsync(100);
    }
    const rejected = await reach("two");
    await clock.advanceAsync(0);
    assert.ok(rejected.closed);
    const sample = (name: string, endpoint: string) =>
      gateway.samples().find((one) =>
        one.name === `millrace_${name}` && one.labels?.["endpoint"] === endpoint
      )?.value;
    assert.deepEqual([sample("memory_budget_exceeded", "one"), sample("memory_budget_exceeded", "two")], [
      1,
      1,
    ]);
    assert.equal(sample("held_bytes", "one"), 20_000);
    const told = logs.find(({ fields }) => fields["reason"] === "memory_budget");
    assert.equal(told?.fields["endpoint"], "two");
    for (let wait = 0; wait < 30 && !holding.closed; wait++) await clock.advanceAsync(100);
    assert.ok(holding.closed);
    assert.equal(sample("memory_budget_exceeded", "two"), 0);
    const late = await reach("two");
    await clock.advanceAsync(0);
    assert.equal(late.closed, false);
    late.abort();
  });
});
