/**
 * Processes that are killed while devices tell their readings: the broker, the gateway, the devices. What was acknowledged to a
 * device is in the stream, and what came over one connection is there once and in order (F-58, F-76).
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { jetStreamBus } from "../../../src/gateway/buses/nats/jetstream_bus.ts";
import { within } from "../../contract/within.ts";
import { Device } from "../../support/device.ts";
import { it } from "../../support/it.ts";
import { NatsServer, withoutNats } from "../../support/nats_server.ts";
import { type Cleaner, type Program, startMillrace } from "../../support/program.ts";

const options = { skip: withoutNats, timeout: 120_000 };
const decoder = new TextDecoder();

/** The gateway as a process, on the same port each time. */
class KilledGateway {
  port = 0;
  readonly #t: Cleaner;
  readonly #file: string;
  readonly #bus: object;
  readonly #endpoint: object;
  #program!: Program;

  constructor(t: Cleaner, servers: string, bus: object, endpoint: object) {
    const folder = mkdtempSync(join(tmpdir(), "millrace-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    this.#t = t;
    this.#file = join(folder, "gateway.json");
    this.#bus = { type: "jetstream", servers, reconnectWait: "50ms", connectTimeout: "60s", ...bus };
    this.#endpoint = { name: "t", framing: "lines", ...endpoint };
  }

  /** Resolves when it listens. */
  async run(): Promise<void> {
    const endpoint = { ...this.#endpoint, listen: `127.0.0.1:${this.port}` };
    writeFileSync(this.#file, JSON.stringify({ node: "n1", bus: this.#bus, endpoints: [endpoint] }));
    this.#program = startMillrace(this.#t, "gateway", this.#file);
    const [, port] = await this.#program.said("err", /listens on 127\.0\.0\.1:(\d+)/);
    this.port = Number(port);
  }

  async kill(): Promise<void> {
    this.#program.signal("SIGKILL");
    await within(this.#program.ended, () => "the gateway to be gone");
  }

  async stop(): Promise<void> {
    this.#program.signal("SIGTERM");
    assert.equal((await this.#program.end()).code, 0);
  }
}

/** Acknowledges to devices what the stream has, as a service on NATS: by a reply with the number of the reading. */
async function acknowledge(t: Cleaner, servers: string): Promise<void> {
  const bus = await jetStreamBus({ servers, reconnectWait: 50 });
  t.after(() => bus.close());
  bus.subscribe("millrace.t.in.>", ({ payload, reply }) => {
    const [, number = ""] = decoder.decode(payload).split(" ");
    return bus.publish({ subject: reply!, payload: new TextEncoder().encode(number), metadata: {} });
  });
  await bus.subscribed?.();
}

/** One frame in the stream. */
interface Stored {
  readonly connection: string;
  readonly seq: number;
  readonly device: string;
  readonly number: number;
}

/** What the stream has, in its order. */
async function storedIn(servers: string): Promise<Stored[]> {
  const connection = await connect({ servers });
  const manager = await jetstreamManager(connection);
  const { name } = await manager.consumers.add("millrace", { ack_policy: "none", deliver_policy: "all" });
  const consumer = await jetstream(connection).consumers.get("millrace", name);
  const { num_pending: count } = await consumer.info();
  const found: Stored[] = [];
  if (count > 0) {
    const messages = await consumer.consume({ max_messages: 1_000 });
    for await (const message of messages) {
      const [device = "", number] = message.string().split(" ");
      const [id, seq] = ["conn.id", "seq"].map((name) => message.headers!.get(name)) as [string, string];
      found.push({ connection: id, seq: Number(seq), device, number: Number(number) });
      if (message.info.pending === 0) break;
    }
  }
  await connection.close();
  return found;
}

/** Fails where a connection's frames are not all there, once and in order, or a reading is missing. */
function check(stored: readonly Stored[], devices: readonly Device[]): void {
  const connections = new Map<string, Stored[]>();
  for (const frame of stored) {
    const others = connections.get(frame.connection);
    if (others === undefined) connections.set(frame.connection, [frame]);
    else others.push(frame);
  }
  for (const [id, frames] of connections) {
    const [{ number: first, device: name }] = frames as [Stored];
    const expected = frames.map((_, at) => `${name} ${first + at}, as frame ${at + 1}`);
    assert.deepEqual(
      frames.map(({ device, number, seq }) => `${device} ${number}, as frame ${seq}`),
      expected,
      id,
    );
    const device = devices.find(({ readings }) => readings.name === name)!;
    // It never sends again what was acknowledged to it: only that can be there twice, of two connections.
    assert.ok(
      device.beginnings.includes(first),
      `${name} has begun with ${device.beginnings}, and not with ${first}`,
    );
  }
  for (const { readings: { name, count } } of devices) {
    const found = new Set(stored.filter(({ device }) => device === name).map(({ number }) => number));
    const missing = Array.from({ length: count }, (_, at) => at + 1).filter((number) => !found.has(number));
    assert.deepEqual(missing, [], `of ${name}`);
  }
}

interface Plan {
  /** Readings of each device. */
  readonly count: number;
  readonly pauseMs: number;
  /** Who acknowledges readings to the devices: the gateway by itself, or a service. @default "gateway" */
  readonly by?: "gateway" | "service";
  readonly bus?: object;
  /** Called with how many readings are acknowledged; what it returns is awaited at the end. */
  progress(sum: number, plant: Plant): void | Promise<void>;
}

interface Plant {
  readonly server: NatsServer;
  readonly gateway: KilledGateway;
  readonly devices: readonly Device[];
}

/** Two devices tell their readings to a gateway on a broker; then the stream is checked. */
async function run(t: Cleaner, { count, pauseMs, by = "gateway", bus = {}, progress }: Plan): Promise<Plant> {
  const server = await NatsServer.start(t);
  const endpoint = by === "gateway" ? { acknowledge: { ack: "+\n" } } : {};
  const gateway = new KilledGateway(t, server.url, bus, endpoint);
  await gateway.run();
  if (by === "service") await acknowledge(t, server.url);
  const waits: (void | Promise<void>)[] = [];
  const devices: Device[] = ["a", "b"].map((name) =>
    new Device(t, { port: gateway.port, name, count, pauseMs }, () => {
      const sum = devices.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
      waits.push(progress(sum, { server, gateway, devices }));
    })
  );
  await Promise.all(devices.map(({ done }) => done));
  await Promise.all(waits);
  await gateway.stop();
  check(await storedIn(server.url), devices);
  return { server, gateway, devices };
}

type Victim = "broker" | "gateway" | "device";

/** As the devices get on, victims are killed at moments of chance, one at a time, and started again. */
async function killing(
  t: Cleaner,
  victims: readonly Victim[],
  { seed, ...plan }: Omit<Plan, "progress"> & { readonly seed: number },
): Promise<Plant> {
  let state = seed;
  const chance = (below: number): number => (state = state * 48_271 % 2_147_483_647) % below;
  const kills = victims.map((victim) => ({ victim, at: 1 + chance(2 * plan.count - 1) }))
    .sort((one, other) => one.at - other.at);
  let killed: Promise<void> = Promise.resolve();
  const kill = async (victim: Victim, { server, gateway, devices }: Plant): Promise<void> => {
    if (victim === "device") {
      return devices.find(({ acknowledged }) => acknowledged < plan.count)?.kill();
    }
    const process = victim === "broker" ? server : gateway;
    await process.kill();
    await process.run();
  };
  const plant = await run(t, {
    ...plan,
    progress(sum, plant) {
      for (; kills.length > 0 && kills[0]!.at <= sum; kills.shift()) {
        const { victim } = kills[0]!;
        killed = killed.then(() => kill(victim, plant));
      }
      return killed;
    },
  });
  assert.deepEqual(kills, []);
  return plant;
}

const connectionsOf = (devices: readonly Device[]): number =>
  devices.reduce((sum, { beginnings }) => sum + beginnings.length, 0);

describe("processes that are killed while devices tell their readings", () => {
  const once = "what was acknowledged is stored, once and in order of each connection (F-58, F-76)";
  const fast = { count: 2_500, pauseMs: 0 };
  const slow = { count: 500, pauseMs: 1 };

  it(`S-30: the gateway, at full speed: ${once}`, options, async (t) => {
    const { devices } = await killing(t, ["gateway", "gateway"], { ...fast, seed: 1 });
    assert.ok(connectionsOf(devices) > devices.length);
  });

  it(`S-30: a device, at full speed: ${once}`, options, async (t) => {
    const { devices } = await killing(t, ["device", "device"], { ...fast, seed: 2 });
    assert.ok(connectionsOf(devices) > devices.length);
  });

  for (
    const [what, plan] of [
      ["at 1 ms a frame, which a service acknowledges", { ...slow, by: "service" }],
      ["at full speed", fast],
    ] as const
  ) {
    it(`S-30: broker, gateway and a device, ${what}: ${once}`, options, async (t) => {
      const victims = ["broker", "gateway", "device", "broker", "gateway", "device"] as const;
      await killing(t, victims, { ...plan, seed: 3 });
    });
  }

  it(`S-30: broker and gateway, for longer than the stream knows ids: ${once}`, options, async (t) => {
    let outage: Promise<void> | undefined = undefined;
    const { devices } = await run(t, {
      ...slow,
      bus: { duplicateWindow: "1s" },
      progress: (_, { server, gateway, devices }) =>
        outage ??= devices.some(({ acknowledged }) => acknowledged < 100) ? undefined : (async () => {
          await server.kill();
          await gateway.kill();
          const again = gateway.run();
          // The stream forgets ids by its own clock.
          await new Promise((resolve) => setTimeout(resolve, 2_500));
          await server.run();
          await again;
        })(),
    });
    assert.ok(outage !== undefined);
    for (const { beginnings } of devices) assert.ok(beginnings.length >= 2, `${beginnings}`);
  });
});
