/** The gateway on real sockets: frames to the bus and back (F-55, F-56), order, loss, stopping. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import { systemClock } from "../../src/core/time/clock.ts";
import { SocketError } from "../../src/core/errors.ts";
import type { Adapter } from "../../src/core/transport.ts";
import type { BusMessage } from "../../src/gateway/buses/bus.ts";
import { memoryBus } from "../../src/gateway/buses/memory_bus.ts";
import { startGateway } from "../../src/gateway/running_gateway.ts";
import type { LogRecord } from "../../src/core/logger.ts";
import {
  configOf,
  FakeInput,
  FakeOutput,
  lineClient,
  portOf,
  read,
  soon,
  startEcho,
  still,
} from "./support.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { it } from "../support/it.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A gateway with a frame on its way to a subscriber that never ends. */
async function stuckEcho() {
  const { gateway, port } = await startEcho();
  let arrived!: () => void;
  const one = new Promise<void>((resolve) => arrived = resolve);
  gateway.bus.subscribe("millrace.echo.in", () => {
    arrived();
    return new Promise<void>(() => {});
  });
  const client = await lineClient(port);
  await client.send("1");
  await soon(one, "the frame");
  return { gateway, client };
}

/** Fails when it is given up, and not before. */
function failing(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("given up"))));
}

describe("a gateway", () => {
  it("echoes frames over the bus and prints each as one line of JSON (F-55)", async (t) => {
    const output = new FakeOutput();
    const { gateway, port } = await startEcho({ echo: true, print: true }, {}, { output });
    t.after(() => gateway.destroy());
    const client = await lineClient(port);
    await client.send("hello");
    await client.send("\u00e9");
    assert.deepEqual(await read(client, 2), ["hello", "\u00e9"]);
    const [line] = await output.until(2);
    const printed = JSON.parse(line!);
    const [connection] = [...gateway.endpoints.get("echo")!.connections.values()];
    assert.deepEqual(printed, {
      "conn.id": connection!.id,
      "peer.ip": "127.0.0.1",
      "peer.port": (client.peer.local as { port: number }).port,
      "endpoint": "echo",
      "payload": "hello",
    });
    await client.close();
  });

  it("gives each frame to the bus with its connection and a way to reply (F-55, F-56)", async (t) => {
    const { gateway, port } = await startEcho();
    t.after(() => gateway.destroy());
    gateway.bus.subscribe("millrace.echo.in", (message) => {
      const payload = encoder.encode(`${decoder.decode(message.payload)}!`);
      return gateway.bus.publish({ subject: message.reply!, payload, metadata: {} });
    });
    const client = await lineClient(port);
    await client.send("a");
    await client.send("b");
    assert.deepEqual(await read(client, 2), ["a!", "b!"]);
    await client.close();
  });

  it("writes messages to the connection that they name, or to all, and tells who asks what came of it (F-56)", async (t) => {
    const { gateway, port } = await startEcho();
    t.after(() => gateway.destroy());
    const one = await lineClient(port);
    const two = await lineClient(port);
    await one.send("who am I");
    const ids: string[] = [];
    const known = new Promise<void>((resolve) =>
      gateway.bus.subscribe(
        "millrace.echo.in",
        ({ metadata }) => void (ids.push(metadata["conn.id"]!), resolve()),
      )
    );
    await soon(known, "the id");
    const subject = "millrace.echo.out";
    const answer = await gateway.bus.request({
      subject,
      payload: encoder.encode("you"),
      metadata: { "conn.id": ids[0]! },
    });
    assert.deepEqual(JSON.parse(decoder.decode(answer.payload)), { ok: true, result: { status: "sent" } });
    assert.deepEqual(await read(one, 1), ["you"]);
    const all = await gateway.bus.request({
      subject,
      payload: encoder.encode("all"),
      metadata: { "conn.id": "*" },
    });
    assert.deepEqual(JSON.parse(decoder.decode(all.payload)).result, {
      targets: 2,
      sent: 2,
      dropped: 0,
      failed: 0,
    });
    assert.deepEqual(await read(one, 1), ["all"]);
    assert.deepEqual(await read(two, 1), ["all"]);
    await one.close();
    await two.close();
  });

  it("S-30: a message for a connection that is gone is answered with a typed error, counted and logged", async (t) => {
    const { gateway, log } = await startEcho();
    t.after(() => gateway.destroy());
    for (const metadata of [{ "conn.id": "gone" }, {}] as Record<string, string>[]) {
      const message = { subject: "millrace.echo.out", payload: encoder.encode("x"), metadata };
      const answer = JSON.parse(decoder.decode((await gateway.bus.request(message)).payload));
      assert.equal(answer.ok, false);
      assert.equal(answer.error.reason, "unknown_connection");
    }
    assert.equal(gateway.endpoints.get("echo")!.traffic().messagesUndelivered, 2);
    assert.equal(log.filter(({ message }) => message === "message not delivered").length, 2);
  });

  it("S-41: a slow subscriber closes the peer's window; memory is bounded, and no frame is lost or out of order", async (t) => {
    const adapter = memoryAdapter();
    const { gateway, port } = await startEcho({ ingressLimit: 16_384 }, {}, { adapter });
    t.after(() => gateway.destroy());
    const total = 20_000;
    let release!: () => void;
    const held = new Promise<void>((resolve) => release = resolve);
    let taken = 0, most = 0;
    let done!: () => void;
    const all = new Promise<void>((resolve) => done = resolve);
    gateway.bus.subscribe("millrace.echo.in", async (message) => {
      await held;
      assert.equal(decoder.decode(message.payload), `${taken}:${"x".repeat(500)}`);
      most = Math.max(most, gateway.bus.stats().pending);
      if (++taken === total) done();
    }, { limit: 100 });
    const client = await lineClient(port, adapter);
    let sent = 0;
    const sending = (async () => {
      for (; sent < total; sent++) await client.send(`${sent}:${"x".repeat(500)}`);
    })();
    // The window is closed when turn after turn nothing more can be sent.
    const before = await still(() => sent);
    assert.ok(before < total, "the client should not have been able to send everything");
    const [connection] = gateway.endpoints.get("echo")!.connections.values();
    assert.ok(connection!.stats().inboxFrames < 5_000, `${connection!.stats().inboxFrames} frames wait`);
    assert.ok(gateway.bus.stats().pending <= 110, `${gateway.bus.stats().pending} messages wait`);
    release();
    await soon(sending, "sending");
    await soon(all, "all frames");
    assert.equal(taken, total);
    assert.ok(most <= 110, `${most} messages waited`);
    assert.equal(gateway.bus.stats().dropped, 0);
    await client.close();
  });

  it("S-13: a peer that takes nothing is ended after egressTimeout, and others have their messages meanwhile", async (t) => {
    const { gateway, port } = await startEcho({ egressLimit: 65_536, egressTimeout: "300ms" });
    t.after(() => gateway.destroy());
    const bus = gateway.bus;
    const seen = new Map<string, string>();
    let both!: () => void;
    const known = new Promise<void>((resolve) => both = resolve);
    bus.subscribe("millrace.echo.in", ({ payload, metadata }) => {
      seen.set(decoder.decode(payload), metadata["conn.id"]!);
      if (seen.size === 2) both();
    });
    const slow = await lineClient(port);
    const quick = await lineClient(port);
    await slow.send("slow");
    await quick.send("quick");
    await soon(known, "both ids");
    const payload = new Uint8Array(32_768).fill(120);
    const flood = async (): Promise<void> => {
      const metadata = { "conn.id": seen.get("slow")! };
      while (gateway.endpoints.get("echo")!.connections.has(seen.get("slow")!)) {
        await bus.publish({ subject: "millrace.echo.out", payload, metadata });
        // A loop of promises alone would leave the sockets no turn.
        await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
      }
    };
    const record = gateway.endpoints.get("echo")!.connections.get(seen.get("slow")!)!.closed;
    const flooding = flood();
    await bus.publish({
      subject: "millrace.echo.out",
      payload: encoder.encode("hi"),
      metadata: { "conn.id": seen.get("quick")! },
    });
    assert.deepEqual(await read(quick, 1), ["hi"]);
    const { reason, code } = await soon(record, "the end of the slow peer");
    assert.deepEqual({ reason, code }, { reason: "killed", code: "egress_timeout" });
    await soon(flooding, "the flood");
    await slow.close();
    await quick.close();
  });

  it("S-64: every message to a connection is sent or counted as undelivered, be it lost in the outbox, dropped or refused", async (t) => {
    for (const egressPolicy of ["wait", "drop-newest", "drop-oldest", "close"]) {
      const { gateway, port } = await startEcho({ egressLimit: 65_536, egressPolicy });
      t.after(() => gateway.destroy());
      const bus = gateway.bus;
      let know!: (id: string) => void;
      const known = new Promise<string>((resolve) => know = resolve);
      bus.subscribe("millrace.echo.in", ({ metadata }) => know(metadata["conn.id"]!));
      const client = await lineClient(port);
      await client.send("here");
      const id = await soon(known, "the id");
      const endpoint = gateway.endpoints.get("echo")!;
      const connection = endpoint.connections.get(id)!;
      const payload = new Uint8Array(40_000).fill(120);
      // Nobody reads: more than all the buffers on the way hold.
      let messages = 0;
      while (messages < 1_000 && connection.state === "open" && bus.stats().pending < 10) {
        messages++;
        void bus.publish({ subject: "millrace.echo.out", payload, metadata: { "conn.id": id } });
        if (messages % 10 === 0) await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
      }
      const { messagesSent } = endpoint.traffic();
      connection.destroy({});
      const record = await soon(connection.closed, "the end");
      const messagesUndelivered = await still(() => endpoint.traffic().messagesUndelivered);
      assert.ok(messagesUndelivered > 0, egressPolicy);
      // A counter that was read is never less afterwards.
      assert.ok(endpoint.traffic().messagesSent >= messagesSent, egressPolicy);
      assert.equal(record.framesSent + messagesUndelivered, messages, egressPolicy);
      const { framesLost, framesDropped } = endpoint.stats();
      assert.deepEqual([framesLost, framesDropped], [record.framesUnsent, record.framesDropped]);
      await client.close();
      await gateway.destroy();
    }
  });

  it("a peer that has ended gets the replies that come within replyWait, long after the bus has its frames", async () => {
    const { gateway, port } = await startEcho({ replyWait: 5_000 });
    let release!: () => void;
    const held = new Promise<void>((resolve) => release = resolve);
    gateway.bus.subscribe("millrace.echo.in", ({ reply, payload }) => {
      void held.then(() => gateway.bus.publish({ subject: reply!, payload, metadata: {} }));
    });
    const client = await lineClient(port);
    await client.send("1");
    client.end();
    const reading = read(client, 1);
    // The loop over its frames ends in that time, and with it the connection, if nothing holds it.
    for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setTimeout(resolve, 1));
    release();
    assert.deepEqual(await soon(reading, "the reply"), ["1"]);
    await soon(client.closed, "the end");
    await gateway.destroy();
  });

  it("S-26: at a shutdown the frames that are in are answered, also those that wait in the bus", async () => {
    const { gateway, port } = await startEcho();
    let release!: () => void;
    const held = new Promise<void>((resolve) => release = resolve);
    let arrived!: () => void;
    const three = new Promise<void>((resolve) => arrived = resolve);
    let count = 0;
    gateway.bus.subscribe("millrace.echo.in", async (message) => {
      if (++count === 1) arrived();
      await held;
      await gateway.bus.publish({ subject: message.reply!, payload: message.payload, metadata: {} });
    });
    const client = await lineClient(port);
    await client.send("1");
    await client.send("2");
    await client.send("3");
    await client.flush();
    await soon(three, "the first frame");
    const reading = read(client, 3);
    const stopping = gateway.close({ deadline: "5 seconds" });
    assert.equal(gateway.state, "draining");
    assert.deepEqual(gateway.notReady(), ["the gateway is draining"]);
    release();
    assert.deepEqual(await reading, ["1", "2", "3"]);
    const closed = client.close();
    const report = await soon(stopping, "the shutdown");
    assert.deepEqual({ destroyed: report.destroyed, failure: report.failure }, {
      destroyed: 0,
      failure: undefined,
    });
    assert.equal(report.endpoints["echo"]?.drained, 1);
    await closed;
  });

  it("S-27: a subscriber that never ends holds a shutdown no longer than the deadline", async () => {
    const { gateway, client } = await stuckEcho();
    const report = await soon(gateway.close({ deadline: 100 }), "the shutdown");
    assert.equal(report.destroyed, 1);
    assert.equal(gateway.state, "stopped");
    await client.close();
  });

  it("S-67: lines that nobody read are in the report, of print and of the stdio bus, and hold up the end for its deadline only", async () => {
    for (const bus of ["memory", "stdio"]) {
      const output = new FakeOutput();
      const { gateway, port } = await startEcho({ print: bus === "memory" }, { bus }, {
        output,
        input: new FakeInput(),
      });
      output.stick();
      const client = await lineClient(port);
      for (const word of ["one", "two", "three"]) await client.send(word);
      await client.flush();
      await output.until(1);
      while (gateway.endpoints.get("echo")!.traffic().framesPublished < 3) {
        await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
      }
      await client.close();
      const { linesUnwritten, failure } = await soon(gateway.close({ deadline: 200 }), "the end");
      assert.deepEqual({ bus, linesUnwritten, failure }, { bus, linesUnwritten: 3, failure: undefined });
    }
  });

  it("close() cuts a shutdown short, and both tell the same report", async () => {
    const { gateway, client } = await stuckEcho();
    const stopping = gateway.close({ deadline: "1 hour" });
    const closed = await soon(gateway.destroy(), "the close");
    assert.equal(await stopping, closed);
    assert.equal(await gateway.finished, closed);
    assert.equal(closed.destroyed, 1);
    await client.close();
  });

  it("S-18: a port in use says which endpoint, which port, and what to do, and nothing stays open", async (t) => {
    const { gateway, port } = await startEcho();
    t.after(() => gateway.destroy());
    const config = configOf({
      endpoints: [{ name: "first", listen: 0 }, { name: "second", listen: port }],
      admin: { listen: 0 },
    });
    const bus = memoryBus();
    await assert.rejects(startGateway(config, { bus, logger: () => {} }), (error: unknown) => {
      assert.ok(error instanceof SocketError);
      assert.equal(error.reason, "address_in_use");
      assert.match(
        error.message,
        new RegExp(`endpoint second: listen on 127\\.0\\.0\\.1:${port}: .*choose another port`),
      );
      return true;
    });
    // The first endpoint had subscribed; now nobody does.
    await assert.rejects(
      bus.request({ subject: "millrace.first.ctrl", payload: new Uint8Array(), metadata: {} }),
      {
        reason: "no_responders",
      },
    );
  });

  it("dials, sends what comes to the bus, and dials again when the connection ends (F-37)", async (t) => {
    const { gateway: far, port } = await startEcho({ echo: true });
    t.after(() => far.destroy());
    const config = configOf({
      endpoints: [{ name: "near", connect: port, reconnect: { wait: "10ms" } }],
    });
    const connected = [signal<string>(), signal<string>()];
    let count = 0;
    const logger = ({ message, fields }: LogRecord): void => {
      if (message === "connected") connected[count++]?.resolve(String(fields["conn.id"]));
    };
    const gateway = await startGateway(config, { logger });
    t.after(() => gateway.destroy());
    const frames: BusMessage[] = [];
    let more: () => void = () => {};
    gateway.bus.subscribe("millrace.near.in", (message) => {
      frames.push(message);
      more();
    });
    const near = gateway.endpoints.get("near")!;
    const round = async (id: string): Promise<void> => {
      const came = new Promise<void>((resolve) => more = resolve);
      const payload = encoder.encode("ping");
      await gateway.bus.publish({ subject: "millrace.near.out", payload, metadata: { "conn.id": id } });
      await soon(came, "the frame");
    };
    const first = await soon(connected[0]!.promise, "the first connection");
    await round(first);
    assert.deepEqual(gateway.notReady(), []);
    for (const connection of far.endpoints.get("echo")!.connections.values()) connection.destroy();
    const second = await soon(connected[1]!.promise, "the second connection");
    await round(second);
    assert.equal(frames.length, 2);
    assert.notEqual(frames[0]!.metadata["conn.id"], frames[1]!.metadata["conn.id"]);
    assert.equal(near.stats().connectionsAccepted, 2);
    assert.deepEqual(near.attempts!(), { attempts: 2, failures: 1 });
    const sampled = gateway.samples().filter(({ name }) => name.startsWith("millrace_connect_"));
    assert.deepEqual(sampled.map(({ name, value }) => [name, value]), [
      ["millrace_connect_attempts_total", 2],
      ["millrace_connect_failures_total", 1],
    ]);
    const report = await soon(gateway.close(), "the shutdown");
    assert.equal(report.destroyed, 0);
  });

  for (const between of ["a wait", "an attempt"]) {
    it(`what dials in vain stops at once, in the middle of ${between}`, async () => {
      const clock = new FakeClock();
      const memory = memoryAdapter({ clock });
      // Nobody listens there, or nobody answers.
      const silent: Adapter = { ...memory, connect: ({ signal }) => failing(signal!) };
      const adapter = between === "a wait" ? memory : silent;
      const config = configOf({ endpoints: [{ name: "near", connect: 3034, reconnect: { wait: "60s" } }] });
      const gateway = await startGateway(config, { clock, adapter, logger: () => {} });
      await clock.advanceAsync(0);
      const closed = gateway.close({ deadline: "30 seconds" });
      await clock.advanceAsync(0);
      assert.equal(gateway.state, "stopped");
      assert.equal((await closed).durationMs, 0);
      assert.equal(clock.pendingTimers, 0);
    });
  }

  it("with two endpoints keeps their subjects and ports apart", async (t) => {
    const config = configOf({
      endpoints: [
        { name: "a", listen: 0, echo: true },
        { name: "b", listen: 0, framing: { type: "lengthField", lengthBytes: 2, strip: 2 } },
      ],
    });
    const gateway = await startGateway(config, { logger: () => {} });
    t.after(() => gateway.destroy());
    assert.notEqual(portOf(gateway, "a"), portOf(gateway, "b"));
    const client = await lineClient(portOf(gateway, "a"));
    await client.send("x");
    assert.deepEqual(await read(client, 1), ["x"]);
    assert.equal(gateway.endpoints.get("b")!.stats().framesReceived, 0);
    await client.close();
  });
});

function signal<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => resolve = settle);
  return { promise, resolve };
}
