/** Devices by name: read from frames, found by messages and commands, told apart where a name comes twice. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { BusMessage } from "../../src/gateway/buses/bus.ts";
import { memoryBus } from "../../src/gateway/buses/memory_bus.ts";
import { checkConfig } from "../../src/gateway/config/config.ts";
import { formatFault } from "../../src/gateway/config/fault.ts";
import { bytes } from "../support/frames.ts";
import { it } from "../support/it.ts";
import type { Cleaner } from "../support/program.ts";
import { lineClient, read, soon, startEcho } from "./support.ts";

const limit = { timeout: 60_000 };
const decoder = new TextDecoder();
const byId = { after: "ID=", until: ";" };

/** Messages of one subject, which can be waited for. */
class Heard {
  readonly messages: BusMessage[] = [];
  #look: () => void = () => {};

  readonly take = (message: BusMessage): void => {
    this.messages.push(message);
    this.#look();
  };

  async at(index: number): Promise<BusMessage> {
    const found = async (): Promise<BusMessage> => {
      for (;;) {
        const message = this.messages[index];
        if (message !== undefined) return message;
        await new Promise<void>((resolve) => this.#look = resolve);
      }
    };
    return await soon(found(), `message ${index}`);
  }

  /** Event and identity of one presence message. */
  async event(index: number): Promise<Record<string, unknown>> {
    return JSON.parse(decoder.decode((await this.at(index)).payload));
  }
}

async function plant(t: Cleaner, identity: object, endpoint: object = {}, options: object = {}) {
  const bus = memoryBus();
  const [frames, presence, dead] = [new Heard(), new Heard(), new Heard()];
  bus.subscribe("millrace.echo.in.>", frames.take);
  bus.subscribe("millrace.echo.presence", presence.take);
  bus.subscribe("millrace.echo.dead", dead.take);
  const subjects = { ingress: "millrace.echo.in.{identity}", deadLetter: "millrace.echo.dead" };
  const { gateway, port, log } = await startEcho({ identity, subjects, ...endpoint }, {}, {
    bus,
    ...options,
  });
  t.after(() => gateway.destroy());
  const dial = async () => {
    const client = await lineClient(port);
    t.after(() => client.destroy());
    return client;
  };
  const send = (metadata: Record<string, string>, text: string) =>
    bus.request({ subject: "millrace.echo.out", payload: bytes(text), metadata });
  const order = async (command: string, payload: object = {}) => {
    const order = bytes(JSON.stringify({ command, payload }));
    const { payload: answer } = await bus.request({
      subject: "millrace.echo.ctrl",
      payload: order,
      metadata: {},
    });
    return JSON.parse(decoder.decode(answer));
  };
  return { bus, gateway, frames, presence, dead, dial, send, order, log };
}

describe("the identity of devices", () => {
  it(
    "is on every message from the first frame on, and in its subject as one token (F-77)",
    limit,
    async (t) => {
      const { frames, dial, gateway } = await plant(t, byId);
      const device = await dial();
      await device.send("ID=pump.7*;hello");
      await device.send("more");
      for (const [index, text] of ["ID=pump.7*;hello", "more"].entries()) {
        const { subject, metadata, payload } = await frames.at(index);
        assert.equal(subject, "millrace.echo.in.pump_7_");
        assert.equal(metadata["identity"], "pump.7*");
        assert.equal(decoder.decode(payload), text);
      }
      const { identities } = gateway.endpoints.get("echo")!;
      assert.equal(identities!.of((await frames.at(0)).metadata["conn.id"]!), "pump.7*");
    },
  );

  for (
    const [what, rule, frame, expected] of [
      ["a place, as text", { offset: 2, length: 5 }, "\0\x0fimei1 rest", "imei1"],
      ["a place, as hexadecimal digits", { offset: 0, length: 2, as: "hex" }, "\x01zrest", "017a"],
      ["a place, as BCD", { offset: 1, length: 2, as: "bcd" }, "-\x12\x34", "1234"],
      ["a field of a line", { field: 2, separator: "," }, "7,dev-1,x", "dev-1"],
      [
        "a field of a segment",
        { field: 3, separator: "|", segment: "PID" },
        "MSH|^~\\&|APP\rPID|1|4711 |x",
        "4711",
      ],
      ["JSON", { json: "device.id" }, '{"device":{"id":42}}', "42"],
      ["between two texts, up to the end", { after: "id:" }, "x id:abc", "abc"],
    ] as const
  ) {
    it(`is read from ${what} (F-77)`, limit, async (t) => {
      const framing = { type: "lines", stripCarriageReturn: false };
      const { frames, dial } = await plant(t, rule, { framing });
      const device = await dial();
      await device.send(frame);
      assert.equal((await frames.at(0)).metadata["identity"], expected);
    });
  }

  for (
    const [what, rule, frame] of [
      ["too short for its place", { offset: 4, length: 4 }, "abc"],
      ["no text", { after: "ID=" }, "ID=\x01\x02"],
      ["longer than maxLength", { after: "ID=", maxLength: 4 }, "ID=12345"],
      ["empty", byId, "ID= ;"],
      ["no digits", { offset: 0, length: 1, as: "bcd" }, "\x1b"],
      ["not JSON", { json: "id" }, "{"],
      ["not in the JSON", { json: "toString.length" }, "{}"],
    ] as const
  ) {
    it(
      `is missing where it is ${what}: the connection is closed, its frame is not published (F-77)`,
      limit,
      async (t) => {
        const { frames, dial, order } = await plant(t, rule);
        const device = await dial();
        await device.send(frame);
        await soon(device.closed, "the end of the connection");
        const { result } = await order("stats");
        assert.deepEqual([result.identitiesMissing, result.identified, frames.messages.length], [1, 0, 0]);
      },
    );
  }

  it("is optional with required: false, and may come in any frame (F-77)", limit, async (t) => {
    const { frames, dial } = await plant(t, { ...byId, required: false, frame: "any" });
    const device = await dial();
    for (const line of ["one", "ID=a;", "ID=b;"]) await device.send(line);
    await frames.at(2);
    assert.deepEqual(frames.messages.map(({ subject, metadata }) => [subject, metadata["identity"]]), [
      ["millrace.echo.in._", undefined],
      ["millrace.echo.in.a", "a"],
      ["millrace.echo.in.a", "a"],
    ]);
  });

  it("is waited for only so long where any frame may say it (F-77)", limit, async (t) => {
    const clock = new FakeClock();
    const { frames, dial, gateway } = await plant(t, { ...byId, frame: "any", timeout: "5s" }, {}, { clock });
    const [late, known] = [await dial(), await dial()];
    await late.send("who am I");
    await known.send("ID=k;");
    await frames.at(1);
    clock.advance(5_000);
    await soon(late.closed, "the end of the late connection");
    await known.send("still here");
    assert.equal(decoder.decode((await frames.at(2)).payload), "still here");
    assert.equal(gateway.endpoints.get("echo")!.identities!.stats().identitiesMissing, 1);
  });

  it(
    "finds the connection for a message and for conn.close, and is in conn.list (F-77)",
    limit,
    async (t) => {
      const { frames, dial, send, order, dead } = await plant(t, byId);
      const [one, two] = [await dial(), await dial()];
      await one.send("ID=1;");
      await two.send("ID=2;");
      await frames.at(1);
      assert.equal(JSON.parse(decoder.decode((await send({ identity: "2" }, "for two")).payload)).ok, true);
      assert.deepEqual(await read(two, 1), ["for two"]);
      const unknown = JSON.parse(decoder.decode((await send({ identity: "3" }, "for three")).payload));
      assert.deepEqual([unknown.ok, unknown.error.reason], [false, "unknown_connection"]);
      assert.match(unknown.error.message, /send to 3: no connection with this identity is open/);
      assert.equal((await dead.at(0)).metadata["identity"], "3");
      const list = await order("conn.list");
      assert.deepEqual(list.result.map(({ identity }: { identity: string }) => identity), ["1", "2"]);
      const closed = await order("conn.close", { identity: "1", reason: "tired", code: "t" });
      assert.equal(closed.result.closed.length, 1);
      await soon(one.closed, "the end of the closed connection");
      assert.equal((await order("conn.close", { identity: "1" })).error.reason, "unknown_connection");
      for (const payload of [{ identity: 1 }, { identity: "2", conn_id: "x" }]) {
        assert.equal((await order("conn.close", payload)).error.reason, "malformed");
      }
    },
  );

  it("leaves a message for a device elsewhere alone with unknown: ignore (F-77)", limit, async (t) => {
    const { bus, frames, dial, dead, gateway } = await plant(t, { ...byId, unknown: "ignore" });
    const device = await dial();
    await device.send("ID=1;");
    await frames.at(0);
    for (const identity of ["9", "1"]) {
      await bus.publish({ subject: "millrace.echo.out", payload: bytes(identity), metadata: { identity } });
    }
    assert.deepEqual(await read(device, 1), ["1"]);
    assert.equal(dead.messages.length + gateway.endpoints.get("echo")!.traffic().messagesUndelivered, 0);
  });

  it(
    "is the newest connection's: the old one is closed, and presence says so in order (F-77)",
    limit,
    async (t) => {
      const { frames, presence, dial, send } = await plant(t, byId);
      const old = await dial();
      await old.send("ID=x;");
      const first = (await frames.at(0)).metadata["conn.id"];
      const young = await dial();
      await young.send("ID=x;");
      const second = (await frames.at(1)).metadata["conn.id"];
      await soon(old.closed, "the end of the old connection");
      await send({ identity: "x" }, "to the new one");
      assert.deepEqual(await read(young, 1), ["to the new one"]);
      await young.close();
      const events = [];
      for (let index = 0; index < 4; index++) {
        const { event, identity, "conn.id": id, by, reason, endpoint, at } = await presence.event(index);
        assert.deepEqual([identity, endpoint, new Date(String(at)).toISOString()], ["x", "echo", at]);
        events.push([event, id, by ?? reason]);
      }
      assert.deepEqual(events, [
        ["connected", first, undefined],
        ["replaced", first, second],
        ["connected", second, undefined],
        ["disconnected", second, "peer_closed"],
      ]);
    },
  );

  it("stays the oldest connection's with onDuplicate: oldest (F-77)", limit, async (t) => {
    const { frames, presence, dial } = await plant(t, { ...byId, onDuplicate: "oldest" });
    const old = await dial();
    await old.send("ID=x;");
    await frames.at(0);
    const young = await dial();
    await young.send("ID=x;");
    await soon(young.closed, "the end of the new connection");
    await old.send("still mine");
    assert.equal(decoder.decode((await frames.at(1)).payload), "still mine");
    assert.equal((await presence.event(1))["event"], "refused");
  });

  it(
    "is of several connections with onDuplicate: both, and messages go to the newest (F-77)",
    limit,
    async (t) => {
      const { frames, presence, dial, send, order } = await plant(t, { ...byId, onDuplicate: "both" });
      const [one, two] = [await dial(), await dial()];
      await one.send("ID=x;");
      await frames.at(0);
      await two.send("ID=x;");
      await frames.at(1);
      await send({ identity: "x" }, "newest");
      assert.deepEqual(await read(two, 1), ["newest"]);
      await two.close();
      assert.equal((await presence.event(2))["event"], "disconnected");
      await send({ identity: "x" }, "the one left");
      assert.deepEqual(await read(one, 1), ["the one left"]);
      assert.equal((await order("conn.close", { identity: "x" })).result.closed.length, 1);
    },
  );

  it(
    "counts connections, bytes and frames under its name, and a bounded number of names (F-78)",
    limit,
    async (t) => {
      const metricLabels = { names: ["identity"], maxValues: 2 };
      const { gateway, frames, presence, dial } = await plant(t, { ...byId, required: false }, {
        metricLabels,
      });
      const devices = [];
      for (const [index, name] of ["a", "b", "c"].entries()) {
        const device = await dial();
        devices.push(device);
        await device.send(`ID=${name};`);
        await frames.at(index);
      }
      await devices[2]!.close();
      while (gateway.endpoints.get("echo")!.connections.size > 2) await presence.at(3);
      const sum = (): Record<string, number> => {
        const samples = gateway.samples().filter(({ name }) =>
          name === "millrace_peer_frames_received_total"
        );
        return Object.fromEntries(samples.map(({ labels, value }) => [labels!["identity"], value]));
      };
      assert.deepEqual(sum(), { a: 1, b: 1, other: 1 });
      await devices[0]!.send("more");
      await frames.at(3);
      assert.deepEqual(sum(), { a: 2, b: 1, other: 1 });
      const open = gateway.samples().filter(({ name }) => name === "millrace_peer_connections");
      assert.deepEqual(open.map(({ labels, value }) => [labels!["identity"], value]), [["a", 1], ["b", 1], [
        "other",
        0,
      ]]);
    },
  );

  it("has settings whose faults say where and what (F-77)", () => {
    for (
      const [identity, expected] of [
        [{}, /identity: found nothing, expected exactly one of offset, after, field, json, codec, from/],
        [{ offset: 1, length: 2, json: "a" }, /exactly one of/],
        [{ offset: 1 }, /identity\.length: found nothing, expected the number of bytes/],
        [{ json: "a", onDuplicate: "newst" }, /onDuplicate: .* did you mean "newest"/],
        [{ from: "tls.commonName", frame: "any" }, /identity\.frame: .* left out with from/],
        [{ from: "tls.name" }, /identity\.from: /],
        [{ json: "a", required: false, timeout: "1s" }, /identity\.timeout: .* used with required/],
        [{ json: "a", maxLength: 1000 }, /identity\.maxLength: .* 1 to 256/],
        [{ json: "a", wat: 1 }, /identity\.wat/],
      ] as const
    ) {
      const result = checkConfig({ endpoints: [{ name: "a", listen: "127.0.0.1:0", identity }] });
      assert.ok(!result.ok, JSON.stringify(identity));
      assert.match(result.faults.map((fault) => formatFault(fault)).join("\n"), expected);
    }
    const labels = checkConfig({
      endpoints: [{ name: "a", listen: "127.0.0.1:0", metricLabels: ["peer.port"] }],
    });
    assert.match(
      labels.ok ? "" : formatFault(labels.faults[0]!),
      /metricLabels: .* expected a list of identity, /,
    );
  });
});
