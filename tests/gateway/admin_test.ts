/** The admin endpoint (F-60) and the metrics it shows (F-50). */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { prometheusText } from "../../mod.ts";
import { SocketError } from "../../src/core/errors.ts";
import { startGateway } from "../../src/gateway/running_gateway.ts";
import { configOf, lineClient, read, startEcho } from "./support.ts";
import { readExposition } from "../support/exposition.ts";
import { it } from "../support/it.ts";

const admin = { admin: { listen: "127.0.0.1:0" } };

describe("the admin endpoint (F-60)", () => {
  it("shows metrics that Prometheus can read, and they agree with what was sent (F-50)", async (t) => {
    const { gateway, port } = await startEcho({ echo: true }, admin);
    t.after(() => gateway.destroy());
    const client = await lineClient(port);
    for (const word of ["one", "two", "three"]) await client.send(word);
    await read(client, 3);
    const response = await fetch(`${gateway.adminUrl}/metrics`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
    const families = readExposition(await response.text());
    const value = (name: string): number | undefined => families.get(name)?.values.get('{endpoint="echo"}');
    assert.equal(value("millrace_connections_active"), 1);
    assert.equal(value("millrace_connections_accepted_total"), 1);
    const rejected = families.get("millrace_connections_rejected_total")!.values;
    assert.equal(rejected.get('{endpoint="echo",reason="max_connections"}'), 0);
    assert.equal(value("millrace_bytes_read_total"), 14);
    assert.equal(value("millrace_bytes_written_total"), 14);
    assert.equal(value("millrace_frames_received_total"), 3);
    assert.equal(value("millrace_frames_sent_total"), 3);
    assert.equal(value("millrace_frame_errors_total"), 0);
    assert.equal(value("millrace_idle_closes_total"), 0);
    assert.equal(value("millrace_drain_seconds"), 0);
    const firstBytes = families.get("millrace_first_byte_seconds")!;
    assert.equal(firstBytes.type, "summary");
    assert.equal(firstBytes.values.get('millrace_first_byte_seconds_count{endpoint="echo"}'), 1);
    assert.equal(value("millrace_frames_published_total"), 3);
    assert.equal(value("millrace_messages_sent_total"), 3);
    assert.equal(families.get("millrace_bus_published_total")?.values.get('{bus="memory"}'), 6);
    assert.equal(families.get("millrace_bytes_read_total")?.type, "counter");
    assert.equal(families.get("millrace_connections_active")?.type, "gauge");
    for (const [name, { help }] of families) assert.notEqual(help, "", name);
    await client.close();
  });

  it("shows of a server what prometheusText gives for it (F-50)", async (t) => {
    const { gateway } = await startEcho({ echo: true }, admin);
    t.after(() => gateway.destroy());
    const endpoint = gateway.endpoints.get("echo")!;
    const server = { stats: () => endpoint.stats(), tls: endpoint.inspect().tls };
    const own = prometheusText(server, { endpoint: "echo" }).trimEnd().split("\n");
    const all = (await (await fetch(`${gateway.adminUrl}/metrics`)).text()).split("\n");
    assert.deepEqual(own.filter((line) => !all.includes(line)), []);
    assert.ok(own.length > 50);
  });

  it("S-41: opens less closes are those that are active, and every close has a reason", async (t) => {
    const { gateway, port } = await startEcho({ echo: true }, admin);
    t.after(() => gateway.destroy());
    for (let i = 0; i < 5; i++) {
      const client = await lineClient(port);
      await client.send("x");
      await read(client, 1);
      const [connection] = gateway.endpoints.get("echo")!.connections.values();
      const gone = connection!.closed;
      await client.close();
      await gone;
    }
    const stay = await lineClient(port);
    await stay.send("x");
    await read(stay, 1);
    const families = readExposition(await (await fetch(`${gateway.adminUrl}/metrics`)).text());
    const value = (name: string): number => families.get(name)!.values.get('{endpoint="echo"}')!;
    const closes = [...families.get("millrace_connections_closed_total")!.values.values()];
    const closed = closes.reduce((sum, count) => sum + count, 0);
    assert.equal(closed, 5);
    assert.equal(value("millrace_connections_accepted_total") - closed, value("millrace_connections_active"));
    await stay.close();
  });

  it("is healthy while it runs, and ready while every endpoint accepts", async (t) => {
    const { gateway } = await startEcho({}, admin);
    t.after(() => gateway.destroy());
    const get = async (path: string): Promise<[number, unknown]> => {
      const response = await fetch(`${gateway.adminUrl}${path}`);
      return [response.status, await response.json()];
    };
    assert.deepEqual(await get("/healthz"), [200, { status: "ok" }]);
    assert.deepEqual(await get("/readyz"), [200, { status: "ready" }]);
    await gateway.endpoints.get("echo")!.suspend!();
    assert.deepEqual(await get("/readyz"), [503, {
      status: "not ready",
      reasons: ["endpoint echo is suspended"],
    }]);
    assert.deepEqual(await get("/healthz"), [200, { status: "ok" }]);
  });

  it("shows connections as data (F-52)", async (t) => {
    const { gateway, port } = await startEcho({ echo: true }, admin);
    t.after(() => gateway.destroy());
    const client = await lineClient(port);
    await client.send("x");
    await read(client, 1);
    const { endpoints } = await (await fetch(`${gateway.adminUrl}/connections`)).json() as {
      endpoints: {
        name: string;
        state: string;
        address: { port: number };
        connections: Record<string, unknown>[];
      }[];
    };
    assert.equal(endpoints[0]?.name, "echo");
    assert.equal(endpoints[0]?.state, "running");
    assert.equal(endpoints[0]?.address.port, port);
    assert.equal(endpoints[0]?.connections[0]?.["ip"], "127.0.0.1");
    assert.equal(endpoints[0]?.connections[0]?.["framesSent"], 1);
    await client.close();
  });

  it("says which pages there are, and changes nothing", async (t) => {
    const { gateway } = await startEcho({}, admin);
    t.after(() => gateway.destroy());
    const missing = await fetch(`${gateway.adminUrl}/nothing`);
    assert.equal(missing.status, 404);
    assert.deepEqual((await missing.json() as { pages: string[] }).pages, [
      "/metrics",
      "/healthz",
      "/readyz",
      "/reload",
      "/connections",
    ]);
    const post = await fetch(`${gateway.adminUrl}/connections`, { method: "POST", body: "x" });
    assert.equal(post.status, 405);
    assert.equal(post.headers.get("allow"), "GET, HEAD");
    await post.body?.cancel();
  });

  it("S-18: its port in use is named as its own", async (t) => {
    const { gateway } = await startEcho({}, admin);
    t.after(() => gateway.destroy());
    const { port } = new URL(gateway.adminUrl!);
    const config = configOf({
      endpoints: [{ name: "a", listen: 0 }],
      admin: { listen: `127.0.0.1:${port}` },
    });
    await assert.rejects(startGateway(config, { logger: () => {} }), (error: unknown) => {
      assert.ok(error instanceof SocketError);
      assert.equal(error.reason, "address_in_use");
      assert.match(
        error.message,
        new RegExp(`^admin: listen on 127\\.0\\.0\\.1:${port}: .*choose another port`),
      );
      return true;
    });
  });
});
