// Two terminals through NATS, as README shows it: the gateway and the service that bridges its endpoints, as processes.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { connect, lines } from "../mod.ts";
import { it } from "./support/it.ts";
import { NatsServer, withoutNats } from "./support/nats_server.ts";
import { Program } from "./support/program.ts";

const file = new URL("../examples/gateway_bridge.yaml", import.meta.url);

describe("examples on NATS", () => {
  it("nats_bridge takes a line from one terminal to the other, both ways (F-55, F-56, F-57)", {
    timeout: 120_000,
    skip: withoutNats,
  }, async (t) => {
    const nats = await NatsServer.start(t);
    const folder = mkdtempSync(join(tmpdir(), "millrace-bridge-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const config = readFileSync(file, "utf8").replace("nats://127.0.0.1:4222", nats.url)
      .replaceAll(/127\.0\.0\.1:303[45]/g, "127.0.0.1:0");
    const path = join(folder, "gateway.yaml");
    writeFileSync(path, config);
    const gateway = new Program(t, "src/gateway/main.ts", ["gateway", path]);
    const bridge = new Program(t, "examples/nats_bridge.ts", [nats.url]);
    await bridge.said("out", /bridging left and right/);
    const terminals = [];
    for (const name of ["left", "right"]) {
      const [, port] = await gateway.said("err", new RegExp(`${name} +listens on 127\\.0\\.0\\.1:(\\d+)`));
      const framing = lines({ encoding: "utf-8" });
      const terminal = await connect({ host: "127.0.0.1", port: Number(port), framing });
      t.after(() => terminal.destroy());
      terminals.push({ terminal, heard: terminal[Symbol.asyncIterator]() });
    }
    const [left, right] = terminals;
    await left!.terminal.send("from the left");
    assert.equal((await right!.heard.next()).value, "from the left");
    await right!.terminal.send("from the right");
    assert.equal((await left!.heard.next()).value, "from the right");
    for (const { terminal } of terminals) await terminal.close();
    for (const program of [bridge, gateway]) {
      program.signal("SIGTERM");
      const { code, err } = await program.end();
      assert.equal(code, 0, err);
    }
  });
});
