/** The gateway on a real Redis server: frames are stored once and in order, messages for sockets are kept until they are written. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { Redis } from "ioredis";
import { checkConfig } from "../../src/gateway/config/config.ts";
import { formatFaults } from "../../src/gateway/config/fault.ts";
import { it } from "../support/it.ts";
import type { Cleaner } from "../support/program.ts";
import { clientPair, serverPair, testAuthority } from "../support/certificates.ts";
import { freePort, RedisServer, withoutRedis } from "../support/redis_server.ts";
import { configOf, lineClient, read, soon, startEcho } from "./support.ts";

const options = { skip: withoutRedis, timeout: 120_000 };
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A server, a gateway on it, and a client of Redis beside them. */
async function plant(t: Cleaner, bus: object = {}, endpoint: object = {}) {
  const server = await RedisServer.start(t);
  const other = new Redis(server.url, { retryStrategy: () => 50 });
  t.after(() => other.disconnect());
  other.on("error", () => {});
  const { gateway, port, log } = await startEcho(endpoint, {
    bus: { type: "redis", url: server.url, reconnectWait: 50, ...bus },
    node: "n1",
  });
  t.after(() => gateway.destroy());
  return { server, other, gateway, port, log, endpoint: gateway.endpoints.get("echo")! };
}

async function until(what: string, done: () => Promise<boolean> | boolean): Promise<void> {
  let over = false;
  const waiting = async (): Promise<void> => {
    while (!over && !await done()) await pause(10);
  };
  await soon(waiting(), what).finally(() => over = true);
}

describe("a gateway on Redis", () => {
  for (const pace of ["1 ms a frame", "full speed"] as const) {
    it(
      `S-30: has every frame of its devices once and in order though the server is killed, at ${pace} (F-57, F-58, F-76)`,
      options,
      async (t) => {
        const { server, other, port, endpoint } = await plant(t);
        const count = pace === "full speed" ? 3_000 : 400;
        const kills = new Set([0.2, 0.5, 0.8].map((part) => Math.round(count * part)));
        let killing: Promise<void> = Promise.resolve();
        const devices = await Promise.all(
          ["a", "b"].map(async (name) => [name, await lineClient(port)] as const),
        );
        await Promise.all(devices.map(async ([name, device], at) => {
          for (let n = 1; n <= count; n++) {
            await device.send(`${name} ${n}`);
            if (at === 0 && kills.has(n)) {
              killing = killing.then(() => server.kill()).then(() => server.run());
            }
            if (pace !== "full speed") await pause(1);
          }
          await device.close();
        }));
        await killing;
        await until("all frames stored", () => endpoint.traffic().framesPublished === 2 * count);
        const found: Record<string, number[]> = { a: [], b: [] };
        for (const [, fields] of await other.xrange("millrace.echo.in", "-", "+")) {
          const field = (name: string): string => fields[fields.indexOf(name) + 1]!;
          const [name, number] = field("payload").split(" ");
          found[name!]!.push(Number(number));
          assert.equal(field("seq"), number);
        }
        const wanted = Array.from({ length: count }, (_, n) => n + 1);
        assert.deepEqual(found, { a: wanted, b: wanted });
      },
    );
  }

  it(
    "stops reading from its devices while the server is away, and loses nothing (F-57, F-58)",
    options,
    async (t) => {
      const { server, port, gateway, endpoint } = await plant(t, { maxPending: 8 });
      const device = await lineClient(port);
      await server.kill();
      const total = 3_000;
      const line = "x".repeat(4_000);
      let taken = 0;
      const sending = (async () => {
        for (let n = 0; n < total; n++) {
          await device.send(line);
          taken++;
        }
      })();
      let last = -1;
      while (taken !== last) {
        last = taken;
        await pause(300);
      }
      assert.ok(taken < total, "the device was never held back");
      assert.ok(gateway.bus.stats().unconfirmed! <= 9);
      await server.run();
      await sending;
      await device.close();
      await until("all frames stored", () => endpoint.traffic().framesPublished === total);
    },
  );

  it(
    "writes stored messages to their sockets once each, those too that came while it was away, and buries what has none (F-56, F-57)",
    options,
    async (t) => {
      const subjects = ["millrace.*.in", "millrace.*.out.>", "millrace.*.out", "millrace.*.dead"];
      const { server, other, port, endpoint } = await plant(t, { subjects });
      const device = await lineClient(port);
      await device.send("here");
      await until("the device", () => endpoint.traffic().framesPublished === 1);
      const [id] = endpoint.connections.keys();
      const send = (subject: string, payload: string) =>
        other.xadd("millrace.echo.out", "*", "subject", subject, "payload", payload);
      for (const text of ["one", "two"]) await send(`millrace.echo.out.n1.${id}`, text);
      await other.xadd("millrace.echo.out", "*", "conn.id", id!, "payload", "three");
      assert.deepEqual((await read(device, 3)).sort(), ["one", "three", "two"]);
      await send("millrace.echo.out.n1.nobody", "lost");
      let dead: [string, string[]][] = [];
      await until(
        "a dead letter",
        async () => (dead = await other.xrange("millrace.echo.dead", "-", "+")).length === 1,
      );
      const [, fields] = dead[0]!;
      assert.equal(fields[fields.indexOf("reason") + 1], "unknown_connection");
      assert.equal(fields[fields.indexOf("header.subject") + 1], "millrace.echo.out.n1.nobody");
      const pending = async () => {
        const found = await Promise.all(
          ["echo-n1", "echo-n1-all"].map((group) => other.xpending("millrace.echo.out", group)),
        );
        return found.every(([count]) => count === 0);
      };
      await until("acknowledgements", pending);
      await server.kill();
      await server.run();
      await until("the client", async () => await other.ping().catch(() => "") === "PONG");
      await send(`millrace.echo.out.n1.${id}`, "back");
      assert.deepEqual(await read(device, 1), ["back"]);
    },
  );

  it(
    "says before it starts which subject it would not store, or store without bounds (F-57, F-58)",
    options,
    async (t) => {
      await assert.rejects(plant(t, {}, { subjects: { ingress: "elsewhere.in" } }), {
        _tag: "BusError",
        reason: "rejected",
        message: /endpoint echo: the stream does not cover elsewhere\.in.*subjects of the bus/,
      });
      const own = { subjects: ["plant.*.in"] };
      await assert.rejects(plant(t, own, { subjects: { ingress: "plant.{conn.id}.in" } }), {
        reason: "rejected",
        message: /endpoint echo: plant\.\{conn\.id\}\.in makes a stream for each connection/,
      });
    },
  );

  it(
    "speaks TLS with a server, both sides with certificates, and trusts no stranger (F-57)",
    options,
    async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "millrace-redis-tls-"));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const put = (name: string, text: string): string => {
        writeFileSync(join(folder, name), text);
        return join(folder, name);
      };
      const [authority, own, device] = [
        await testAuthority(),
        await serverPair(),
        await clientPair("gateway"),
      ];
      const ca = put("ca.pem", authority.cert);
      const tlsPort = await freePort();
      await RedisServer.start(
        t,
        ...["--tls-port", String(tlsPort), "--tls-auth-clients", "yes", "--tls-ca-cert-file", ca],
        ...["--tls-cert-file", put("cert.pem", own.cert), "--tls-key-file", put("key.pem", own.key)],
      );
      const url = `rediss://127.0.0.1:${tlsPort}`;
      const start = (tls: object) =>
        startEcho({ echo: true }, { bus: { type: "redis", url, connectTimeout: 3_000, tls } });
      const pair = { cert: put("client.pem", device.cert), key: put("client.key", device.key) };
      const { gateway, port } = await start({ ca, ...pair });
      t.after(() => gateway.destroy());
      const client = await lineClient(port);
      await client.send("secret");
      assert.deepEqual(await read(client, 1), ["secret"]);
      await assert.rejects(start(pair), { _tag: "BusError", reason: "disconnected" });
    },
  );

  it("reaches a server that asks for a user, and says when it is refused (F-57)", options, async (t) => {
    const server = await RedisServer.start(t, "--requirepass", "secret");
    const start = (bus: object) => startEcho({}, { bus: { type: "redis", url: server.url, ...bus } });
    const { gateway } = await start({ user: "default", password: "secret" });
    await gateway.destroy();
    for (const wrong of [{}, { password: "wrong" }]) {
      await assert.rejects(start(wrong), {
        _tag: "BusError",
        reason: "disconnected",
        message: /connect to redis:\/\/127\.0\.0\.1:\d+: rejected by the server: /,
      });
    }
  });
});

it(
  "says where it looked when no Redis server answers, and what to do (F-57)",
  { timeout: 60_000 },
  async () => {
    await assert.rejects(
      startEcho({}, { bus: { type: "redis", url: "redis://127.0.0.1:1", connectTimeout: 300 } }),
      {
        _tag: "BusError",
        reason: "disconnected",
        message: /connect to redis:\/\/127\.0\.0\.1:1: .*start one/,
      },
    );
  },
);

it("checks every key of a bus on Redis (F-54, F-57)", () => {
  const endpoints = [{ name: "one", listen: "127.0.0.1:0" }];
  const check = checkConfig({
    bus: {
      type: "redis",
      url: "redis://me:secret@host",
      subjects: ["a..b"],
      maxLength: -1,
      duplicateWindow: "Infinity",
      reconnectWait: "soon",
      servers: "redis://x",
      tls: { key: "x.pem" },
    },
    endpoints,
  });
  assert.ok(!check.ok);
  const text = formatFaults(check.faults, undefined);
  for (
    const part of [
      "user and password have keys of their own",
      "bus.subjects",
      "bus.maxLength",
      "bus.duplicateWindow",
      "bus.reconnectWait",
      "bus.servers",
      "bus.tls.cert",
    ]
  ) assert.ok(text.includes(part), `${part} in:\n${text}`);
  for (
    const url of [
      "redis://h:0",
      "redis://h:65536",
      "http://h",
      "redis://",
      "redis://h/x",
      "redis://h?x=1",
      6379,
    ]
  ) {
    assert.ok(!checkConfig({ bus: { type: "redis", url }, endpoints }).ok, String(url));
  }
  for (const url of ["redis://[::1]:6379/3", "rediss://redis.example.org"]) {
    assert.ok(checkConfig({ bus: { type: "redis", url, maxLength: "Infinity" }, endpoints }).ok, url);
  }
  for (const maxLength of [0, "Infinity"]) {
    const { bus } = configOf({ bus: { type: "redis", maxLength }, endpoints });
    assert.deepEqual(bus.settings, { maxLength: Infinity });
  }
});
