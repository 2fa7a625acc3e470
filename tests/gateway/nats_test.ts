/** The gateway on a real NATS server: services answer devices, messages find their sockets, frames are stored. */
import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { describe } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { checkConfig } from "../../src/gateway/config/config.ts";
import { formatFaults } from "../../src/gateway/config/fault.ts";
import { it } from "../support/it.ts";
import { NatsServer, withoutNats } from "../support/nats_server.ts";
import type { Cleaner } from "../support/program.ts";
import { lineClient, read, soon, startEcho } from "./support.ts";

const options = { skip: withoutNats, timeout: 120_000 };
const decoder = new TextDecoder();

/** A server, a gateway on it, and a client of NATS beside them. */
async function plant(
  t: Cleaner,
  type: "nats" | "jetstream",
  bus: object = {},
  endpoint: object = {},
  node = "n1",
) {
  const server = await NatsServer.start(t);
  const other = await connect({ servers: server.url, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
  t.after(() => other.close());
  const { gateway, port, log } = await startEcho(endpoint, {
    bus: { type, servers: server.url, reconnectWait: 50, ...bus },
    node,
  });
  t.after(() => gateway.destroy());
  return { server, other, gateway, port, log };
}

/** The next message of a subject. */
function next(
  other: NatsConnection,
  subject: string,
): Promise<{ text: string; header: (name: string) => string | undefined }> {
  return soon(
    new Promise((resolve) => {
      other.subscribe(subject, {
        max: 1,
        callback: (_, { data, headers }) =>
          resolve({ text: decoder.decode(data), header: (name) => headers?.get(name) }),
      });
    }),
    `a message at ${subject}`,
  );
}

describe("a gateway on NATS", () => {
  it(
    "counts a frame that no service takes, and writes nothing of it to its socket (F-56)",
    options,
    async (t) => {
      const { other, port, gateway } = await plant(t, "nats");
      const device = await lineClient(port);
      await device.send("anybody?");
      await soon(
        (async () => {
          while (gateway.bus.stats().unheard < 1) await new Promise((resolve) => setTimeout(resolve, 5));
        })(),
        "the server's answer",
      );
      const [id] = gateway.endpoints.get("echo")!.connections.keys();
      other.publish(`millrace.echo.out.n1.${id}`, "now");
      assert.deepEqual(await read(device, 1), ["now"]);
    },
  );

  it(
    "fills a subject with what it knows, and what a peer can choose is one token of it (F-55)",
    options,
    async (t) => {
      const subjects = { ingress: "plant.{node}.{endpoint}.{peer.ip}.in.{conn.id}" };
      const { other, port } = await plant(t, "nats", {}, { subjects });
      const first = next(other, "plant.n1.echo.127_0_0_1.in.*");
      await other.flush();
      await (await lineClient(port)).send("hello");
      assert.equal((await first).text, "hello");
    },
  );
});

describe("a gateway on JetStream", () => {
  it(
    "S-30: has every frame of its devices once and in order though the broker is killed (F-58, F-76)",
    options,
    async (t) => {
      const { server, port } = await plant(t, "jetstream");
      const devices = await Promise.all(
        ["a", "b"].map(async (name) => ({ name, device: await lineClient(port) })),
      );
      const count = 400;
      let killing: Promise<void> = Promise.resolve();
      await Promise.all(devices.map(async ({ name, device }, at) => {
        for (let n = 1; n <= count; n++) {
          await device.send(`${name} ${n}`);
          if (at === 0 && n % 130 === 0) killing = killing.then(() => server.kill()).then(() => server.run());
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        await device.close();
      }));
      await killing;
      const other = await connect({ servers: server.url });
      t.after(() => other.close());
      const manager = await jetstreamManager(other);
      const stored = async () => (await manager.streams.info("millrace")).state.messages;
      await soon(
        (async () => {
          while (await stored() < 2 * count) await new Promise((resolve) => setTimeout(resolve, 20));
        })(),
        "all frames in the stream",
      );
      const found: Record<string, number[]> = { a: [], b: [] };
      for (let seq = 1; seq <= 2 * count; seq++) {
        const message = await manager.streams.getMessage("millrace", { seq });
        const [name, number] = message!.string().split(" ");
        found[name!]!.push(Number(number));
        assert.equal(message!.header.get("seq"), number);
      }
      const wanted = Array.from({ length: count }, (_, n) => n + 1);
      assert.deepEqual(found, { a: wanted, b: wanted });
    },
  );

  it(
    "stops reading from its devices while the broker is away, and loses nothing (F-58)",
    options,
    async (t) => {
      const { server, port, gateway } = await plant(t, "jetstream", { maxPending: 8 });
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
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      assert.ok(taken < total, "the device was never held back");
      assert.ok(gateway.bus.stats().unconfirmed! <= 9);
      await server.run();
      await sending;
      await device.close();
      const { traffic } = { traffic: () => gateway.endpoints.get("echo")!.traffic().framesPublished };
      await soon(
        (async () => {
          while (traffic() < total) await new Promise((resolve) => setTimeout(resolve, 20));
        })(),
        "all frames stored",
      );
    },
  );

  it(
    "writes stored messages to their sockets once each, and buries what has none (F-56)",
    options,
    async (t) => {
      const subjects = ["millrace.*.in.>", "millrace.*.out.>", "millrace.*.dead"];
      const { other, port, gateway } = await plant(t, "jetstream", { subjects });
      const device = await lineClient(port);
      await device.send("here");
      const endpoint = gateway.endpoints.get("echo")!;
      await soon(
        (async () => {
          while (endpoint.traffic().framesPublished < 1) {
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        })(),
        "the device",
      );
      const [id] = endpoint.connections.keys();
      const dead = next(other, "millrace.echo.dead");
      const client = jetstream(other);
      for (const text of ["one", "two", "three"]) await client.publish(`millrace.echo.out.n1.${id}`, text);
      assert.deepEqual(await read(device, 3), ["one", "two", "three"]);
      await client.publish("millrace.echo.out.n1.nobody", "lost");
      assert.equal((await dead).header("reason"), "unknown_connection");
      const manager = await jetstreamManager(other);
      await soon(
        (async () => {
          for (;;) {
            const { num_ack_pending, num_pending } = await manager.consumers.info("millrace", "echo-n1");
            if (num_ack_pending === 0 && num_pending === 0) return;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        })(),
        "acknowledgements",
      );
    },
  );

  it(
    "acknowledges a stored message when the kernel has its bytes, and buries what it never took (F-56)",
    options,
    async (t) => {
      const subjects = ["millrace.*.in.>", "millrace.*.out.>", "millrace.*.dead"];
      const { other, port, gateway } = await plant(t, "jetstream", { subjects }, {
        egressLimit: "64 MiB",
        egressTimeout: "1m",
      });
      const deaf = createConnection(port, "127.0.0.1");
      deaf.on("error", () => {}).pause();
      t.after(() => deaf.destroy());
      const endpoint = gateway.endpoints.get("echo")!;
      await soon(
        (async () => {
          while (endpoint.connections.size < 1) await new Promise((resolve) => setTimeout(resolve, 5));
        })(),
        "the device",
      );
      const [id] = endpoint.connections.keys();
      let dead = 0;
      other.subscribe("millrace.echo.dead", { callback: () => void dead++ });
      const total = 20;
      for (let n = 0; n < total; n++) {
        await jetstream(other).publish(`millrace.echo.out.n1.${id}`, "x".repeat(900_000));
      }
      const manager = await jetstreamManager(other);
      const waiting = async () => {
        const { num_ack_pending, num_pending } = await manager.consumers.info("millrace", "echo-n1");
        return num_ack_pending + num_pending;
      };
      await soon(
        (async () => {
          while (endpoint.traffic().messagesSent < 1) await new Promise((resolve) => setTimeout(resolve, 5));
        })(),
        "the first messages",
      );
      assert.ok(await waiting() > 0, "all were acknowledged, and nobody has read them");
      deaf.destroy();
      await soon(
        (async () => {
          while (await waiting() > 0) await new Promise((resolve) => setTimeout(resolve, 20));
        })(),
        "acknowledgements",
      );
      await other.flush();
      const { messagesSent, messagesUndelivered } = endpoint.traffic();
      assert.deepEqual([messagesUndelivered, messagesSent + dead], [dead, total]);
    },
  );

  it("says before it starts which subject its stream does not cover (F-58)", options, async (t) => {
    const subjects = { ingress: "elsewhere.in" };
    await assert.rejects(plant(t, "jetstream", {}, { subjects }), {
      _tag: "BusError",
      reason: "rejected",
      message: /endpoint echo: the stream does not cover elsewhere\.in/,
    });
  });
});

it("says where it looked when no NATS server answers, and what to do (F-57)", options, async () => {
  const config = { bus: { type: "nats", servers: "nats://127.0.0.1:1", connectTimeout: 300 } };
  await assert.rejects(startEcho({}, config), {
    _tag: "BusError",
    reason: "disconnected",
    message: /connect to nats:\/\/127\.0\.0\.1:1: .*start one/,
  });
});

it("checks every key of a bus on a network, and of subjects with places (F-54, F-55)", () => {
  const check = checkConfig({
    bus: {
      type: "jetstream",
      servers: ["http://x", "nats://a:b@c"],
      stream: "a.b",
      create: "yes",
      replicas: 9,
      subjects: [],
      tls: { cert: "x.pem" },
      maxPending: 0,
      color: "blue",
    },
    node: "a b",
    endpoints: [{
      name: "one",
      listen: "127.0.0.1:0",
      subjects: { ingress: "a.{peer}.in", deadLetter: "x.*" },
    }],
  });
  assert.ok(!check.ok);
  const text = formatFaults(check.faults, undefined);
  for (
    const part of [
      "bus.servers",
      "bus.stream",
      "bus.create",
      "bus.replicas",
      "bus.subjects",
      "bus.tls.key",
      "bus.maxPending",
      "bus.color",
      "node",
      "endpoints[0].subjects.ingress",
      "{peer}, expected one of {endpoint}, {node}, {conn.id}",
      "endpoints[0].subjects.deadLetter",
    ]
  ) assert.ok(text.includes(part), `${part} in:\n${text}`);
});
