/** Parts of the bus on Redis that need no server: heads of channel messages, fields of entries, names of streams. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { Buffer } from "node:buffer";
import type { BusMessage } from "../../../src/gateway/buses/bus.ts";
import { channelBytes, channelMessage } from "../../../src/gateway/buses/redis/channel_message.ts";
import { appendFields, entryMessage } from "../../../src/gateway/buses/redis/entry.ts";
import { StreamNames } from "../../../src/gateway/buses/redis/stream_names.ts";
import { it } from "../../support/it.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const message = (payload: string, rest: Partial<BusMessage> = {}): BusMessage => ({
  subject: "a.b",
  payload: encoder.encode(payload),
  metadata: {},
  ...rest,
});
const there = (sent: BusMessage): BusMessage => channelMessage(sent.subject, channelBytes(sent));

describe("messages on channels of Redis (F-57)", () => {
  it("are a payload alone where there is nothing else, and a head before it where there is", () => {
    assert.equal(decoder.decode(channelBytes(message("hello"))), "hello");
    const sent = message("hello", { reply: "r.1", seq: 3, received: 0, metadata: { "conn.id": "c" } });
    assert.equal(
      decoder.decode(channelBytes(sent)),
      "MILLRACE/1\r\nreply: r.1\r\nconn.id: c\r\nseq: 3\r\nreceived: 1970-01-01T00:00:00.000Z\r\n\r\nhello",
    );
    const { payload, metadata, reply } = there(sent);
    assert.deepEqual([decoder.decode(payload), metadata["conn.id"], metadata["seq"], reply], [
      "hello",
      "c",
      "3",
      "r.1",
    ]);
  });

  it("come as they were sent, whatever is in the payload or in a header", () => {
    for (const payload of ["", "MILLRACE/1\r\n", "MILLRACE/1\r\nreply: x\r\n\r\n", "\r\n\r\n"]) {
      const { payload: got, reply } = there(message(payload));
      assert.deepEqual([decoder.decode(got), reply], [payload, undefined]);
    }
    const evil = there(message("x", { metadata: { who: "a\r\nreply: elsewhere\r\n\r\n" } }));
    assert.deepEqual([evil.reply, decoder.decode(evil.payload)], [undefined, "x"]);
    // What begins like a head and has no end is a payload.
    assert.equal(
      decoder.decode(channelMessage("a", encoder.encode("MILLRACE/1\r\nx")).payload),
      "MILLRACE/1\r\nx",
    );
    assert.equal(
      there(message("x", { metadata: JSON.parse('{"__proto__": "1", "a b": "2"}') })).metadata["a b"],
      undefined,
    );
  });
});

describe("entries of a stream (F-57)", () => {
  const back = (sent: BusMessage): BusMessage => {
    const fields: (string | Buffer)[] = [];
    assert.equal(appendFields(sent, fields), fields.length);
    return entryMessage("a.b", fields.map((field) => Buffer.from(field as string)));
  };

  it("hold a message as fields, with headers that have the name of a field", () => {
    const { subject, metadata, reply, payload, stored } = back(
      message("x", { reply: "r", metadata: { subject: "other", "conn.id": "c" } }),
    );
    assert.deepEqual([subject, reply, decoder.decode(payload), stored], ["a.b", "r", "x", true]);
    assert.deepEqual(metadata, { subject: "other", "conn.id": "c" });
  });

  it("may come from anybody: without a subject they have that of their stream", () => {
    const fields = ["payload", "x", "odd"].map((field) => Buffer.from(field));
    assert.equal(entryMessage("a.b", fields).subject, "a.b");
    const bad = ["subject", "no subject", "payload", "x"].map((field) => Buffer.from(field));
    assert.equal(entryMessage("a.b", bad).subject, "a.b");
    assert.deepEqual([...entryMessage("a.b", []).payload], []);
  });
});

describe("names of streams (F-57)", () => {
  const names = new StreamNames(["millrace.*.in", "millrace.*.in.>", "plant.>"]);

  it("are the part of a subject before the place of >", () => {
    assert.equal(names.of("millrace.echo.in"), "millrace.echo.in");
    assert.equal(names.of("millrace.echo.in.c1.x"), "millrace.echo.in");
    assert.equal(names.of("plant.a.b"), "plant");
    assert.equal(names.of("millrace.echo.out"), undefined);
    assert.throws(() => names.of("a..b"), { reason: "invalid_subject" });
    assert.equal(new StreamNames([">"]).of("a.b"), "a");
  });

  it("are known of a pattern that names them, and of no other", () => {
    assert.deepEqual(names.covering("millrace.echo.in.*"), ["millrace.echo.in"]);
    assert.deepEqual(names.covering("millrace.echo.>"), ["millrace.echo.in"]);
    assert.deepEqual(names.covering("plant.*.x"), ["plant"]);
    assert.deepEqual(names.covering("millrace.echo.out.*"), []);
    for (const pattern of ["millrace.*.in", ">", "millrace.>"]) {
      assert.throws(() => names.covering(pattern), {
        reason: "invalid_subject",
        message: /more than one stream/,
      }, pattern);
    }
  });
});
