/** A gateway that is killed at random moments: what it had acknowledged from its spool is in the stream, once and in order. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { describe } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { it } from "../../support/it.ts";
import { NatsServer, withoutNats } from "../../support/nats_server.ts";
import { type Cleaner, type Program, startMillrace } from "../../support/program.ts";
import { folderFor, until } from "./rig.ts";

const options = { skip: withoutNats, timeout: 240_000 };

/** What one connection sends at most, so that the test ends soon. */
const mostFrames = 8_000;

/** A gateway on this broker, with a spool. */
class Gateway {
  readonly #t: Cleaner;
  readonly #config: string;
  program!: Program;
  port = 0;

  constructor(t: Cleaner, url: string) {
    const folder = folderFor(t);
    this.#t = t;
    this.#config = join(folder, "gateway.json");
    const endpoint = {
      name: "meters",
      listen: "127.0.0.1:0",
      acknowledge: { ack: "+" },
      spool: { directory: "spool", segmentBytes: 65_536, maxBytes: "32 MiB" },
    };
    const bus = { type: "jetstream", servers: url, reconnectWait: 50 };
    writeFileSync(this.#config, JSON.stringify({ node: "n1", bus, endpoints: [endpoint] }));
  }

  async start(): Promise<void> {
    this.program = startMillrace(this.#t, "gateway", this.#config);
    const [, port] = await this.program.said("err", /meters +listens on 127\.0\.0\.1:(\d+)/);
    this.port = Number(port);
  }

  async kill(): Promise<void> {
    this.program.signal("SIGKILL");
    await this.program.ended;
  }
}

/** One connection of a device: numbered lines, at a pace or as fast as they are taken. */
class Device {
  acked = 0;
  readonly #socket: ReturnType<typeof createConnection>;
  #over = false;

  constructor(name: string, port: number, paceMs: number) {
    const socket = this.#socket = createConnection(port, "127.0.0.1");
    socket.on("data", ({ length }) => void (this.acked += length));
    socket.on("error", () => {}).on("close", () => void (this.#over = true));
    void this.#send(name, paceMs);
  }

  /** Sends no more; resolves when the gateway has answered everything. */
  async finish(): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#over = true;
    this.#socket.end();
    await closed;
  }

  async #send(name: string, paceMs: number): Promise<void> {
    for (let number = 1; !this.#over && number <= mostFrames; number++) {
      const more = this.#socket.write(`${name} ${number}\n`);
      if (paceMs > 0) await new Promise((resolve) => setTimeout(resolve, paceMs));
      else if (!more && !this.#over) {
        await Promise.race([once(this.#socket, "drain"), once(this.#socket, "close")]).catch(() => {});
      }
    }
  }
}

/** What the stream has, by device, in its order. */
async function storedIn(url: string): Promise<Map<string, number[]>> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  const { jetstream } = await import("@nats-io/jetstream");
  const { state } = await manager.streams.info("millrace");
  const found = new Map<string, number[]>();
  const consumer = await jetstream(connection).consumers.get("millrace");
  const messages = await consumer.consume({ max_messages: 1000 });
  let left = state.messages;
  for await (const message of messages) {
    const [name = "", number] = message.string().split(" ");
    const numbers = found.get(name);
    if (numbers === undefined) found.set(name, [Number(number)]);
    else numbers.push(Number(number));
    if (--left === 0) break;
  }
  await connection.close();
  return found;
}

/** Every frame that was acknowledged is there, each once, in order. */
function holds(found: ReadonlyMap<string, readonly number[]>, devices: ReadonlyMap<string, Device>): void {
  for (const [name, { acked }] of devices) {
    const numbers = found.get(name) ?? [];
    assert.ok(numbers.length >= acked, `${name}: ${acked} acknowledged, ${numbers.length} in the stream`);
    assert.deepEqual(numbers, numbers.map((_, index) => index + 1), name);
  }
}

describe("a gateway with a spool that is killed", () => {
  for (const [pace, paceMs, least] of [["at a device's pace", 1, 30], ["at full speed", 0, 1500]] as const) {
    it(
      `loses no frame that it had acknowledged, and stores none twice, ${pace} (F-85)`,
      options,
      async (t) => {
        const server = await NatsServer.start(t);
        const gateway = new Gateway(t, server.url);
        const devices = new Map<string, Device>();
        const add = (name: string): Device => {
          const device = new Device(name, gateway.port, paceMs);
          devices.set(name, device);
          return device;
        };
        for (let round = 1; round <= 3; round++) {
          await gateway.start();
          const both = [add(`a${round}`), add(`b${round}`)];
          const enough = least * (1 + Math.random());
          await until(() => both.every(({ acked }) => acked >= enough), "acknowledgements");
          if (round === 2) {
            // Frames go on being acknowledged while the broker is away.
            await server.kill();
            const [{ acked }] = both as [Device, Device];
            await until(() => both[0]!.acked >= acked + least, "acknowledgements without a broker");
          }
          await gateway.kill();
          if (round === 2) await server.run();
        }
        await gateway.start();
        const last = add("last");
        await until(() => last.acked >= least, "acknowledgements");
        await last.finish();
        gateway.program.signal("SIGTERM");
        const { code, err } = await gateway.program.end();
        assert.equal(code, 0, err);
        assert.ok(!err.includes("wait in the spool"), err);
        holds(await storedIn(server.url), devices);
      },
    );
  }
});
