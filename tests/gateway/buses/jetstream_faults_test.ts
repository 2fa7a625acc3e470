/** JetStream that fails, and comes back: every frame once, and in the order of its connection (F-58, F-76). */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { jetStreamBus } from "../../../src/gateway/buses/nats/jetstream_bus.ts";
import { it } from "../../support/it.ts";
import { NatsServer, withoutNats } from "../../support/nats_server.ts";
import { all, frames, storeContract, tick } from "./store_contract.ts";
import { Way } from "./way.ts";

const options = { skip: withoutNats, timeout: 120_000 };

/** What the stream has, by connection, in its order. */
async function storedIn(url: string): Promise<Map<string, number[]>> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info("millrace");
  const found = new Map<string, number[]>();
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage("millrace", { seq });
    const [id = "", number] = message!.string().split(" ");
    found.set(id, [...found.get(id) ?? [], Number(number)]);
  }
  await connection.close();
  return found;
}

storeContract({
  name: "JetStream",
  skip: withoutNats,
  start: (t) => NatsServer.start(t),
  open: (servers, rest) => jetStreamBus({ servers, reconnectWait: 50, ...rest }),
  storedIn,
});

describe("JetStream whose acknowledgements are lost", () => {
  it(
    "S-30: has every frame once though its acknowledgements were lost for longer than the stream knows ids (F-76)",
    options,
    async (t) => {
      const server = await NatsServer.start(t);
      const way = await Way.to(t, server.port);
      const bus = await jetStreamBus({
        servers: `nats://127.0.0.1:${way.port}`,
        reconnectWait: 50,
        duplicateWindow: "1 second",
      });
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
      // The stream forgets ids by its own clock.
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      way.mute = false;
      for (const frame of list.slice(heard + unheard)) await bus.publish(frame);
      await bus.flush();
      assert.deepEqual((await storedIn(server.url)).get("a"), all(list.length));
      assert.equal(bus.stats().duplicates, unheard);
    },
  );
});
