/** Redis that fails, and comes back: every frame once, and in the order of its connection (F-57, F-58, F-76). */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { Redis } from "ioredis";
import type { LogRecord } from "../../../src/core/logger.ts";
import { redisBus } from "../../../src/gateway/buses/redis/redis_bus.ts";
import { it } from "../../support/it.ts";
import { RedisServer, withoutRedis } from "../../support/redis_server.ts";
import { all, frames, storeContract, tick } from "./store_contract.ts";
import { Way } from "./way.ts";

const options = { skip: withoutRedis, timeout: 120_000 };
const subjects = ["millrace.*.in.>"];

/** What the stream has, by connection, in its order. */
async function storedIn(url: string): Promise<Map<string, number[]>> {
  const client = new Redis(url);
  const found = new Map<string, number[]>();
  for (const [, fields] of await client.xrange("millrace.t.in", "-", "+")) {
    const [id = "", number] = fields[fields.indexOf("payload") + 1]!.split(" ");
    found.set(id, [...found.get(id) ?? [], Number(number)]);
  }
  client.disconnect();
  return found;
}

storeContract({
  name: "Redis",
  skip: withoutRedis,
  start: (t) => RedisServer.start(t),
  open: (url, rest) => redisBus({ url, reconnectWait: 50, subjects, ...rest }),
  storedIn,
});

describe("Redis whose answers are lost", () => {
  it("S-30: has every frame once though the bus never heard that it is stored (F-76)", options, async (t) => {
    const server = await RedisServer.start(t);
    const way = await Way.to(t, server.port);
    const bus = await redisBus({ url: `redis://127.0.0.1:${way.port}`, reconnectWait: 50, subjects });
    t.after(() => bus.close());
    const [heard, unheard, later] = [40, 20, 40];
    const list = [...frames("a", heard + unheard + later)];
    for (const frame of list.slice(0, heard)) await bus.publish(frame);
    await bus.flush();
    way.mute = true;
    for (const frame of list.slice(heard, heard + unheard)) await bus.publish(frame);
    while ((await storedIn(server.url)).get("a")!.length < heard + unheard) await tick();
    assert.equal(bus.stats().unconfirmed, unheard);
    way.cut();
    way.mute = false;
    for (const frame of list.slice(heard + unheard)) await bus.publish(frame);
    await bus.flush();
    assert.deepEqual((await storedIn(server.url)).get("a"), all(list.length));
    assert.equal(bus.stats().duplicates, unheard);
  });

  it("S-30: goes on in order where the server could not store for a while (F-58)", options, async (t) => {
    const server = await RedisServer.start(t);
    const other = new Redis(server.url);
    t.after(() => other.disconnect());
    const bus = await redisBus({ url: server.url, reconnectWait: 50, subjects });
    t.after(() => bus.close());
    const list = [...frames("a", 60)];
    for (const frame of list.slice(0, 20)) await bus.publish(frame);
    await bus.flush();
    await other.config("SET", "maxmemory", "1");
    await other.config("SET", "maxmemory-policy", "noeviction");
    for (const frame of list.slice(20, 40)) {
      await bus.publish(frame);
      await tick();
    }
    while (bus.stats().stops! < 1) await tick();
    await other.config("SET", "maxmemory", "0");
    for (const frame of list.slice(40)) await bus.publish(frame);
    await bus.flush();
    assert.deepEqual((await storedIn(server.url)).get("a"), all(60));
    // A script that is gone is one more thing that the server may lack.
    await other.script("FLUSH");
    for (const frame of frames("b", 10)) await bus.publish(frame);
    await bus.flush();
    assert.deepEqual((await storedIn(server.url)).get("b"), all(10));
  });

  it("says what a server has lost that it had said to be stored (F-58)", options, async (t) => {
    const server = await RedisServer.start(t, "--appendonly", "no");
    const log: LogRecord[] = [];
    const bus = await redisBus({
      url: server.url,
      reconnectWait: 50,
      subjects,
      logger: (record) => void log.push(record),
    });
    t.after(() => bus.close());
    assert.match(JSON.stringify(log), /stored frames may be lost.*appendonly yes/);
    for (const frame of frames("a", 5)) await bus.publish(frame);
    await bus.flush();
    await server.kill();
    await server.run();
    for (const frame of frames("b", 5)) await bus.publish(frame);
    await bus.flush();
    assert.match(JSON.stringify(log), /the server has forgotten what it had stored/);
    assert.deepEqual([...await storedIn(server.url)], [["b", all(5)]]);
  });
});
