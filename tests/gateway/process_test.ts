/** The gateway as a program: the example as it is shipped, and what signals do (F-19). */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/gateway/config/config.ts";
import { formatFaults } from "../../src/gateway/config/fault.ts";
import { type Cleaner, type Program, startMillrace } from "../support/program.ts";
import { lineClient, read } from "./support.ts";
import { it } from "../support/it.ts";

const limit = { timeout: 60_000 };

/** Starts a gateway from a configuration of its own and waits until it says where it listens. */
async function start(
  t: Cleaner,
  config: object,
): Promise<{ readonly program: Program; readonly port: number }> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-gateway-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "gateway.json");
  await writeFile(file, JSON.stringify(config));
  const program = startMillrace(t, "gateway", file);
  const [, port] = await program.said("err", /echo +listens on 127\.0\.0\.1:(\d+)/);
  return { program, port: Number(port) };
}

const echo = { name: "echo", listen: "127.0.0.1:0", echo: true, print: true };

describe("the examples", () => {
  for (
    const name of [
      "gateway.yaml",
      "gateway_worker.toml",
      "gateway_devices.json",
      "gateway_nats.yaml",
      "gateway_redis.yaml",
      "gateway_bridge.yaml",
      "gateway_hl7.yaml",
      "gateway_iso8583.yaml",
    ]
  ) {
    it(`${name} has no fault`, async () => {
      const path = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
      const result = await loadConfig(path);
      assert.ok(result.ok, result.ok ? "" : formatFaults(result.faults, name));
    });
  }
});

describe("millrace gateway as a process", () => {
  it(
    "S-26: SIGTERM drains: what came in is echoed and printed, the port is closed, exit code 0 (F-19)",
    limit,
    async (t) => {
      const { program, port } = await start(t, { endpoints: [echo], admin: { listen: "127.0.0.1:0" } });
      const [, admin] = await program.said("err", /(http:\/\/127\.0\.0\.1:\d+)/);
      assert.equal((await fetch(`${admin}/readyz`)).status, 200);
      const client = await lineClient(port);
      const words = Array.from({ length: 200 }, (_, i) => `word ${i}`);
      for (const word of words) await client.send(word);
      assert.deepEqual(await read(client, words.length), words);
      program.signal("SIGTERM");
      const record = await client.close();
      assert.equal(record.bytesUnsent, 0);
      const { code, signal, out } = await program.end();
      assert.deepEqual({ code, signal }, { code: 0, signal: null });
      assert.deepEqual(out.trim().split("\n").map((line) => JSON.parse(line).payload), words);
      await assert.rejects(lineClient(port), { reason: "refused" });
    },
  );

  it("SIGINT twice ends it at once with exit code 3, whoever is still there (F-19)", limit, async (t) => {
    const stuck = { ...echo, lingerTimeout: "Infinity", closeTimeout: "Infinity" };
    const { program, port } = await start(t, {
      endpoints: [stuck],
      shutdown: { deadline: "1h" },
      log: { level: "info" },
    });
    const client = await lineClient(port);
    await client.send("hello");
    assert.deepEqual(await read(client, 1), ["hello"]);
    program.signal("SIGINT");
    await program.said("err", /server draining/);
    await program.signalAgain("SIGINT");
    const { code, err } = await program.end();
    assert.equal(code, 3, err);
    client.destroy();
  });

  it("a port in use: one line that says which endpoint and what to do, exit code 1", limit, async (t) => {
    const { port } = await start(t, { endpoints: [echo] });
    const folder = await mkdtemp(join(tmpdir(), "millrace-gateway-"));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, "gateway.yaml");
    await writeFile(file, `endpoints: [{ name: second, listen: "127.0.0.1:${port}" }]\n`);
    const { code, err } = await startMillrace(t, "gateway", file).end();
    assert.equal(code, 1);
    const said = err.trim().split("\n").filter((line) => line.includes("endpoint second"));
    assert.equal(said.length, 1, err);
    assert.match(said[0]!, new RegExp(`127\\.0\\.0\\.1:${port}.*choose another port`));
  });
});
