/** Control commands about peers: last words, bans, and limits of a running endpoint. */
import assert from "node:assert/strict";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { it } from "../support/it.ts";
import { lineClient, read, soon, startEcho } from "./support.ts";

interface Answer {
  readonly ok: boolean;
  readonly result?: Record<string, unknown> & Record<string, unknown>[];
  readonly error?: { readonly reason: string; readonly message: string };
}

async function command(gateway: Gateway, value: object): Promise<Answer> {
  const payload = new TextEncoder().encode(JSON.stringify(value));
  const answer = await gateway.bus.request({ subject: "millrace.echo.ctrl", payload, metadata: {} });
  return JSON.parse(new TextDecoder().decode(answer.payload));
}

it("conn.close sends last words, ends with FIN, bans the address, and unban lets it in again (F-70)", async (t) => {
  const { gateway, port, log } = await startEcho({ echo: true, farewell: { banned: "banned\n" } });
  t.after(() => gateway.destroy());
  const client = await lineClient(port);
  await client.send("x");
  await read(client, 1);
  const [id] = gateway.endpoints.get("echo")!.connections.keys();
  const payload = { conn_id: id, reason: "bad MTI", by: "codec", last_words: "go away", ban: "10 minutes" };
  assert.deepEqual(await command(gateway, { command: "conn.close", payload }), {
    ok: true,
    result: { closed: id },
  });
  assert.deepEqual(await read(client, 1), ["go away"]);
  for await (const _ of client);
  assert.equal((await soon(client.closed, "the end")).reason, "peer_closed");

  const { result: bans } = await command(gateway, { command: "bans" });
  assert.deepEqual(bans!.map(({ address, reason, by }) => [address, reason, by]), [[
    ...["127.0.0.1", "bad MTI", "codec"],
  ]]);
  const outside = await lineClient(port);
  assert.deepEqual(await read(outside, 1), ["banned"]);
  assert.deepEqual(gateway.endpoints.get("echo")!.stats().connectionsRejectedByReason, { banned: 1 });

  const address = "127.0.0.1";
  assert.deepEqual((await command(gateway, { command: "unban", payload: { address } })).result, {
    lifted: true,
  });
  assert.deepEqual((await command(gateway, { command: "unban", payload: { address } })).result, {
    lifted: false,
  });
  const inside = await lineClient(port);
  await inside.send("in");
  assert.deepEqual(await read(inside, 1), ["in"]);
  assert.equal(
    (await command(gateway, { command: "ban", payload: { address, duration: "Infinity" } })).ok,
    true,
  );
  const [forever] = (await command(gateway, { command: "bans" })).result!;
  assert.deepEqual([forever!.until, forever!.by], ["Infinity", "a control command"]);
  const audit = log.filter(({ fields }) => fields.audit !== undefined).map(({ fields }) => fields.audit);
  assert.deepEqual(audit, ["ban", "kill", "unban", "ban"]);
  for (const connection of [outside, inside]) connection.destroy();
});

it("limits shows the limits in force and changes them, in the words of the configuration (F-74)", async (t) => {
  const { gateway, port } = await startEcho({ echo: true, maxConnections: 5, farewell: "busy\n" });
  t.after(() => gateway.destroy());
  const { result: before } = await command(gateway, { command: "limits" });
  assert.deepEqual([before!.maxConnections, before!.idleTimeout, before!.readIdleTimeout], [
    5,
    300_000,
    "Infinity",
  ]);
  const client = await lineClient(port);
  await client.send("x");
  await read(client, 1);
  const set = {
    maxConnections: 1,
    idleTimeout: "1 hour",
    shutdownDeadline: "3s",
    acceptRate: { perSecond: 1000, burst: 2000 },
    deny: ["192.0.2.0/24"],
  };
  const { ok, result } = await command(gateway, { command: "limits", payload: { set } });
  assert.equal(ok, true);
  const { maxConnections, idleTimeout, shutdownDeadline, acceptRate, deny } = result!;
  assert.deepEqual({ maxConnections, idleTimeout, shutdownDeadline, acceptRate, deny }, {
    ...{ ...set, idleTimeout: 3_600_000, shutdownDeadline: 3_000 },
  });
  const outside = await lineClient(port);
  assert.deepEqual(await read(outside, 1), ["busy"]);
  await command(gateway, { command: "limits", payload: { set: { maxConnections: "Infinity" } } });
  const inside = await lineClient(port);
  await inside.send("in");
  assert.deepEqual(await read(inside, 1), ["in"]);
  for (const connection of [client, outside, inside]) connection.destroy();
});

it("S-31: orders that make no sense are refused with a reason, and do nothing (F-70, F-74)", async (t) => {
  const { gateway, port } = await startEcho({ echo: true });
  t.after(() => gateway.destroy());
  const client = await lineClient(port);
  await client.send("x");
  await read(client, 1);
  const [conn_id] = gateway.endpoints.get("echo")!.connections.keys();
  const wrong: [command: string, payload: object, message: RegExp][] = [
    ["conn.close", { conn_id, ban: "soon" }, /found ban "soon", expected a duration/],
    ["conn.close", { conn_id, ban: 0 }, /found ban 0/],
    ["conn.close", { conn_id, reset: 1 }, /found reset 1, expected true or false/],
    ["conn.close", { conn_id, last_words: 7 }, /found last_words 7/],
    ["conn.close", { conn_id, by: [] }, /found by \[\]/],
    ["ban", { address: "10.0.0.0/8", duration: "1m" }, /other ranges belong in deny/],
    ["ban", { address: "127.0.0.1" }, /expected address, such as/],
    ["unban", {}, /found ""/],
    [
      "limits",
      { set: { maxConnections: -1, idle: "1s" } },
      /set\.maxConnections: found -1.*set\.idle: found/,
    ],
    [
      "limits",
      { set: { noDelay: true, maxConnections: 1 } },
      /noDelay: found true, expected an option that can/,
    ],
    ["limits", { set: 7 }, /set: found 7, expected a table of limits/],
  ];
  for (const [name, payload, message] of wrong) {
    const { ok, error } = await command(gateway, { command: name, payload });
    assert.deepEqual([ok, error?.reason], [false, "malformed"], JSON.stringify(payload));
    assert.match(error!.message, message);
  }
  const gone = { conn_id: "gone", ban: "1m", last_words: "bye" };
  assert.equal(
    (await command(gateway, { command: "conn.close", payload: gone })).error?.reason,
    "unknown_connection",
  );
  assert.deepEqual((await command(gateway, { command: "bans" })).result, []);
  assert.equal((await command(gateway, { command: "limits" })).result!.maxConnections, 4096);
  assert.equal(gateway.endpoints.get("echo")!.connections.size, 1);
  client.destroy();
});
