/** Control commands (F-59): what each does, and what becomes of those that make no sense. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { lineLogger, withFields } from "../../src/gateway/log.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { FakeOutput, lineClient, portOf, read, soon, startEcho } from "./support.ts";
import { it } from "../support/it.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Answer {
  readonly ok: boolean;
  readonly result?: Record<string, unknown> & Record<string, unknown>[];
  readonly error?: { readonly reason: string; readonly message: string };
}

async function command(gateway: Gateway, value: unknown): Promise<Answer> {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const subject = "millrace.echo.ctrl";
  const answer = await gateway.bus.request({ subject, payload: encoder.encode(text), metadata: {} });
  return JSON.parse(decoder.decode(answer.payload));
}

describe("the control subject (F-59)", () => {
  it("lists connections with addresses, counters and state", async (t) => {
    const { gateway, port } = await startEcho({ echo: true });
    t.after(() => gateway.destroy());
    const client = await lineClient(port);
    await client.send("x");
    await read(client, 1);
    const { ok, result } = await command(gateway, { command: "conn.list" });
    assert.equal(ok, true);
    assert.equal(result?.length, 1);
    const { ip, port: peerPort, state, framesReceived } = result![0]!;
    assert.deepEqual({ ip, peerPort, state, framesReceived }, {
      ip: "127.0.0.1",
      peerPort: (client.peer.local as { port: number }).port,
      state: "open",
      framesReceived: 1,
    });
    await client.close();
  });

  it("S-31: conn.close ends exactly the one that is named, once, with reason and code, and leaves an audit record", async (t) => {
    const { gateway, port, log } = await startEcho({ echo: true });
    t.after(() => gateway.destroy());
    const clients = [await lineClient(port), await lineClient(port), await lineClient(port)];
    const ids: string[] = [];
    for (const client of clients) {
      await client.send("x");
      await read(client, 1);
      ids.push([...gateway.endpoints.get("echo")!.connections.keys()].find((id) => !ids.includes(id))!);
    }
    const [, connection] = [...gateway.endpoints.get("echo")!.connections.values()];
    const record = connection!.closed;
    const id = connection!.id;
    const payload = { conn_id: id, reason: "protocol_violation", code: "isomsg_pack_fail" };
    assert.equal((await command(gateway, { command: "conn.close", payload })).ok, true);
    const { reason, code, message } = await soon(record, "the end");
    assert.deepEqual({ reason, code, message }, {
      reason: "killed",
      code: "isomsg_pack_fail",
      message: "protocol_violation",
    });
    const again = await command(gateway, { command: "conn.close", payload });
    assert.equal(again.error?.reason, "unknown_connection");
    assert.equal(gateway.endpoints.get("echo")!.connections.size, 2);
    const audit = log.filter((entry) => entry.message === "control command");
    assert.equal(audit.length, 1);
    assert.deepEqual({ ...audit[0]?.fields }, { endpoint: "echo", command: "conn.close", ...payload });
    for (const client of clients) await client.close();
  });

  it("S-31: messages that are no commands are answered, counted and ignored, a flood of them too", async (t) => {
    const { gateway, log } = await startEcho();
    t.after(() => gateway.destroy());
    const cases: Array<[message: unknown, reason: string]> = [
      ["not json", "malformed"],
      ["", "malformed"],
      [null, "malformed"],
      [[], "malformed"],
      [{ command: 7 }, "malformed"],
      [{ command: "conn.close" }, "malformed"],
      [{ command: "conn.close", payload: { conn_id: 7 } }, "malformed"],
      [{ command: "conn.close", payload: { conn_id: "x", reason: {} } }, "malformed"],
      [{ command: "conn.close", payload: "x" }, "malformed"],
      [{ command: "conn.close", payload: { conn_id: "gone" } }, "unknown_connection"],
      [{ command: "drain", payload: { deadline: "soon" } }, "malformed"],
      [{ command: "self.destruct" }, "unknown_command"],
      [{ command: "toString" }, "unknown_command"],
    ];
    for (const [message, reason] of cases) {
      const { ok, error } = await command(gateway, message);
      assert.equal(ok, false, JSON.stringify(message));
      assert.equal(error?.reason, reason, JSON.stringify(message));
    }
    const flood = { subject: "millrace.echo.ctrl", payload: encoder.encode("{"), metadata: {} };
    for (let i = 0; i < 1_000; i++) await gateway.bus.publish(flood);
    await gateway.bus.flush();
    const refused = gateway.samples().find(({ name }) => name === "millrace_control_refused_total");
    assert.equal(refused?.value, 1_000 + cases.length);
    assert.equal(log.filter((entry) => entry.message === "control command refused").length, 10);
    assert.equal(gateway.endpoints.get("echo")!.state, "running");
  });

  it("suspend refuses newcomers and keeps who is there; resume lets them in again (F-20)", async (t) => {
    const { gateway, port } = await startEcho({ echo: true });
    t.after(() => gateway.destroy());
    const client = await lineClient(port);
    await client.send("a");
    await read(client, 1);
    assert.equal((await command(gateway, { command: "suspend" })).ok, true);
    assert.deepEqual(gateway.notReady(), ["endpoint echo is suspended"]);
    await assert.rejects(lineClient(port), { reason: "refused" });
    await client.send("b");
    assert.deepEqual(await read(client, 1), ["b"]);
    assert.equal((await command(gateway, { command: "resume" })).ok, true);
    assert.equal(portOf(gateway), port);
    const next = await lineClient(port);
    await next.send("c");
    assert.deepEqual(await read(next, 1), ["c"]);
    await client.close();
    await next.close();
  });

  it("S-50: a payload with the names of a record's own fields does not forge it", async (t) => {
    const output = new FakeOutput();
    const { gateway, log } = await startEcho();
    t.after(() => gateway.destroy());
    const forged = {
      time: "1999-01-01T00:00:00.000Z",
      level: "debug",
      message: "nothing",
      endpoint: "other",
    };
    const payload = { deadline: "5s", command: "stats", conn_id: "x", ...forged };
    assert.equal((await command(gateway, { command: "suspend", payload })).ok, true);
    assert.equal((await command(gateway, { command: "drain", payload })).ok, true);
    const audit = log.filter(({ message }) => message === "control command");
    assert.deepEqual(audit.map(({ level, fields }) => ({ level, ...fields })), [
      { level: "info", endpoint: "echo", command: "suspend" },
      { level: "info", endpoint: "echo", command: "drain", deadline: "5s" },
    ]);
    const clock = new FakeClock({ wallTime: 0 });
    const logger = withFields(lineLogger(output, "info", clock), { endpoint: "echo" });
    logger({ level: "info", message: "control command", fields: { ...forged, command: "drain" } });
    assert.deepEqual(JSON.parse(output.text), {
      time: "1970-01-01T00:00:00.000Z",
      level: "info",
      message: "control command",
      endpoint: "echo",
      command: "drain",
    });
  });

  it("an endpoint that drains or has stopped refuses what it can no longer do, with a reason for programs (F-59)", async (t) => {
    const { gateway, log } = await startEcho();
    t.after(() => gateway.destroy());
    assert.equal((await command(gateway, { command: "drain" })).ok, true);
    await soon(gateway.endpoints.get("echo")!.drain(5_000), "the drain");
    for (const name of ["resume", "suspend", "drain"]) {
      const { ok, error } = await command(gateway, { command: name });
      assert.deepEqual({ ok, reason: error?.reason }, { ok: false, reason: "stopping" });
      assert.match(error!.message, new RegExp(`^${name}: endpoint echo is stopped, expected one that`));
    }
    await assert.rejects(gateway.endpoints.get("echo")!.resume!(), { name: "SocketError", reason: "closed" });
    assert.equal(log.filter(({ message }) => message === "control command").length, 1);
  });

  it("drain ends one endpoint and leaves the gateway running; stats tell how far it is", async (t) => {
    const { gateway, port } = await startEcho({ echo: true });
    t.after(() => gateway.destroy());
    const client = await lineClient(port);
    await client.send("a");
    await read(client, 1);
    const { result } = await command(gateway, { command: "drain", payload: { deadline: "5s" } });
    assert.deepEqual({ ...result }, { draining: 1, deadlineMs: 5_000 });
    await client.close();
    await soon(gateway.endpoints.get("echo")!.drain(5_000), "the drain");
    const stats = await command(gateway, { command: "stats" });
    assert.equal(stats.result?.["state"], "stopped");
    assert.equal(stats.result?.["framesPublished"], 1);
    assert.equal(gateway.state, "running");
  });
});
