/** Messages that a device has to acknowledge: one at a time, repeated, and buried when it never does. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNats } from "@nats-io/transport-node";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import { connect } from "../../src/client/connect.ts";
import { raw } from "../../src/core/framing/raw.ts";
import type { BusMessage } from "../../src/gateway/buses/bus.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { it } from "../support/it.ts";
import { NatsServer, withoutNats } from "../support/nats_server.ts";
import type { Cleaner } from "../support/program.ts";
import { bytesOf, hexOf, mllpBlock } from "./acknowledging.ts";
import { soon, startEcho } from "./support.ts";

const [ack, nak] = ["0b061c0d", "0b151c0d"];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Things that come one by one, and can be awaited. */
class Arrivals<T> {
  readonly all: T[] = [];
  #wake: (() => void) | undefined = undefined;

  add(item: T): void {
    this.all.push(item);
    this.#wake?.();
  }

  /** The first so many. */
  async until(count: number): Promise<T[]> {
    const enough = async (): Promise<void> => {
      while (this.all.length < count) await new Promise<void>((resolve) => this.#wake = resolve);
    };
    await soon(enough(), `${count} arrivals`);
    return this.all.slice(0, count);
  }
}

/** Waits for this while a clock stands still. */
async function during<T>(clock: FakeClock | undefined, promise: Promise<T>): Promise<T> {
  let over = false;
  void promise.then(() => over = true, () => over = true);
  while (clock !== undefined && !over) await clock.advanceAsync(0);
  return await promise;
}

/** A gateway, one device, and who watches both. */
async function plant(t: Cleaner, endpoint: object, clock?: FakeClock) {
  const adapter = clock && memoryAdapter({ clock });
  const subjects = { deadLetter: "dead" };
  const { gateway, port } = await during(clock, startEcho({ subjects, ...endpoint }, {}, { adapter, clock }));
  t.after(() => during(clock, gateway.destroy()));
  const { bus } = gateway;
  const [answers, dead, published] = [0, 1, 2].map(() => new Arrivals<BusMessage>()) as [
    Arrivals<BusMessage>,
    Arrivals<BusMessage>,
    Arrivals<BusMessage>,
  ];
  bus.subscribe("answers", (message) => answers.add(message));
  bus.subscribe("dead", (message) => dead.add(message));
  bus.subscribe("millrace.echo.in", (message) => published.add(message));
  const device = await during(clock, connect({ port, framing: raw(), adapter, clock }));
  const chunks = new Arrivals<string>();
  void (async () => {
    for await (const chunk of device) chunks.add(hexOf(chunk));
  })().catch(() => {});
  // Its first frame says that the gateway knows it.
  const served = gateway.endpoints.get("echo")!;
  while (served.connections.size === 0) {
    await during(clock, new Promise((resolve) => setTimeout(resolve, 1)));
  }
  const [id] = served.connections.keys();
  const send = (text: string, metadata: Record<string, string> = {}, subject?: string): void =>
    void bus.publish({
      subject: subject ?? `millrace.echo.out.${id}`,
      payload: encoder.encode(text),
      metadata,
      reply: "answers",
    });
  const say = async (hex: string): Promise<void> => {
    await device.send(bytesOf(hex));
    await device.flush();
  };
  return { gateway, served, device, chunks, answers, dead, published, send, say, id: id! };
}

const textOf = ({ payload }: BusMessage): string => decoder.decode(payload);

describe("messages that a device acknowledges", () => {
  it("are sent one at a time, again after a NAK, and done with the ACK (F-83)", async (t) => {
    const { chunks, answers, published, send, say, served, device, id } = await plant(t, {
      framing: "mllp",
      acknowledge: { type: "mllp2", egress: true },
    });
    send("one");
    // By the other subject, which has a queue of its own.
    send("two", { "conn.id": id }, "millrace.echo.out");
    await chunks.until(1);
    await say(nak);
    assert.deepEqual(await chunks.until(2), [mllpBlock("one"), mllpBlock("one")]);
    assert.deepEqual([answers.all, served.traffic().messagesSent], [[], 0]);
    await say(ack);
    assert.equal((await chunks.until(3))[2], mllpBlock("two"));
    assert.deepEqual((await answers.until(1)).map(textOf), ['{"ok":true,"result":{"status":"sent"}}']);
    // A message of its own is published and acknowledged meanwhile.
    await say(mllpBlock("hello"));
    assert.equal((await chunks.until(4))[3], ack);
    await say(ack);
    await answers.until(2);
    // Nobody waits for this one.
    await say(ack);
    assert.deepEqual((await published.until(2)).map(textOf), ["hello", "\x06"]);
    const { acksSent, acksReceived, naksReceived, messagesSent } = served.traffic();
    assert.deepEqual([acksSent, acksReceived, naksReceived, messagesSent], [1, 2, 1, 2]);
    await device.close();
  });

  it("go to the dead letters when they were rejected so many times (F-83)", async (t) => {
    const { chunks, answers, dead, send, say, served } = await plant(t, {
      framing: { type: "stxEtx", controls: { hex: "06 15" } },
      acknowledge: { type: "stx-etx", egress: { repeats: 1 } },
    });
    send("ABC", { order: "7" });
    for (const times of [1, 2]) {
      await chunks.until(times);
      await say("15");
    }
    const [message] = await dead.until(1);
    const { reason, error, order } = message!.metadata;
    assert.deepEqual([textOf(message!), reason, order], ["ABC", "rejected", "7"]);
    assert.match(error!, /the peer rejected it, sent 2 times$/);
    assert.match(textOf((await answers.until(1))[0]!), /^\{"ok":false,"error":\{"reason":"rejected"/);
    assert.deepEqual(chunks.all, ["024142430343", "024142430343"]);
    const { messagesUndelivered, naksReceived, messagesSent } = served.traffic();
    assert.deepEqual([messagesUndelivered, naksReceived, messagesSent], [1, 2, 0]);
  });

  it("are sent again when no answer comes in time, and then to the dead letters (F-83)", async (t) => {
    const clock = new FakeClock();
    const { chunks, dead, send } = await plant(t, {
      framing: "lines",
      acknowledge: { ack: "OK", framed: true, egress: { timeout: "3s", repeats: 2 } },
    }, clock);
    send("one");
    await clock.advanceAsync(2_999);
    assert.equal(chunks.all.length, 1);
    await clock.advanceAsync(1);
    assert.equal(chunks.all.length, 2);
    await clock.advanceAsync(3_000);
    assert.equal(chunks.all.length, 3);
    await clock.advanceAsync(2_999);
    assert.equal(dead.all.length, 0);
    await clock.advanceAsync(1);
    const [{ reason, error } = {}] = dead.all.map(({ metadata }) => metadata);
    assert.equal(reason, "timeout");
    assert.match(error!, /no acknowledgement within 3000 ms, sent 3 times$/);
    assert.equal(chunks.all.length, 3);
  });

  it("fail at once when the device can say nothing any more (F-83)", async (t) => {
    const { chunks, dead, send, device } = await plant(t, {
      framing: "mllp",
      acknowledge: { type: "mllp2", egress: true },
    });
    send("one");
    send("two");
    await chunks.until(1);
    device.end();
    assert.deepEqual((await dead.until(2)).map((message) => message.metadata["reason"]), [
      "closed",
      "closed",
    ]);
  });

  it("of HL7 are answered by their control id, by an ACK or by a response, which is published (F-83)", async (t) => {
    const { chunks, answers, published, send, say } = await plant(t, {
      framing: "mllp",
      acknowledge: { type: "hl7", egress: true },
    });
    const message = (type: string, id: string, rest = ""): string =>
      `MSH|^~\\&|A|B|C|D|1||${type}|${id}|P|2.5\r${rest}`;
    send(message("ORU^R01", "17"));
    await chunks.until(1);
    await say(mllpBlock(message("ACK", "90", "MSA|AA|16\r")));
    await say(mllpBlock(message("ACK", "91", "MSA|AE|17\r")));
    await chunks.until(2);
    assert.equal(answers.all.length, 0);
    await say(mllpBlock(message("ACK", "92", "MSA|AA|17\r")));
    await answers.until(1);
    // What answers something itself is not answered.
    send(message("ACK", "93", "MSA|AA|80\r"));
    await answers.until(2);
    await chunks.until(3);
    send(message("QBP^Q21", "18"));
    await chunks.until(4);
    const response = message("RSP^K21", "94", "MSA|AA|18\rPID|1\r");
    await say(mllpBlock(response));
    await answers.until(3);
    assert.deepEqual((await published.until(2)).map(textOf), [
      message("ACK", "90", "MSA|AA|16\r"),
      response,
    ]);
    assert.equal(chunks.all.length, 4);
  });

  it(
    "stay in the stream until the device has acknowledged them (F-83)",
    { skip: withoutNats, timeout: 120_000 },
    async (t) => {
      const server = await NatsServer.start(t);
      const subjects = ["millrace.*.in.>", "millrace.*.out.>", "millrace.*.dead"];
      const { gateway, port } = await startEcho(
        { framing: "mllp", acknowledge: { type: "mllp2", egress: true } },
        { bus: { type: "jetstream", servers: server.url, subjects }, node: "n1" },
      );
      t.after(() => gateway.destroy());
      const other = await connectNats({ servers: server.url });
      t.after(() => other.close());
      const device = await connect({ port, framing: raw() });
      const chunks = new Arrivals<string>();
      void (async () => {
        for await (const chunk of device) chunks.add(hexOf(chunk));
      })().catch(() => {});
      await device.send(bytesOf(mllpBlock("here")));
      await chunks.until(1);
      const [id] = gateway.endpoints.get("echo")!.connections.keys();
      await jetstream(other).publish(`millrace.echo.out.n1.${id}`, "one");
      await chunks.until(2);
      const manager = await jetstreamManager(other);
      const waiting = async (): Promise<number> => {
        const { num_ack_pending, num_pending } = await manager.consumers.info("millrace", "echo-n1");
        return num_ack_pending + num_pending;
      };
      assert.equal(await waiting(), 1);
      await device.send(bytesOf(ack));
      const over = async (): Promise<void> => {
        while (await waiting() > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      };
      await soon(over(), "the acknowledgement to the stream");
      assert.deepEqual(chunks.all, [ack, mllpBlock("one")]);
      await device.close();
    },
  );
});
