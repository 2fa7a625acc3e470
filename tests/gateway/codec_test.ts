/** Codecs: modules that turn frames into messages and back, and what becomes of what they cannot. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { connect } from "../../src/client/connect.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import type { BusMessage } from "../../src/gateway/buses/bus.ts";
import { memoryBus } from "../../src/gateway/buses/memory_bus.ts";
import type { CodecError } from "../../src/gateway/codecs/codec_error.ts";
import { abilityFaults } from "../../src/gateway/config/abilities.ts";
import { formatFault } from "../../src/gateway/config/fault.ts";
import { mllp } from "../../src/protocols/mllp.ts";
import { bytes } from "../support/frames.ts";
import { it } from "../support/it.ts";
import type { Cleaner } from "../support/program.ts";
import { configOf, lineClient, read, soon, startEcho } from "./support.ts";

const limit = { timeout: 60_000 };
const decoder = new TextDecoder();
const deadLetter = "millrace.echo.dead";

/** A module with this text. */
function moduleOf(t: Cleaner, text: string, name = "codec.mjs"): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-codec-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** An endpoint with this codec, and what the bus hears of it. */
async function plant(t: Cleaner, codec: unknown, endpoint: object = {}) {
  const bus = memoryBus();
  const errors: CodecError[] = [];
  const messages: BusMessage[] = [];
  let look = (): void => {};
  const take = (message: BusMessage): void => {
    messages.push(message);
    look();
  };
  bus.subscribe("millrace.echo.in", take);
  bus.subscribe(deadLetter, take);
  const { gateway, port } = await startEcho({ codec, subjects: { deadLetter }, ...endpoint }, {}, {
    bus,
    onCodecError: (error) => errors.push(error),
  });
  t.after(() => gateway.destroy());
  const heard = (count: number): Promise<readonly BusMessage[]> => {
    const all = async (): Promise<readonly BusMessage[]> => {
      while (messages.length < count) await new Promise<void>((resolve) => look = resolve);
      return messages;
    };
    return soon(all(), `${count} messages, not ${messages.length}`);
  };
  const send = async (text: string) => {
    const id = [...gateway.endpoints.get("echo")!.connections.keys()][0]!;
    const payload = bytes(text);
    const answer = await bus.request({ subject: "millrace.echo.out", payload, metadata: { "conn.id": id } });
    return JSON.parse(decoder.decode(answer.payload));
  };
  return { bus, gateway, port, errors, heard, send, traffic: () => gateway.endpoints.get("echo")!.traffic() };
}

const words = `
export function decode(frame, { decoded }) {
  const text = new TextDecoder().decode(frame);
  if (text === "ping") return undefined;
  if (text === "bad") throw new Error("it is\\nbad");
  if (text === "promise") return Promise.resolve(1);
  if (text === "function") return () => {};
  if (text === "circle") { const a = {}; a.a = a; return a; }
  if (text === "getter") return decoded(1, { get metadata() { throw new Error("no facts"); } });
  if (text === "own header") return decoded(1, { metadata: { "conn.id": "x" } });
  const [id, ...rest] = text.split(" ");
  return decoded({ words: rest }, { identity: id, metadata: { first: rest[0] ?? "" }, answer: new TextEncoder().encode("got " + id) });
}
export function encode({ words }) {
  if (words === undefined) throw new Error("no words");
  return words.length === 0 ? "text" : new TextEncoder().encode(words.join(" "));
}`;

describe("a codec", () => {
  it(
    "makes messages of frames and frames of messages, answers, and says whose they are (F-61)",
    limit,
    async (t) => {
      const { port, heard, send, gateway } = await plant(t, moduleOf(t, words), {
        identity: { codec: true },
      });
      const device = await lineClient(port);
      t.after(() => device.destroy());
      await device.send("d7 hello world");
      const [message] = await heard(1);
      assert.deepEqual(JSON.parse(decoder.decode(message!.payload)), { words: ["hello", "world"] });
      assert.deepEqual([message!.metadata["first"], message!.metadata["identity"]], ["hello", "d7"]);
      assert.equal(message!.encoding, "json");
      assert.deepEqual(await send('{"words":["good","bye"]}'), { ok: true, result: { status: "sent" } });
      assert.deepEqual(await read(device, 2), ["got d7", "good bye"]);
      assert.equal(gateway.endpoints.get("echo")!.identities!.all("d7").length, 1);
    },
  );

  it("publishes nothing of a frame that it makes nothing of, and counts it (F-61)", limit, async (t) => {
    const { port, heard, traffic } = await plant(t, moduleOf(t, words));
    const device = await lineClient(port);
    t.after(() => device.destroy());
    for (const line of ["ping", "ping", "d7 x"]) await device.send(line);
    const [message] = await heard(1);
    assert.deepEqual([message!.seq, traffic().framesSkipped, traffic().framesPublished], [1, 2, 1]);
  });

  it(
    "keeps frames that it cannot decode as dead letters, with the reason, and goes on (F-61)",
    limit,
    async (t) => {
      const { port, heard, traffic, errors } = await plant(t, moduleOf(t, words));
      const device = await lineClient(port);
      t.after(() => device.destroy());
      const bad = [
        ["bad", "decode_failed", /^decode: it is bad$/],
        ["promise", "invalid_result", /promise: it must return at once/],
        ["function", "invalid_result", /function, expected JSON or bytes/],
        ["circle", "invalid_result", /not JSON/],
        ["getter", "invalid_result", /^decode: no facts$/],
        ["own header", "invalid_result", /conn\.id is the gateway's own/],
      ] as const;
      for (const [line] of bad) await device.send(line);
      await device.send("d7 still here");
      const messages = await heard(bad.length + 1);
      for (const [index, [line, reason, error]] of bad.entries()) {
        const { subject, payload, metadata } = messages[index]!;
        assert.deepEqual([subject, decoder.decode(payload), metadata["reason"]], [deadLetter, line, reason]);
        assert.match(metadata["error"]!, error);
        assert.ok(metadata["conn.id"] !== undefined && metadata["endpoint"] === "echo");
      }
      assert.equal(messages.at(-1)!.subject, "millrace.echo.in");
      assert.equal(traffic().decodeErrors, bad.length);
      assert.deepEqual(errors.map(({ reason }) => reason), bad.map(([, reason]) => reason));
      assert.equal(decoder.decode(errors[0]!.bytes), "bad");
    },
  );

  it("answers the sender of a message that it cannot encode (F-61)", limit, async (t) => {
    const { port, send, traffic, errors } = await plant(t, moduleOf(t, words));
    const device = await lineClient(port);
    t.after(() => device.destroy());
    await device.send("d7 x");
    assert.deepEqual(await read(device, 1), ["got d7"]);
    for (
      const [text, reason, message] of [
        ["{", "not_json", /the message is not JSON/],
        ["{}", "encode_failed", /encode: no words/],
        ['{"words":[]}', "invalid_result", /encode returned string, expected bytes/],
      ] as const
    ) {
      const { ok, error } = await send(text);
      assert.deepEqual([ok, error.reason], [false, reason]);
      assert.match(error.message, message);
    }
    assert.deepEqual([traffic().encodeErrors, traffic().messagesUndelivered, errors.length], [3, 3, 3]);
  });

  for (
    const [what, settings, lines] of [
      ["onFault: close", { onFault: "close" }, ["bad"]],
      ["maxFaults in a row", { maxFaults: 2 }, ["bad", "d7 between", "bad", "bad"]],
    ] as const
  ) {
    it(`ends the connection with ${what}, and no other (F-61)`, limit, async (t) => {
      const { port, heard } = await plant(t, { module: moduleOf(t, words), ...settings });
      const [device, other] = [await lineClient(port), await lineClient(port)];
      t.after(() => other.destroy());
      for (const line of lines) await device.send(line);
      const answers = async (): Promise<void> => {
        for await (const _ of device);
      };
      await soon(answers(), "the end of the connection");
      await other.send("d8 here");
      assert.equal((await heard(lines.length + 1)).at(-1)!.metadata["first"], "here");
    });
  }

  it(
    "may be a function of options, and refuses longer messages than maxMessageBytes (F-61)",
    limit,
    async (t) => {
      const text =
        "export default ({ times }) => ({ decode: (frame) => new Uint8Array(frame.length * times) })";
      const { port, heard } = await plant(t, {
        module: moduleOf(t, text),
        options: { times: 10 },
        maxMessageBytes: "1KiB",
      });
      const device = await lineClient(port);
      t.after(() => device.destroy());
      await device.send("x".repeat(102));
      await device.send("x".repeat(103));
      const messages = await heard(2);
      assert.deepEqual([messages[0]!.payload.length, messages[1]!.metadata["reason"]], [1020, "too_large"]);
    },
  );

  it("is checked before the gateway starts: what is wrong, and where (F-61)", limit, async (t) => {
    const adapter = await detectAdapter();
    for (
      const [codec, expected] of [
        ["/nowhere/codec.mjs", /endpoints\[0\]\.codec.*a module that can be loaded/],
        [moduleOf(t, "export default 1"), /export default that is an object with decode or encode/],
        [moduleOf(t, "export const decode = 1"), /it exports decode/],
        [
          { module: moduleOf(t, "export default () => ({})") },
          /a function that returns an object with decode/,
        ],
        [{ module: moduleOf(t, "throw new Error('no way')") }, /no way/],
        [
          {
            module: moduleOf(t, "export default () => { throw new Error('times is missing') }"),
            options: {},
          },
          /options: .* times is missing/,
        ],
        [{ module: moduleOf(t, words), options: { a: 1 } }, /options: .* left out/],
      ] as const
    ) {
      const config = configOf({ endpoints: [{ name: "echo", listen: "127.0.0.1:0", codec }] });
      const faults = await abilityFaults(config, adapter);
      assert.match(faults.map((fault) => formatFault(fault)).join("\n"), expected, JSON.stringify(codec));
    }
  });
});

/** An example's codec, and a device of its protocol. */
async function example(t: Cleaner, name: string, framing: string, own: Framing<Uint8Array>) {
  const path = fileURLToPath(new URL(`../../examples/codecs/${name}.mjs`, import.meta.url));
  const planted = await plant(t, path, { framing });
  const device = await connect({ host: "127.0.0.1", port: planted.port, framing: own });
  t.after(() => device.destroy());
  const frames = device[Symbol.asyncIterator]();
  const next = async () => decoder.decode((await soon(frames.next(), "a frame")).value);
  return { ...planted, device, next };
}

describe("codecs in examples", () => {
  it("hl7 reads messages and answers each with AA, or AR (F-61)", limit, async (t) => {
    const { device, next, heard, send } = await example(t, "hl7", "mllp", mllp());
    const lines = [
      "MSH|^~\\&|LAB|HOSP|GW|CLINIC|20260101120000||ORU^R01|MSG1|P|2.5",
      "PID|1||12345^^^H^MR||DOE^JANE",
      "OBX|1|NM|GLU||5.4|mmol/L",
    ];
    await device.send(bytes(lines.map((line) => `${line}\r`).join("")));
    const [message] = await heard(1);
    const { id, segments } = JSON.parse(decoder.decode(message!.payload));
    assert.deepEqual([id, segments.length, segments[1][3]], ["MSG1", 3, "12345^^^H^MR"]);
    assert.equal(message!.metadata["hl7.type"], "ORU_R01");
    assert.match(
      await next(),
      /^MSH\|\^~\\&\|GW\|CLINIC\|LAB\|HOSP\|\d{14}\|\|ACK\|MSG1\|P\|2\.5\rMSA\|AA\|MSG1\r$/,
    );
    await device.send(bytes("MSH|^~\\&|LAB|HOSP|GW|CLINIC|2026||ORU|MSG2|P|2.5\r"));
    assert.match(await next(), /MSA\|AR\|MSG2\r$/);
    for (const type of ["ACK", "ACK^R01"]) {
      await device.send(bytes(`MSH|^~\\&|LAB|HOSP|GW|CLINIC|2026||${type}|A1|P|2.5\rMSA|AA|1\r`));
    }
    await device.send(bytes("no message"));
    assert.equal((await heard(5)).filter(({ subject }) => subject === deadLetter).length, 2);
    // An acknowledgement is not answered: what comes next is this.
    await send(JSON.stringify({ segments }));
    assert.equal(await next(), lines.map((line) => `${line}\r`).join(""));
  });

  it("iso8583 reads fields, writes them, and answers network messages itself (F-61)", limit, async (t) => {
    const { device, next, heard, send, traffic } = await example(
      t,
      "iso8583",
      "length:2",
      lengthField({ lengthBytes: 2, strip: 2 }),
    );
    const bitmap = "\x82\x20\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00";
    await device.send(Uint8Array.from(`0800${bitmap}0911131411000001301`, (char) => char.charCodeAt(0)));
    const answer = await next();
    assert.ok(answer.startsWith("0810") && answer.endsWith("00301"), answer);
    const payment = { 0: "0200", 3: "000000", 4: "000000005000", 11: "000001", 41: "12345678" };
    assert.equal((await send(JSON.stringify(payment))).ok, true);
    const written = (await soon(device[Symbol.asyncIterator]().next(), "a frame")).value!;
    await device.send(written);
    const [message] = await heard(1);
    assert.deepEqual(JSON.parse(decoder.decode(message!.payload)), payment);
    assert.equal(message!.metadata["iso8583.mti"], "0200");
    await device.send(bytes("02"));
    assert.equal((await heard(2))[1]!.metadata["reason"], "decode_failed");
    assert.equal(traffic().framesSkipped, 1);
  });
});
