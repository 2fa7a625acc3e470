/** JetStream that fails, and comes back: every frame once, and in the order of its connection (F-58, F-76). */
import assert from "node:assert/strict";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { describe } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Bus, BusMessage } from "../../../src/gateway/buses/bus.ts";
import { jetStreamBus } from "../../../src/gateway/buses/nats/jetstream_bus.ts";
import { it } from "../../support/it.ts";
import { NatsServer, withoutNats } from "../../support/nats_server.ts";
import type { Cleaner } from "../../support/program.ts";

const options = { skip: withoutNats, timeout: 120_000 };

/** One connection's frames, numbered. */
function* frames(id: string, count: number): Generator<BusMessage> {
  for (let seq = 1; seq <= count; seq++) {
    yield {
      subject: `millrace.t.in.${id}`,
      payload: new TextEncoder().encode(`${id} ${seq}`),
      metadata: { "conn.id": id },
      seq,
    };
  }
}

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

/** A way to a server that can lose what the server says, and be cut while the server lives. */
class Way {
  mute = false;
  readonly #sockets: Set<Socket> = new Set();
  readonly #server: Server;

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = createConnection(port, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {}).on("close", () => {
          near.destroy();
          far.destroy();
          this.#sockets.delete(socket);
        });
      }
      near.on("data", (chunk) => far.write(chunk));
      far.on("data", (chunk) => this.mute || near.write(chunk));
      if (this.mute) near.destroy();
    });
  }

  static async to(t: Cleaner, port: number): Promise<Way> {
    const way = new Way(port);
    await new Promise<void>((resolve) => way.#server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      way.#server.close();
      way.cut();
    });
    return way;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function publishAll(bus: Bus, id: string, count: number, pause: (n: number) => Promise<void> | void) {
  let stored = 0;
  for (const frame of frames(id, count)) {
    const wait = bus.publish(frame, { stored: () => void stored++ });
    if (wait !== undefined) await wait;
    await pause(frame.seq!);
  }
  return () => stored;
}

const tick = () => new Promise<void>((resolve) => setTimeout(resolve, 1));
const all = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

describe("JetStream whose server is killed", () => {
  for (const pace of ["1 ms a frame", "full speed"] as const) {
    it(`S-30: has every frame once and in order, at ${pace} (F-58, F-76)`, options, async (t) => {
      const server = await NatsServer.start(t);
      const bus = await jetStreamBus({ servers: server.url, reconnectWait: 50 });
      t.after(() => bus.close());
      const count = pace === "full speed" ? 4_000 : 600;
      const kills = new Set([0.2, 0.5, 0.8].map((part) => Math.round(count * part)));
      let killing: Promise<void> = Promise.resolve();
      const connections = ["a", "b", "c"].map((id, at) =>
        publishAll(bus, id, count, (n) => {
          if (at === 0 && kills.has(n)) killing = killing.then(() => server.kill()).then(() => server.run());
          return pace === "full speed" ? undefined : tick();
        })
      );
      const stored = await Promise.all(connections);
      await killing;
      await bus.flush();
      assert.deepEqual(stored.map((count) => count()), [count, count, count]);
      const found = await storedIn(server.url);
      for (const id of ["a", "b", "c"]) assert.deepEqual(found.get(id), all(count), id);
      assert.ok(bus.stats().stops! >= 1);
      assert.equal(bus.stats().unconfirmed, 0);
    });
  }

  it(
    "S-30: has every frame once though its acknowledgements were lost for longer than the stream knows ids (F-76)",
    options,
    async (t) => {
      const server = await NatsServer.start(t);
      const way = await Way.to(t, server.port);
      const bus = await jetStreamBus({ servers: way.url, reconnectWait: 50, duplicateWindow: "1 second" });
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

  it("publishers wait while it is away, and what waits is bounded (F-58)", options, async (t) => {
    const server = await NatsServer.start(t);
    const bus = await jetStreamBus({ servers: server.url, reconnectWait: 50, maxPending: 16 });
    t.after(() => bus.close());
    await server.kill();
    let taken = 0;
    const publishing = (async () => {
      for (const frame of frames("a", 100)) {
        const wait = bus.publish(frame);
        taken++;
        if (wait !== undefined) await wait;
      }
    })();
    for (let turn = 0; turn < 50; turn++) await tick();
    assert.equal(taken, 16);
    assert.equal(bus.stats().unconfirmed, 16);
    await server.run();
    await publishing;
    await bus.flush();
    assert.deepEqual((await storedIn(server.url)).get("a"), all(100));
  });

  it("a bus that is closed fails what is not stored, each once (F-58)", options, async (t) => {
    const server = await NatsServer.start(t);
    const bus = await jetStreamBus({ servers: server.url, reconnectWait: 50 });
    await server.kill();
    const failed: string[] = [];
    for (const frame of frames("a", 3)) {
      void bus.publish(frame, {
        failed: (_, error) => void failed.push((error as { reason?: string }).reason!),
      });
    }
    await bus.close();
    assert.deepEqual(failed, ["closed", "closed", "closed"]);
  });
});
