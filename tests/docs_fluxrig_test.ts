// docs/fluxrig.md is true: every key and every metric that it names exists here, and none of fluxrig's is left out.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { parseConfig } from "../src/gateway/config/config.ts";
import { formatFaults } from "../src/gateway/config/fault.ts";
import { startEcho } from "./gateway/support.ts";
import { it } from "./support/it.ts";
import { pageText } from "./support/page.ts";

const text = pageText("docs/fluxrig.md");
const rows = [...text.matchAll(/^\| `([^`]+)` +\| `([^`]+)` +\|/gm)].map(([, theirs, ours]) =>
  [theirs!, ours!] as const
);
const settings = rows.filter(([theirs]) => theirs.includes(":"));
const metrics = rows.filter(([theirs]) => theirs.startsWith("fluxrig_"));

function parsed(yaml: string) {
  const result = parseConfig(yaml, { format: "yaml" });
  assert.ok(result.ok, result.ok ? "" : `${yaml}\n${formatFaults(result.faults)}`);
  return result.config.endpoints[0]!;
}

describe("docs/fluxrig.md", () => {
  it("has each key of io_tcp, and in its place one that a configuration may have (F-59)", () => {
    const keys = new Set(settings.map(([theirs]) => theirs.split(":")[0]));
    assert.deepEqual(
      [...keys].sort(),
      ["bind", "connect", "delimiter", "delimiter_append", "delimiter_include", "delimiter_position"]
        .concat("idle_timeout", "max_connections", "mode", "reconnect_wait"),
    );
    for (const [, ours] of settings) {
      const place = /listen:|connect:/.test(ours) ? "" : 'listen: "127.0.0.1:0", ';
      parsed(`endpoints:\n  - { name: gear, ${place}${ours} }\n`);
    }
  });

  it("means by them what io_tcp means: no limit, and waits that are all the same (F-59)", () => {
    const find = (key: string) => settings.find(([theirs]) => theirs.startsWith(key))![1];
    const server = parsed(
      `endpoints: [{ name: gear, listen: "127.0.0.1:0", ${find("max_connections: 0")} }]`,
    );
    assert.ok(server.mode === "server");
    assert.equal(server.listener.maxConnections, Infinity);
    const client = parsed(`endpoints: [{ name: gear, ${find("reconnect_wait")} }]`);
    assert.ok(client.mode === "client");
    assert.deepEqual({ ...client.reconnect }, { wait: 5_000, maxWait: 5_000, jitter: 0 });
    const [, whole = ""] = /^```yaml\n(.*?)^```$/ms.exec(text) ?? [];
    assert.equal(parsed(whole).subjects.control, "flux.ctrl.tcp-server");
  });

  it("has each metric of io_tcp, and in its place one that there is (F-59)", async (t) => {
    const { gateway } = await startEcho();
    t.after(() => gateway.destroy());
    assert.deepEqual(metrics.map(([theirs]) => theirs.replace("fluxrig_io_tcp_", "")).sort(), [
      "bytes_read_total",
      "bytes_written_total",
      "connections_active",
      "frame_errors_total",
    ]);
    const names = new Set(gateway.samples().map(({ name }) => name));
    for (const [, ours] of metrics) assert.ok(names.has(ours), ours);
  });
});
