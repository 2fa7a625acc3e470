// Who may connect, as a configuration says it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { serverSamples } from "../../src/server/metrics.ts";
import { checkConfig, memoryBus, startGateway } from "../../src/gateway/mod.ts";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { dial } from "../support/peer.ts";

const lines = { name: "lines", listen: "127.0.0.1:0" };

function faults(endpoint: object): readonly string[] {
  const checked = checkConfig({ endpoints: [{ ...lines, ...endpoint }] });
  return checked.ok ? [] : checked.faults.map(({ path, expected }) => `${path}: ${expected}`);
}

test("limits, rates, lists and a farewell by reason are read, and in force (F-23)", async (t) => {
  const checked = checkConfig({
    endpoints: [{
      ...lines,
      maxConnections: 10,
      maxConnectionsPerAddress: 1,
      acceptRate: { perSecond: 100, burst: 50 },
      acceptRatePerAddress: { perSecond: "Infinity" },
      addressPrefix: { ipv6: 48 },
      allow: ["127.0.0.0/8"],
      deny: [],
      farewell: { address_connections: "one is enough\n", denied: { hex: "15" } },
    }],
  });
  assert.ok(checked.ok, JSON.stringify(checked));
  const gateway = await startGateway(checked.config, { bus: memoryBus(), logger: () => {} });
  t.after(() => gateway.destroy());
  const endpoint = gateway.endpoints.get("lines")!;
  const adapter = await detectAdapter();
  const first = await dial(adapter, endpoint.address);
  t.after(() => first.abort());
  const second = await dial(adapter, endpoint.address);
  t.after(() => second.abort());
  const [inside, outside] = [first, second];
  await outside.got("one is enough\n");
  assert.equal(inside.bytes, 0);
  const stats = endpoint.stats();
  assert.deepEqual(stats.connectionsRejectedByReason, { address_connections: 1 });
  const samples = serverSamples(stats, { endpoint: "lines" })
    .filter(({ name, value }) => name === "millrace_connections_rejected_total" && value > 0);
  assert.deepEqual(samples.map(({ value, labels }) => [value, labels.reason]), [[1, "address_connections"]]);
});

test("what is wrong in them is told with its place, and at a Unix socket those about addresses are (F-23)", () => {
  assert.deepEqual(
    faults({
      maxConnectionsPerAddress: -1,
      acceptRate: { burst: 0 },
      addressPrefix: { ipv4: 7 },
      allow: ["10.0.0.1/8"],
      deny: "::1",
      farewell: { banned: "", shut: "x" },
    }).map((fault) => fault.slice(0, 66)),
    [
      "endpoints[0].maxConnectionsPerAddress: a whole number, 1 or more, ",
      "endpoints[0].acceptRate.perSecond: connections a second, on averag",
      "endpoints[0].acceptRate.burst: a number of connections, 1 or more",
      "endpoints[0].addressPrefix.ipv4: a whole number, 8 to 32",
      'endpoints[0].allow: a list, and in the place of "10.0.0.1/8" a ran',
      'endpoints[0].deny: a list of IP addresses and ranges such as ["10.',
      'endpoints[0].farewell.banned: text, or bytes such as { hex: "1c 0d',
      "endpoints[0].farewell.shut: a key that exists here: max_connection",
    ],
  );
  assert.deepEqual(
    faults({
      listen: "unix:/run/a.sock",
      maxConnectionsPerAddress: 3,
      deny: ["::1"],
      acceptRate: { perSecond: 1 },
    }),
    ["maxConnectionsPerAddress", "deny"].map((key) =>
      `endpoints[0].${key}: to be left out with a Unix socket, whose peers have no address`
    ),
  );
  assert.match(
    checkConfig({ endpoints: [{ name: "a", connect: "127.0.0.1:1", allow: [] }] } as never).ok ? "" : "fault",
    /fault/,
  );
});
