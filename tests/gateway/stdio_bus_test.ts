/** The stdio bus (F-57): messages as lines of JSON, out and in, and what happens when the pipe is slow or gone. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import type { BusMessage } from "../../src/gateway/buses/bus.ts";
import { stdioBus } from "../../src/gateway/buses/stdio_bus.ts";
import { FakeInput, FakeOutput, lineClient, read, soon, startEcho, still } from "./support.ts";
import { it } from "../support/it.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

describe("the stdio bus (F-57)", () => {
  it("carries frames to a worker and its answers back", async (t) => {
    const output = new FakeOutput();
    const input = new FakeInput();
    const { gateway, port } = await startEcho({}, { bus: "stdio" }, { output, input });
    t.after(() => gateway.destroy());
    const client = await lineClient(port);
    await client.send("hello");
    const [line] = await output.until(1);
    const message = JSON.parse(line!);
    assert.equal(message.subject, "millrace.echo.in");
    assert.equal(message.payload, "hello");
    assert.equal(message["peer.ip"], "127.0.0.1");
    assert.equal(message["peer.port"], (client.peer.local as { port: number }).port);
    assert.equal(message.reply, `millrace.echo.out.${message["conn.id"]}`);
    input.type(`{"subject":"${message.reply}","payload":"by reply"}\n`);
    input.type(`{"subject":"millrace.echo.out","conn.id":"${message["conn.id"]}","payload":"by id"}\n`);
    assert.deepEqual(await read(client, 2), ["by reply", "by id"]);
    await client.close();
  });

  it("S-11: waits for the worker's answer when the peer has already ended its side", async (t) => {
    const output = new FakeOutput();
    const input = new FakeInput();
    const { gateway, port } = await startEcho({}, { bus: "stdio" }, { output, input });
    t.after(() => gateway.destroy());
    const client = await lineClient(port);
    await client.send("question");
    client.end();
    const [line] = await output.until(1);
    const reading = read(client, 1);
    input.type(`${JSON.stringify({ subject: JSON.parse(line!).reply, payload: "answer" })}\n`);
    assert.deepEqual(await reading, ["answer"]);
    await client.close();
  });

  const shown: Array<[what: string, encoding: BusMessage["encoding"], bytes: number[], line: object]> = [
    ["text", "utf8", [104, 105], { payload: "hi" }],
    ["bytes that are no text", "utf8", [0xff, 0], { payload: "/wA=", encoding: "base64" }],
    ["base64", "base64", [104, 105], { payload: "aGk=", encoding: "base64" }],
    ["hex", "hex", [0x1c, 0x0d], { payload: "1c0d", encoding: "hex" }],
    ["JSON", "json", [...encoder.encode('{ "a": 1 }')], { payload: { a: 1 }, encoding: "json" }],
    ["JSON that is none", "json", [104, 105], { payload: "hi" }],
  ];
  for (const [what, encoding, bytes, line] of shown) {
    it(`shows ${what}, and reads it back as the same bytes`, async () => {
      const output = new FakeOutput();
      const input = new FakeInput();
      const bus = stdioBus({ output, input });
      const got = new Promise<BusMessage>((resolve) => bus.subscribe("a.b", resolve));
      await bus.publish({
        subject: "a.b",
        payload: Uint8Array.from(bytes),
        metadata: { "k.y": "v" },
        encoding,
      });
      const [text] = await output.until(1);
      assert.deepEqual(JSON.parse(text!), { "subject": "a.b", "k.y": "v", ...line });
      input.type(`${text}\n`);
      const back = await soon(got, "the message");
      const expected = encoding === "json" && what === "JSON"
        ? '{"a":1}'
        : decoder.decode(Uint8Array.from(bytes));
      assert.equal(decoder.decode(back.payload), expected);
      assert.deepEqual(back.metadata, { "k.y": "v" });
      await bus.close();
    });
  }

  it("skips, counts and reports lines that are no messages, and goes on with the next", async () => {
    const reasons: string[] = [];
    const input = new FakeInput();
    const bus = stdioBus({
      output: new FakeOutput(),
      input,
      maxLineBytes: 200,
      onRefused: (reason) => reasons.push(reason),
    });
    const got: string[] = [];
    const last = new Promise<void>((resolve) => {
      bus.subscribe("a", ({ payload }) => {
        if (got.push(decoder.decode(payload)) === 2) resolve();
      });
    });
    const bad = [
      "nonsense",
      "[]",
      '{"payload":"x"}',
      '{"subject":"a.*","payload":"x"}',
      '{"subject":"a"}',
      '{"subject":"a","payload":"x","encoding":"rot13"}',
      '{"subject":"a","payload":"zz","encoding":"hex"}',
      '{"subject":"a","payload":"x","meta":{}}',
      `{"subject":"a","payload":"${"x".repeat(300)}"}`,
    ];
    input.type(`{"subject":"a","payload":"first"}\n${bad.join("\n")}\n\n`);
    input.type('{"subject":"a","pay');
    input.type('load":"last"}\n');
    await soon(last, "the last message");
    assert.deepEqual(got, ["first", "last"]);
    assert.equal(reasons.length, bad.length, reasons.join("\n"));
    assert.equal(bus.stats().refused, bad.length);
    await bus.close();
  });

  it("S-30: stops reading the input while a subscriber is slow, and then loses nothing", async () => {
    const input = new FakeInput();
    const bus = stdioBus({ output: new FakeOutput(), input });
    let release!: () => void;
    const held = new Promise<void>((resolve) => release = resolve);
    const got: number[] = [];
    const total = 500;
    const all = new Promise<void>((resolve) => {
      bus.subscribe("a", async ({ payload }) => {
        await held;
        if (got.push(Number(decoder.decode(payload))) === total) resolve();
      }, { limit: 10 });
    });
    for (let i = 0; i < total; i++) input.type(`{"subject":"a","payload":"${i}"}\n`);
    await still(() => input.taken);
    assert.ok(input.taken <= 12, `${input.taken} lines were taken`);
    release();
    await soon(all, "all messages");
    assert.deepEqual(got, Array.from({ length: total }, (_, i) => i));
    await bus.close();
  });

  it("S-30: a worker that does not read closes the peers' windows; what it gets then is complete and in order", async (t) => {
    const adapter = memoryAdapter();
    const output = new FakeOutput();
    output.stick();
    const { gateway, port } = await startEcho({ ingressLimit: 16_384, replyWait: 0 }, { bus: "stdio" }, {
      output,
      input: new FakeInput(),
      adapter,
    });
    t.after(() => gateway.destroy());
    const client = await lineClient(port, adapter);
    const total = 20_000;
    const body = "x".repeat(1_000);
    let sent = 0;
    const sending = (async () => {
      for (; sent < total; sent++) await client.send(`${sent}:${body}`);
    })();
    await still(() => sent);
    assert.ok(sent < total, "the client should have been held back");
    assert.ok(output.text.length < 1_000_000, `${output.text.length} characters were written`);
    output.unstick();
    await soon(sending, "sending");
    const lines = await output.until(total);
    lines.forEach((line, i) => assert.equal(JSON.parse(line).payload, `${i}:${body}`));
    await client.close();
  });

  it("a worker that is gone ends the gateway with a failure that says so", async () => {
    const output = new FakeOutput();
    const { gateway, port } = await startEcho({ replyWait: 0 }, { bus: "stdio" }, {
      output,
      input: new FakeInput(),
    });
    output.break();
    const client = await lineClient(port);
    await client.send("hello");
    const report = await soon(gateway.finished, "the end");
    assert.equal(report.failure?._tag, "BusError");
    assert.match(report.failure!.message, /its reader is gone/);
    await client.close();
  });

  it("the end of the input is no failure: frames still go out", async (t) => {
    const output = new FakeOutput();
    const input = new FakeInput();
    input.end();
    const { gateway, port } = await startEcho({ replyWait: 0 }, { bus: "stdio" }, { output, input });
    t.after(() => gateway.destroy());
    const client = await lineClient(port);
    await client.send("still there");
    assert.equal(JSON.parse((await output.until(1))[0]!).payload, "still there");
    assert.equal(gateway.state, "running");
    await client.close();
  });
});
