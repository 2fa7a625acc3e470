// MQTT with its clients: npm's mqtt and Debian's mosquitto_pub and mosquitto_sub meet at a small broker of ours.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, type TestContext } from "node:test";
import mqttClient from "mqtt";
import mqttPacket, { type Packet } from "mqtt-packet";
import { mqtt } from "../../../src/protocols/mqtt.ts";
import { serve } from "../../../src/server/serve.ts";
import type { Connection } from "../../../src/connection/connection.ts";
import type { Server } from "../../../src/server/server.ts";
import { Gate } from "../../support/frames.ts";
import { it } from "../../support/it.ts";
import { run, start, without } from "../../support/outside_program.ts";

/** The one packet of a frame. */
function parsed(frame: Uint8Array): Packet {
  const packets: Packet[] = [];
  mqttPacket.parser().on("packet", (packet: Packet) => packets.push(packet)).parse(Buffer.from(frame));
  assert.equal(packets.length, 1);
  return packets[0]!;
}

const written = (packet: Packet): Uint8Array => new Uint8Array(mqttPacket.generate(packet));

/** A broker with which everybody has subscribed to everything that anybody has. */
async function broker(t: TestContext): Promise<{ server: Server<Uint8Array, Uint8Array>; subscribed: Gate }> {
  const subscribers = new Set<Connection<Uint8Array, Uint8Array>>();
  const subscribed = new Gate();
  const server = await serve({
    port: 0,
    framing: mqtt(),
    logger: () => {},
    onDisconnect: (_record, connection) => void subscribers.delete(connection),
    onFrame(frame, connection) {
      const packet = parsed(frame);
      switch (packet.cmd) {
        case "connect":
          return connection.send(written({ cmd: "connack", returnCode: 0, sessionPresent: false }));
        case "subscribe":
          subscribers.add(connection);
          subscribed.open();
          return connection.send(written({ cmd: "suback", messageId: packet.messageId!, granted: [0] }));
        case "publish": {
          const { topic, payload, qos, messageId } = packet;
          const passed = written({ cmd: "publish", topic, payload, qos: 0, dup: false, retain: false });
          for (const subscriber of subscribers) void subscriber.send(passed);
          return qos === 1 ? connection.send(written({ cmd: "puback", messageId: messageId! })) : undefined;
        }
        case "pingreq":
          return connection.send(written({ cmd: "pingresp" }));
      }
    },
  });
  t.after(() => server.destroy());
  return { server, subscribed };
}

describe("MQTT", () => {
  it("is what npm's mqtt speaks: subscribe, publish and acknowledgements, with lengths of one to three bytes (F-8)", async (t) => {
    const { server } = await broker(t);
    const { port } = server.address;
    const client = await mqttClient.connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 });
    t.after(() => client.endAsync(true));
    const payloads = ["", "a", "b".repeat(200), "c".repeat(70_000)];
    const received: string[] = [];
    const all = new Gate();
    client.on("message", (topic, payload) => {
      assert.equal(topic, "news");
      if (received.push(payload.toString()) === payloads.length) all.open();
    });
    await client.subscribeAsync("news");
    for (const payload of payloads) await client.publishAsync("news", payload, { qos: 1 });
    await all.promise;
    assert.deepEqual(received, payloads);
    assert.equal(server.stats().frameErrors, 0);
  });

  it(
    "is what mosquitto_sub and mosquitto_pub speak (F-8)",
    { skip: without("mosquitto_pub") || without("mosquitto_sub") },
    async (t) => {
      const { server, subscribed } = await broker(t);
      const place = ["-h", "127.0.0.1", "-p", String(server.address.port), "-t", "news"];
      const subscriber = start(t, "mosquitto_sub", [...place, "-C", "1"]);
      await Promise.race([
        subscribed.promise,
        subscriber.ended.then(({ err }) => assert.fail(`mosquitto_sub ended: ${err}`)),
      ]);
      const published = await run(t, "mosquitto_pub", [...place, "-q", "1", "-m", "hello"]);
      assert.equal(published.code, 0, published.err);
      const { out, err } = await subscriber.ended;
      assert.equal(out, "hello\n", err);
      assert.equal(server.stats().frameErrors, 0);
    },
  );
});
