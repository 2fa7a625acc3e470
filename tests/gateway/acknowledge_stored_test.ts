/** Link acknowledgements of frames that a store has, or will never have. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { connect } from "../../src/client/connect.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { checkConfig, parseConfig } from "../../src/gateway/config/config.ts";
import { BusError } from "../../src/gateway/errors.ts";
import { serve } from "../../src/server/serve.ts";
import { it } from "../support/it.ts";
import { NatsServer, withoutNats } from "../support/nats_server.ts";
import { pageText } from "../support/page.ts";
import { bytesOf, mllpBlock, plant, received } from "./acknowledging.ts";
import { startGateway } from "../../src/gateway/running_gateway.ts";
import { configOf, soon, startEcho } from "./support.ts";

const [ack, nak] = ["0b061c0d", "0b151c0d"];
const full = (): BusError => new BusError("rejected", "the stream is full");
const mllp2 = { framing: { type: "mllp", onFrameError: "skip" }, acknowledge: "mllp2" };

/** How many frames its connections have had so far, once it is so many. */
async function frames(
  endpoint: { stats(): { readonly framesReceived: number } },
  count: number,
): Promise<void> {
  const all = async (): Promise<void> => {
    while (endpoint.stats().framesReceived < count) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await soon(all(), `${count} frames`);
}

describe("link acknowledgements of frames that are stored", () => {
  it("answers in the order of the frames, refused bytes among them, as they are stored (F-83)", async (t) => {
    const { device, store, endpoint } = await plant(t, mllp2, { stores: true });
    const peer = await device();
    // The third block is not ended as it should be.
    await peer.send(bytesOf(mllpBlock("one") + mllpBlock("two") + "0b781c78" + mllpBlock("three")));
    await store.until(3);
    assert.equal(endpoint.traffic().acksSent, 0);
    store.settle(1);
    store.settle(1);
    assert.equal(endpoint.traffic().acksSent, 0, "the first is not stored");
    store.settle(0);
    assert.equal(await received(peer, 16), ack + ack + nak + ack);
    const { acksSent, naksSent, framesPublished } = endpoint.traffic();
    assert.deepEqual([acksSent, naksSent, framesPublished], [3, 1, 3]);
    await peer.close();
  });

  it("ends a connection whose frame will never be stored, behind the answers before it (F-83)", async (t) => {
    const { device, store, endpoint } = await plant(t, mllp2, { stores: true });
    const peer = await device();
    await peer.send(bytesOf(mllpBlock("one") + mllpBlock("two") + mllpBlock("three")));
    await store.until(3);
    const [served] = endpoint.connections.values();
    store.settle(1, full());
    assert.equal(endpoint.traffic().naksSent, 0);
    store.settle(0);
    store.settle(0);
    assert.equal(await received(peer), ack + nak);
    const record = await soon(served!.closed, "the end");
    assert.deepEqual([record.code, record.message], ["not_stored", "the stream is full"]);
  });

  for (const acknowledge of ["mllp2", undefined]) {
    it(`ends a connection whose frame the bus does not take, ${acknowledge ?? "without"} acknowledgement (F-83)`, async (t) => {
      const { device, store, endpoint } = await plant(t, { framing: "mllp", acknowledge }, { stores: true });
      store.rejects = new BusError("closed", "the bus is closed");
      const peer = await device();
      await frames({ stats: () => ({ framesReceived: endpoint.connections.size }) }, 1);
      const [served] = endpoint.connections.values();
      await peer.send(bytesOf(mllpBlock("one")));
      const record = await soon(served!.closed, "the end");
      assert.deepEqual([record.code, record.message], ["not_stored", "the bus is closed"]);
      if (acknowledge !== undefined) assert.equal(await received(peer), nak);
    });
  }

  it("goes on behind the NAK where the configuration says so, and counts them in a row (F-83)", async (t) => {
    const acknowledge = { type: "hl7", onFailure: "continue", maxNaks: 2 };
    const { device, store } = await plant(t, { framing: "mllp", acknowledge }, { stores: true });
    const peer = await device();
    const say = (id: string): string => mllpBlock(`MSH|^~\\&|A|B|C|D|1||ORU|${id}|P|2.5\r`);
    await peer.send(bytesOf(say("1") + say("2") + say("3")));
    await store.until(3);
    store.settle(0, full());
    store.settle(0);
    store.settle(0, full());
    await peer.send(bytesOf(say("4")));
    await store.until(1);
    store.settle(0, full());
    const text = new TextDecoder().decode(bytesOf(await received(peer)));
    assert.deepEqual(text.match(/MSA\|[^\r]*/g), [
      "MSA|AE|1|not stored",
      "MSA|AA|2",
      "MSA|AE|3|not stored",
      "MSA|AE|4|not stored",
    ]);
  });

  it("answers what is stored after the peer has ended its side, and then closes (F-83)", async (t) => {
    const { device, store } = await plant(t, { ...mllp2, replyWait: 0 }, { stores: true });
    const peer = await device();
    await peer.send(bytesOf(mllpBlock("one")));
    peer.end();
    await store.until(1);
    store.settle(0);
    assert.equal(await received(peer), ack);
  });

  it("closes only when a slow peer that has ended its side has all its answers (F-83)", async (t) => {
    const { device, store, endpoint } = await plant(t, {
      framing: "lines",
      acknowledge: { ack: "a".repeat(4096) },
      egressLimit: "64KiB",
      replyWait: 0,
    }, { stores: true });
    const peer = await device();
    const total = 5_000;
    await peer.send(new TextEncoder().encode("x\n".repeat(total)));
    peer.end();
    await store.until(total);
    while (store.waiting.length > 0) store.settle(0);
    assert.ok(endpoint.traffic().acksSent < total, "it was never held back");
    let bytes = 0;
    for await (const { length } of peer) bytes += length;
    assert.equal(bytes, total * 4096);
  });

  it("answers at once with `received`, stored or not, and a frame that is refused ends it (F-83)", async (t) => {
    const { device, store, endpoint } = await plant(
      t,
      { ...mllp2, acknowledge: { type: "mllp2", when: "received" } },
      { stores: true },
    );
    const peer = await device();
    await peer.send(bytesOf(mllpBlock("one")));
    assert.equal(await received(peer, 4), ack);
    await store.until(1);
    const [served] = endpoint.connections.values();
    store.settle(0, full());
    assert.equal((await soon(served!.closed, "the end")).code, "not_stored");
  });

  it("acknowledges to the peer of an endpoint that connects, and ends it in the same way (F-83)", async (t) => {
    const peers: string[] = [];
    const framing = raw();
    let end!: () => void;
    const over = new Promise<void>((resolve) => end = resolve);
    const peer = await serve({
      port: 0,
      framing,
      handler: async (connection) => {
        if (peers.length > 0) return;
        await connection.send(bytesOf("024142430344" + "024142430343" + "024142430344".repeat(3)));
        for await (const chunk of connection) peers.push(...[...chunk].map((byte) => byte.toString(16)));
        end();
      },
    });
    t.after(() => peer.destroy());
    const { address } = peer;
    assert.ok(address.transport === "tcp");
    const endpoint = {
      name: "echo",
      connect: `127.0.0.1:${address.port}`,
      framing: { type: "stxEtx", onFrameError: "skip" },
      acknowledge: "stx-etx",
    };
    const gateway = await startGateway(configOf({ endpoints: [endpoint] }), { logger: () => {} });
    t.after(() => gateway.destroy());
    await soon(over, "the end");
    assert.deepEqual(peers, ["15", "6", "15", "15", "15"]);
    assert.equal(gateway.endpoints.get("echo")!.traffic().naksSent, 4);
  });

  it(
    "acknowledges only what the stream has: nothing while its server is away, then all, in order (F-83)",
    { skip: withoutNats, timeout: 120_000 },
    async (t) => {
      const server = await NatsServer.start(t);
      const say = (id: number): string => mllpBlock(`MSH|^~\\&|A|B|C|D|1||ORU|${id}|P|2.5\r`);
      const { gateway, port } = await startEcho(
        { framing: "mllp", acknowledge: "hl7" },
        { bus: { type: "jetstream", servers: server.url, reconnectWait: 50 }, node: "n1" },
      );
      t.after(() => gateway.destroy());
      const endpoint = gateway.endpoints.get("echo")!;
      const peer = await connect({ port, framing: raw() });
      let text = "";
      const until = async (count: number): Promise<(string | undefined)[]> => {
        const ids = () => [...text.matchAll(/MSA\|AA\|(\d+)\r/g)].map(([, id]) => id);
        const more = async (): Promise<void> => {
          if (ids().length >= count) return;
          for await (const chunk of peer) {
            text += new TextDecoder().decode(chunk);
            if (ids().length >= count) return;
          }
        };
        await soon(more(), `${count} acknowledgements`);
        return ids();
      };
      await peer.send(bytesOf(say(0)));
      assert.deepEqual(await until(1), ["0"]);
      await server.kill();
      const later = Array.from({ length: 20 }, (_, at) => at + 1);
      await peer.send(bytesOf(later.map(say).join("")));
      await frames(endpoint, 21);
      assert.equal(endpoint.traffic().acksSent, 1);
      await server.run();
      assert.deepEqual(await until(21), [0, ...later].map(String));
      assert.equal(gateway.bus.stats().stored, 21);
      await peer.close();
    },
  );
});

describe("the key `acknowledge` of a configuration", () => {
  const faultsOf = (acknowledge: unknown, framing = "mllp", bus = "memory", more: object = {}): string[] => {
    const endpoint = { name: "a", listen: "127.0.0.1:0", framing, acknowledge, ...more };
    const result = checkConfig({ bus, endpoints: [endpoint] });
    return result.ok ? [] : result.faults.map(({ path, expected }) => `${path}: ${expected}`);
  };

  it("is shown in docs/acknowledgements.md with a configuration that has no faults (F-83)", () => {
    const blocks = [...pageText("docs/acknowledgements.md").matchAll(/^```yaml\n(.*?)^```$/gms)];
    assert.equal(blocks.length, 2);
    for (const [, yaml] of blocks) {
      const result = parseConfig(yaml!, { format: "yaml" });
      assert.deepEqual(result.ok ? [] : result.faults, []);
    }
  });

  it("says what is wrong, where, and what is expected (F-83)", () => {
    const names = '"mllp2" or "hl7" or "stx-etx" or "teltonika" or "gt06" or "echo-empty"';
    const path = "endpoints[0].acknowledge";
    assert.deepEqual(faultsOf("mllp3"), [`${path}: ${names}`]);
    assert.deepEqual(faultsOf(7), [
      `${path}: mllp2, hl7, stx-etx, teltonika, gt06, echo-empty, or a table with one of them as type, or with ack`,
    ]);
    assert.deepEqual(faultsOf({}), [
      `${path}.type: mllp2, hl7, stx-etx, teltonika, gt06, echo-empty, or ack in its place`,
    ]);
    assert.deepEqual(faultsOf("teltonika"), [
      `${path}: a preset for the framing mllp: teltonika is for teltonika`,
    ]);
    assert.deepEqual(faultsOf({ type: "mllp2" }, "lines"), [
      `${path}.type: a preset for the framing lines: mllp2 is for mllp`,
    ]);
    assert.deepEqual(faultsOf({ type: "mllp2", ack: "x" }), [
      `${path}.ack: to be left out with type, or used instead of it`,
    ]);
    assert.deepEqual(faultsOf({ nak: "x", type: "mllp2" }), [
      `${path}.nak: to be left out, or used with ack`,
    ]);
    assert.deepEqual(faultsOf({ type: "mllp2", when: "stored" }), [
      `${path}.when: "received": nothing stores the frames of this endpoint`,
    ]);
    assert.deepEqual(faultsOf({ type: "mllp2", when: "stored" }, "mllp", "jetstream"), []);
    assert.deepEqual(faultsOf({ ack: { hex: "1c" }, framed: true }), [
      `${path}.ack: what the framing can write, or no framed`,
    ]);
    assert.deepEqual(faultsOf({ ack: "x", maxNaks: 0, onFailure: "repeat" }), [
      `${path}.onFailure: "close" or "continue"`,
      `${path}.maxNaks: a whole number, 1 or more`,
    ]);
    assert.deepEqual(faultsOf({ type: "echo-empty", maxNaks: 3 }), [
      `${path}.maxNaks: to be left out with echo-empty`,
    ]);
    assert.deepEqual(faultsOf({ type: "teltonika", egress: true }, "teltonika"), [
      `${path}.egress: to be left out with teltonika, whose peers do not acknowledge`,
    ]);
    const bare = "a framing that delivers each answer of a peer as a frame, such as stxEtx with controls";
    assert.deepEqual(faultsOf({ ack: "x", egress: true }, "lines"), [`${path}.egress: ${bare}`]);
    assert.deepEqual(faultsOf({ type: "stx-etx", egress: true }, "stxEtx"), [`${path}.egress: ${bare}`]);
    assert.deepEqual(faultsOf({ type: "stx-etx", egress: true }, "astm"), []);
    assert.deepEqual(faultsOf({ type: "mllp2", egress: { timeout: 0, repeats: 101, often: 1 } }), [
      `${path}.egress.timeout: a duration above 0: a number of milliseconds, or text such as "500ms" or "5 seconds"`,
      `${path}.egress.repeats: a whole number, 0 to 100`,
      `${path}.egress.often: a key that exists here: timeout, repeats`,
    ]);
    const protocols = [{ name: "b", startsWith: "B", framing: "lines" }];
    assert.deepEqual(faultsOf("mllp2", "mllp", "memory", { firstBytes: { protocols } }), [
      `${path}: to be left out with firstBytes.protocols: they are acknowledged differently`,
    ]);
  });
});
