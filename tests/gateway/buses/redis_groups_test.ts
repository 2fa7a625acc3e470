/** Subscriptions to streams of Redis, and what the server keeps of a publisher (F-56, F-57, F-58). */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { Redis } from "ioredis";
import type { LogRecord } from "../../../src/core/logger.ts";
import type { Bus, BusMessage } from "../../../src/gateway/buses/bus.ts";
import { removeDead } from "../../../src/gateway/buses/redis/group_commands.ts";
import { redisBus } from "../../../src/gateway/buses/redis/redis_bus.ts";
import { storeScript } from "../../../src/gateway/buses/redis/store_script.ts";
import { systemClock } from "../../../src/core/time/clock.ts";
import { it } from "../../support/it.ts";
import type { Cleaner } from "../../support/program.ts";
import { RedisServer, withoutRedis } from "../../support/redis_server.ts";
import { soon } from "../support.ts";

const options = { skip: withoutRedis, timeout: 120_000 };
const decoder = new TextDecoder();
const textOf = ({ payload }: BusMessage): string => decoder.decode(payload);
const message = (text: string): BusMessage => ({
  subject: "t.x",
  payload: new TextEncoder().encode(text),
  metadata: {},
});

async function plant(t: Cleaner, settings: object = {}) {
  const server = await RedisServer.start(t);
  const client = new Redis(server.url);
  client.on("error", () => {});
  t.after(() => client.disconnect());
  const log: LogRecord[] = [];
  const open = async (): Promise<Bus> => {
    const bus = await redisBus({
      url: server.url,
      reconnectWait: 50,
      subjects: ["t.>"],
      logger: (record) => void log.push(record),
      ...settings,
    });
    t.after(() => bus.close());
    return bus;
  };
  return { server, client, open, log };
}

async function until(what: string, done: () => Promise<boolean> | boolean): Promise<void> {
  let over = false;
  const waiting = async (): Promise<void> => {
    while (!over && !await done()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await soon(waiting(), what).finally(() => over = true);
}

const pendingIn = async (client: Redis): Promise<number> => (await client.xpending("t", "g"))[0] as number;

describe("a durable subscription on Redis", () => {
  it("gets what came while it was away, and acknowledges what its handler has done", options, async (t) => {
    const { client, open } = await plant(t);
    const bus = await open();
    const seen: string[] = [];
    const first = bus.subscribe("t.>", (one) => void seen.push(textOf(one)), { durable: "g" });
    await bus.flush();
    await bus.publish(message("one"));
    await until("one", () => seen.length === 1);
    await first.close();
    assert.equal(await pendingIn(client), 0);
    await bus.publish(message("two"));
    await bus.flush();
    const second = await open();
    second.subscribe("t.>", (one) => void seen.push(textOf(one)), { durable: "g" });
    await until("two", () => seen.length === 2);
    assert.deepEqual(seen, ["one", "two"]);
    await until("the acknowledgement", async () => await pendingIn(client) === 0);
  });

  it("gets again what its handler has failed with, and gives it up in the end", options, async (t) => {
    // Waits are as short as the test likes.
    const clock = {
      ...systemClock,
      setTimer: (act: () => void, ms: number) => systemClock.setTimer(act, ms / 100),
    };
    const { client, open, log } = await plant(t, { clock });
    const bus = await open();
    const seen: string[] = [];
    bus.subscribe("t.>", (one) => {
      seen.push(textOf(one));
      if (textOf(one) !== "fine" && seen.filter((text) => text === textOf(one)).length < 3) {
        throw new Error("later");
      }
      if (textOf(one) === "never") throw new Error("never");
    }, { durable: "g" });
    await bus.flush();
    for (const text of ["later", "fine", "never"]) await bus.publish(message(text));
    await until("all", () => log.some(({ message }) => message === "message given up: its handler fails"));
    await until("acknowledgements", async () => await pendingIn(client) === 0);
    const count = (text: string): number => seen.filter((one) => one === text).length;
    assert.deepEqual([count("later"), count("fine"), count("never")], [3, 1, 10]);
  });

  it(
    "takes over what a dead consumer has left, which is removed when nothing is its own",
    options,
    async (t) => {
      const { client, open } = await plant(t);
      await client.xgroup("CREATE", "t", "g", "$", "MKSTREAM");
      const id = await client.xadd("t", "*", "subject", "t.x", "payload", "left");
      await client.xreadgroup("GROUP", "g", "dead", "STREAMS", "t", ">");
      await client.call("XCLAIM", "t", "g", "dead", "0", id!, "IDLE", "120000", "JUSTID");
      const bus = await open();
      const seen: string[] = [];
      bus.subscribe("t.>", (one) => void seen.push(textOf(one)), { durable: "g" });
      await until("what was left", () => seen.length === 1);
      assert.deepEqual(seen, ["left"]);
      await until("the acknowledgement", async () => await pendingIn(client) === 0);
      await client.xgroup("CREATECONSUMER", "t", "g", "busy");
      await bus.close();
      await client.xadd("t", "*", "payload", "held");
      await client.xreadgroup("GROUP", "g", "busy", "STREAMS", "t", ">");
      const names = async (): Promise<unknown[]> =>
        (await client.xinfo("CONSUMERS", "t", "g") as unknown[][]).map(([, name]) => name);
      await until("an idle consumer", async () => {
        await removeDead(client, "t", "g", 1);
        return (await names()).length === 1;
      });
      assert.deepEqual(await names(), ["busy"]);
    },
  );

  it(
    "asks for no more than its handler may hold, and handles each once though the server dies",
    options,
    async (t) => {
      const { server, client, open } = await plant(t);
      const bus = await open();
      const seen: string[] = [];
      let release!: () => void;
      const held = new Promise<void>((resolve) => release = resolve);
      bus.subscribe("t.>", (one) => held.then(() => void seen.push(textOf(one))), { durable: "g", limit: 8 });
      await bus.flush();
      const texts = Array.from({ length: 40 }, (_, n) => String(n));
      for (const text of texts) await bus.publish(message(text));
      await until("the first", async () => await pendingIn(client) >= 8);
      await server.kill();
      await server.run();
      await until("the client", async () => await client.ping().catch(() => "") === "PONG");
      assert.equal(await pendingIn(client), 8);
      release();
      await until("all", () => seen.length >= texts.length);
      assert.deepEqual(seen, texts);
      await until("acknowledgements", async () => await pendingIn(client) === 0);
    },
  );

  it("goes on where it was when its group is gone", options, async (t) => {
    const { client, open } = await plant(t);
    const bus = await open();
    const seen: string[] = [];
    bus.subscribe("t.>", (one) => void seen.push(textOf(one)), { durable: "g" });
    await bus.flush();
    await bus.publish(message("one"));
    await until("one", () => seen.length === 1);
    await client.xgroup("DESTROY", "t", "g");
    await bus.publish(message("two"));
    await until("two", () => seen.length === 2);
    assert.deepEqual(seen, ["one", "two"]);
  });
});

describe("what Redis keeps of a publisher", () => {
  it("is one number for a time, and streams of a bounded length", options, async (t) => {
    const { client, open } = await plant(t, { maxLength: 10, duplicateWindow: "1m" });
    const bus = await open();
    for (let n = 0; n < 500; n++) await bus.publish(message(String(n)));
    await bus.flush();
    const length = await client.xlen("t");
    assert.ok(length >= 10 && length < 300, `${length} entries`);
    const keys = (await client.keys("*")).filter((key) => key !== "t");
    assert.equal(keys.length, 1);
    assert.match(keys[0]!, /^millrace:last:/);
    const left = await client.pttl(keys[0]!);
    assert.ok(left > 0 && left <= 60_000, `${left} ms`);
  });

  it("S-30: decides that a message is stored only behind the one before it, and once", options, async (t) => {
    const { client } = await plant(t);
    const store = (after: number, ...numbers: number[]) =>
      client.eval(
        storeScript,
        ...[2, "last", "s", after, 60_000, ""],
        ...numbers.flatMap((number) => [number, 2, 2, "n", number]),
      );
    assert.deepEqual(await store(-1, 0, 1), ["1", "0", ""]);
    assert.deepEqual(await store(2, 3), ["1", "0", "what was sent before is not stored"]);
    assert.deepEqual(await store(0, 1, 2), ["2", "1", ""]);
    assert.deepEqual(await store(2, 3), ["3", "0", ""]);
    const found = await client.xrange("s", "-", "+");
    assert.deepEqual(found.map(([, [, number]]) => number), ["0", "1", "2", "3"]);
    await client.set("other", "no stream");
    const [last, , why] = await client.eval(
      storeScript,
      ...[3, "last", "s", "other", 3, 60_000, ""],
      ...[4, 2, 2, "n", 4, 5, 3, 2, "n", 5, 6, 2, 2, "n", 6],
    ) as string[];
    assert.equal(last, "4");
    assert.match(why!, /WRONGTYPE/);
    assert.equal(await client.xlen("s"), 5);
  });
});
