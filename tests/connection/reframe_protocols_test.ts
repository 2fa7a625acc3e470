// Protocols that change their framing, between servers and clients of ours, on the sockets of the runtime.
import assert from "node:assert/strict";
import { test } from "node:test";
import { concatBytes } from "../../src/core/bytes/bytes.ts";
import { delimited } from "../../src/core/framing/delimited.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { bytes, hex, text } from "../support/frames.ts";
import { Real } from "../support/server.ts";

const startup = lengthField({ lengthBytes: 4, lengthIncludesHeader: true, strip: 4 });
const typed = lengthField({ lengthOffset: 1, lengthBytes: 4, adjustment: -4 });

test("PostgreSQL: a start-up message and typed messages in one chunk, on a real socket (F-81)", async (t) => {
  const place = await Real.at(t);
  for (const kind of ["onFrame", "a loop"] as const) {
    const got: string[] = [];
    const take = (frame: Uint8Array): void => void got.push(text(frame).replaceAll("\0", "."));
    const server = await place.serve<Uint8Array>({
      framing: startup,
      reframable: true,
      ...(kind === "onFrame"
        ? {
          onFrame: (frame, connection) => {
            take(frame);
            connection.reframe(typed, { onFrame: take, last: true });
          },
        }
        : {
          handler: async (connection) => {
            for await (const frame of connection) {
              take(frame);
              break;
            }
            for await (const frame of connection.reframe(typed, { last: true })) take(frame);
          },
        }),
    });
    const peer = await place.dial(server);
    const query = concatBytes([bytes("Q"), hex("0000000d"), bytes("select 1\0")]);
    peer.write(concatBytes([
      hex("00000013 00030000"),
      bytes("user\0app\0\0\0"),
      concatBytes([bytes("p"), hex("00000008"), bytes("pwd\0")]),
      ...Array.from({ length: 5_000 }, () => query),
    ])).end();
    await place.gone(1);
    place.records.length = 0;
    assert.equal(got.length, 5_002);
    assert.deepEqual([got[0], got[1], got[5_001]], [".\x03..user.app...", "p...\bpwd.", "Q...\rselect 1."]);
  }
});

test("HTTP CONNECT: behind the head of the request, and of the answer, everything is a stream of bytes (F-81)", async (t) => {
  const place = await Real.at(t);
  const head = delimited({ delimiter: "\r\n\r\n", maxFrameBytes: "8KiB" });
  const heads: string[] = [];
  const server = await place.serve<Uint8Array>({
    framing: head,
    reframable: true,
    handler: async (connection) => {
      for await (const request of connection) {
        heads.push(text(request).split("\r\n")[0]!);
        break;
      }
      // In one write, so that the client finds the first bytes of the tunnel behind the head.
      void connection.send(bytes("HTTP/1.1 200 Connection established"));
      const tunnel = connection.reframe(raw(), { last: true });
      await tunnel.send(bytes("hello\r\n\r\n"));
      for await (const part of tunnel) await tunnel.send(part);
    },
  });
  const client = await place.connect(server, { framing: head, reframable: true, allowHalfOpen: true });
  void client.send(bytes("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443"));
  const sent = new Uint8Array(300_000).map((_, at) => at & 127);
  // Not waiting for the answer: these bytes may come in one chunk with the head.
  const tunnel = client.reframe({ ...head, encode: raw().encode });
  void tunnel.send(sent);
  tunnel.end();
  for await (const answer of client) {
    heads.push(text(answer));
    break;
  }
  const got: Uint8Array[] = [];
  for await (const part of client.reframe(raw(), { last: true })) got.push(part.slice());
  const all = concatBytes(got);
  assert.deepEqual(heads, ["CONNECT example.org:443 HTTP/1.1", "HTTP/1.1 200 Connection established"]);
  assert.equal(text(all.subarray(0, 9)), "hello\r\n\r\n");
  assert.deepEqual(all.subarray(9), sent);
});

test("OPC UA: the limit that both sides agree on is in force from the frame behind (F-81)", async (t) => {
  const place = await Real.at(t);
  const chunks = (maxFrameBytes: number) =>
    lengthField({
      lengthOffset: 4,
      lengthBytes: 4,
      endian: "little",
      lengthIncludesHeader: true,
      maxFrameBytes,
    });
  const server = await place.serve<Uint8Array>({
    framing: chunks(64),
    reframable: true,
    onFrame: (frame, connection) => {
      if (text(frame.subarray(0, 3)) !== "HEL") return;
      const agreed = new DataView(frame.buffer, frame.byteOffset).getUint32(8, true);
      connection.reframe(chunks(agreed));
    },
  });
  const peer = await place.dial(server);
  const message = (type: string, size: number, body: Uint8Array): Uint8Array => {
    const head = concatBytes([bytes(`${type}F`), Uint8Array.of(size & 255, size >> 8, 0, 0), body]);
    return concatBytes([head, new Uint8Array(size - head.length)]);
  };
  peer.write(concatBytes([
    message("HEL", 32, Uint8Array.of(0, 4, 0, 0)),
    message("MSG", 1024, new Uint8Array(0)),
    message("MSG", 1025, new Uint8Array(0)),
  ])).end();
  await place.gone(1);
  const { reason, framesReceived, error } = place.records[0]!;
  assert.deepEqual([reason, framesReceived], ["frame_error", 2]);
  assert.match(String(error), /over maxFrameBytes, 1024/);
});

test("a text protocol changes to messages with a length and back, on both sides of one connection (F-81)", async (t) => {
  const place = await Real.at(t);
  const text8 = lines({ encoding: "utf-8" });
  const binary = lengthField({ lengthBytes: 4, strip: 4 });
  const server = await place.serve<string>({
    framing: text8,
    reframable: true,
    handler: async (connection) => {
      for (;;) {
        let command: string | undefined;
        for await (const line of connection) {
          command = line;
          break;
        }
        if (command === undefined) return;
        if (command !== "BINARY") {
          void connection.send(`500 ${command}`);
          continue;
        }
        void connection.send("354 go on");
        const messages = connection.reframe(binary);
        for await (const message of messages) {
          void messages.send(message);
          if (message.length === 0) break;
        }
        void messages.reframe(text8);
      }
    },
  });
  const client = await place.connect(server, { framing: text8, reframable: true });
  const got: string[] = [];
  for (let round = 0; round < 3; round++) {
    void client.send("HELO");
    void client.send("BINARY");
    const sender = client.reframe({ ...text8, encode: binary.encode });
    for (const part of ["one", "two", ""]) void sender.send(bytes(part));
    const both = sender.reframe(text8);
    for await (const line of both) {
      got.push(line);
      if (line.startsWith("354")) break;
    }
    const messages = both.reframe(binary);
    for await (const message of messages) {
      got.push(text(message));
      if (message.length === 0) break;
    }
    void messages.reframe(text8);
  }
  const once = ["500 HELO", "354 go on", "one", "two", ""];
  assert.deepEqual(got, [...once, ...once, ...once]);
});
