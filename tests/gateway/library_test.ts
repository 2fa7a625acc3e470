/** The gateway as a library, through its entry point alone: what docs/gateway.md says of it is true. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import {
  type Bus,
  type BusMessage,
  checkConfig,
  ConfigError,
  type Gateway,
  loadConfig,
  memoryBus,
  parseConfig,
  startGateway,
} from "../../src/gateway/mod.ts";
import { compile } from "../support/compile.ts";
import { it } from "../support/it.ts";
import { lineClient, portOf, read, soon } from "./support.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A gateway with an endpoint `meters` on a bus that the test holds. */
async function embed(bus: Bus): Promise<Gateway> {
  const check = checkConfig({ endpoints: [{ name: "meters", listen: "127.0.0.1:0", framing: "lines" }] });
  assert.ok(check.ok);
  assert.deepEqual(check.config.endpoints, ["meters"]);
  return await startGateway(check.config, { bus, logger: () => {} });
}

/** What a control command is answered with. */
async function command(bus: Bus, value: object): Promise<{ ok: boolean; result?: unknown }> {
  const payload = encoder.encode(JSON.stringify(value));
  const answer = await bus.request({ subject: "millrace.meters.ctrl", payload, metadata: {} });
  return JSON.parse(decoder.decode(answer.payload));
}

describe("millrace/gateway", () => {
  it("gives frames to a program as messages, and puts its replies on the socket (F-55, F-56)", async (t) => {
    const bus = memoryBus();
    const gateway = await embed(bus);
    t.after(() => gateway.destroy());
    const seen: BusMessage[] = [];
    bus.subscribe("millrace.meters.in", (message) => {
      seen.push(message);
      const payload = encoder.encode(`${decoder.decode(message.payload)}!`);
      return bus.publish({ subject: message.reply!, payload, metadata: {} });
    });
    const client = await lineClient(portOf(gateway, "meters"));
    await client.send("17 kWh");
    assert.deepEqual(await read(client, 1), ["17 kWh!"]);
    const [id] = gateway.endpoints.get("meters")!.connections.keys();
    assert.equal(seen.length, 1);
    assert.equal(decoder.decode(seen[0]!.payload), "17 kWh");
    assert.deepEqual(seen[0]!.metadata, {
      "conn.id": id,
      "peer.ip": "127.0.0.1",
      "peer.port": String((client.peer.local as { port: number }).port),
      "endpoint": "meters",
    });
    const told = {
      subject: "millrace.meters.out",
      payload: encoder.encode("bye"),
      metadata: { "conn.id": id! },
    };
    await bus.publish(told);
    assert.deepEqual(await read(client, 1), ["bye"]);
    await client.close();
  });

  it("carries out control commands: conn.list tells who is there, conn.close ends one (F-59)", async (t) => {
    const bus = memoryBus();
    const gateway = await embed(bus);
    t.after(() => gateway.destroy());
    const here = new Promise<string>((resolve) => {
      bus.subscribe("millrace.meters.in", ({ metadata }) => resolve(metadata["conn.id"]!));
    });
    const client = await lineClient(portOf(gateway, "meters"));
    await client.send("hello");
    const id = await soon(here, "the frame");
    const list = await command(bus, { command: "conn.list" });
    assert.deepEqual((list.result as { id: string }[]).map((each) => each.id), [id]);
    const end = gateway.endpoints.get("meters")!.connections.get(id)!.closed;
    const closed = await command(bus, { command: "conn.close", payload: { conn_id: id, code: "by_test" } });
    assert.deepEqual(closed, { ok: true, result: { closed: id } });
    const { reason, code } = await soon(end, "the end");
    assert.deepEqual({ reason, code }, { reason: "killed", code: "by_test" });
    assert.deepEqual((await command(bus, { command: "conn.list" })).result, []);
    await soon(client.closed, "the peer's end");
  });

  it("drains when told, reports, and leaves a bus that it was given open (F-18)", async (t) => {
    const bus = memoryBus();
    const gateway = await embed(bus);
    t.after(() => gateway.destroy());
    assert.equal(gateway.state, "running");
    assert.deepEqual(gateway.notReady(), []);
    const report = await gateway.close({ deadline: "5 seconds" });
    assert.deepEqual({ destroyed: report.destroyed, failure: report.failure }, {
      destroyed: 0,
      failure: undefined,
    });
    assert.equal(await gateway.finished, report);
    assert.equal(gateway.state, "stopped");
    let heard = 0;
    bus.subscribe("after", () => void heard++);
    await bus.publish({ subject: "after", payload: encoder.encode("x"), metadata: {} });
    assert.equal(heard, 1);
    await bus.close();
  });

  it("tells every fault of a value, a text and a file, and starts nothing unchecked (F-54)", async () => {
    const value = checkConfig({ endpoints: [{ name: "a b", listen: "127.0.0.1:99999" }] });
    assert.deepEqual(!value.ok && value.faults.map(({ path }) => path), [
      "endpoints[0].name",
      "endpoints[0].listen",
    ]);
    const text = parseConfig("endpoints: 7\n", { format: "yaml", source: "given.yaml" });
    assert.deepEqual(!text.ok && [text.source, text.faults[0]?.line], ["given.yaml", 1]);
    const file = await loadConfig(join(root, "tests/no_such_file.yaml"));
    assert.ok(!file.ok && file.faults.length === 1);
    await assert.rejects(startGateway({ endpoints: [] } as never), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /expected the config from checkConfig, parseConfig or loadConfig/);
      return true;
    });
  });
});

describe("docs/gateway.md", () => {
  const page = readFileSync(join(root, "docs/gateway.md"), "utf8");
  const found = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);

  it("has code that compiles", { timeout: 120_000 }, async (t) => {
    assert.equal(found.length, 1);
    const made = mkdtempSync(join(tmpdir(), "millrace-docs-"));
    t.after(() => rmSync(made, { recursive: true, force: true }));
    const files = found.map((code, at) => {
      const file = join(made, `block_${at}.mts`);
      const mod = relative(made, join(root, "src/gateway/mod.ts"));
      writeFileSync(file, code.replace('from "millrace/gateway"', `from "${mod}"`));
      return file;
    });
    assert.equal(await compile(...files), "0");
  });
});
