// Several processes of one gateway on one NATS server: each is a node of its own there.
import assert from "node:assert/strict";
import { connect as dial, type Socket } from "node:net";
import { describe } from "node:test";
import { connect, headers } from "@nats-io/transport-node";
import { detectAdapter } from "../../../src/adapters/detect.ts";
import { it } from "../../support/it.ts";
import { NatsServer, withoutNats } from "../../support/nats_server.ts";
import { gateway, listening, long, serving, stopped } from "../../support/processes.ts";
import { soon } from "../support.ts";

const adapter = await detectAdapter();

/** What a device has been sent. */
class Device {
  readonly socket: Socket;
  text = "";
  #wake: () => void = () => {};

  constructor(port: number) {
    this.socket = dial(port, "127.0.0.1");
    this.socket.on("error", () => {}).setEncoding("utf8").on("data", (text: string) => {
      this.text += text;
      this.#wake();
    });
  }

  async until(wanted: string): Promise<void> {
    const all = async (): Promise<void> => {
      while (!this.text.includes(wanted)) await new Promise<void>((resolve) => this.#wake = resolve);
    };
    await soon(all(), `${JSON.stringify(wanted)} at a device, which has ${JSON.stringify(this.text)}`);
  }
}

describe(`--processes on NATS, on ${adapter.name}`, () => {
  it(
    "each process is a node of its own: replies, messages and commands reach the connection of the right one (F-49, F-56)",
    { ...long, skip: long.skip || withoutNats },
    async (t) => {
      const server = await NatsServer.start(t);
      const nats = await connect({ servers: server.url });
      t.after(() => nats.close());
      const found = new Map<string, { node: string; reply: string }>();
      nats.subscribe("millrace.meters.in", {
        callback: (_, message) => {
          const header = (name: string): string => message.headers!.get(name);
          found.set(header("conn.id"), { node: header("node"), reply: message.reply! });
          message.respond(`to ${message.string()}`);
        },
      });
      await nats.flush();
      const { program } = gateway(t, {
        bus: { type: "nats", servers: server.url },
        node: "plant",
        endpoints: [{ name: "meters", listen: "127.0.0.1:0" }],
        processes: 2,
      });
      const { port } = await listening(program);
      await serving(program);
      // The kernel chooses the process: some connections suffice for both to have one.
      const devices: Device[] = [];
      t.after(() => devices.forEach(({ socket }) => socket.destroy()));
      const nodes = (): Set<string> => new Set([...found.values()].map(({ node }) => node));
      while (nodes().size < 2 || devices.length < 8) {
        assert.ok(devices.length < 200, `all connections are with ${[...nodes()]}`);
        const device = new Device(port);
        devices.push(device);
        device.socket.write(`${devices.length}\n`);
        await device.until(`to ${devices.length}\n`);
      }
      assert.deepEqual([...nodes()].sort(), ["plant-1", "plant-2"]);
      assert.equal(found.size, devices.length);
      for (const [id, { node, reply }] of found) assert.equal(reply, `millrace.meters.out.${node}.${id}`);

      const dead: string[] = [];
      nats.subscribe("millrace.meters.dead", { callback: (_, message) => void dead.push(message.string()) });
      for (const [id, { node }] of found) nats.publish(`millrace.meters.out.${node}.${id}`, `for ${id}`);
      const named = [...found].map(async ([id, { node }]) => {
        const where = headers();
        where.set("conn.id", id);
        where.set("node", node);
        nats.publish("millrace.meters.out", `named ${id}`, { headers: where });
        await soon(
          (async () => {
            const done = (device: Device): boolean => device.text.includes(`named ${id}\n`);
            while (!devices.some(done)) await new Promise((resolve) => setTimeout(resolve, 5));
          })(),
          `the message named ${id}`,
        );
      });
      await Promise.all(named);
      const everybody = headers();
      everybody.set("conn.id", "*");
      nats.publish("millrace.meters.out", "for all", { headers: everybody });
      await Promise.all(devices.map((device) => device.until("for all\n")));
      await nats.flush();
      // Each device has its own messages, each once, and no process took one of another for lost.
      const own = devices.map(({ text }) =>
        [...text.matchAll(/^(?:for|named) (?!all)(.*)$/gm)].map(([, id]) => id!)
      );
      for (const ids of own) assert.deepEqual([ids.length, new Set(ids).size], [2, 1]);
      assert.deepEqual(own.map(([id]) => id!).sort(), [...found.keys()].sort());
      assert.deepEqual(dead, []);

      // A message for a node that is there and a connection that is not is that node's to refuse.
      nats.publish("millrace.meters.out.plant-2.nobody", "lost");
      await soon(
        (async () => {
          while (dead.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        })(),
        "a dead letter",
      );
      assert.deepEqual(dead, ["lost"]);
      for (const { socket } of devices) socket.destroy();
      await stopped(program);
    },
  );
});
