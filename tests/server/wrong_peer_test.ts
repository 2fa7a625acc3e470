// A peer that speaks another protocol than ours.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FrameError, TimeoutError } from "../../src/core/errors.ts";
import { delimited } from "../../src/core/framing/delimited.ts";
import { fixedLength } from "../../src/core/framing/fixed_length.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { mllp } from "../../src/protocols/mllp.ts";
import { mqtt } from "../../src/protocols/mqtt.ts";
import { postgres } from "../../src/protocols/postgres.ts";
import { tpkt } from "../../src/protocols/tpkt.ts";
import { bytes } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

const hello = new Uint8Array([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, ...new Uint8Array(500)]);

test("S-21: what speaks another protocol is told by its first bytes, quickly, and its slot is free again (F-64)", async (t) => {
  const place = await Real.at(t);
  const errors: FrameError[] = [];
  const server = await place.serve({
    framing: lengthField({ lengthBytes: 4 }),
    onFrameError: (error) => void errors.push(error),
    onFrame: () => {},
  });
  for (const first of ["GET / HTTP/1.1\r\nHost: millrace\r\n\r\n", hello]) {
    const peer = await place.dial(server);
    peer.write(first);
    await peer.whenEnded();
    peer.end();
    await peer.whenClosed();
  }
  assert.deepEqual(errors.map(({ looksLike }) => looksLike), ["an HTTP request", "a TLS ClientHello"]);
  assert.match(errors[0]!.message, /check that the peer is meant to connect to this host and port/);
  assert.match(errors[1]!.message, /turn TLS off at the peer/);
  const warned = place.logs.filter(({ message }) => message === "frame error");
  assert.deepEqual(warned.map(({ fields }) => fields.looksLike), ["an HTTP request", "a TLS ClientHello"]);
});

const framings: readonly [name: string, framing: Framing<unknown, never>][] = [
  ["lines", lines()],
  ["lines of text", lines({ encoding: "utf-8" })],
  ["fixedLength", fixedLength({ frameBytes: 1_000 })],
  ["a length of two bytes", lengthField({ lengthBytes: 2 })],
];

const waits = [
  ["frame_timeout", { frameTimeout: "5 seconds" }],
  ["first_frame_timeout", { frameTimeout: "Infinity", firstFrameTimeout: "5 seconds" }],
  ["idle_timeout", { frameTimeout: "Infinity", idleTimeout: "5 seconds" }],
] as const;

for (const [name, framing] of framings) {
  for (const [reason, limits] of waits) {
    test(`S-21: ${name}: a TLS ClientHello that never becomes a frame is named at ${reason} (F-64)`, async (t) => {
      const place = new Virtual(t);
      const server = await place.serve({
        framing: framing as Framing<unknown>,
        ...limits,
        onFrame: () => {},
      });
      const peer = await place.dial(server);
      // However it is cut up.
      peer.write(hello.subarray(0, 3));
      await place.settle();
      peer.write(hello.subarray(3));
      await place.pass(10_000);
      peer.end();
      await place.settle();
      const [record] = place.records;
      assert.equal(record!.reason, reason);
      assert.ok(record!.error instanceof TimeoutError);
      assert.equal(record!.error.looksLike, "a TLS ClientHello");
      assert.match(record!.message!, /begins like a TLS ClientHello: turn TLS off at the peer/);
      const closed = place.logs.find(({ message }) => message === "connection closed");
      assert.deepEqual([closed!.level, closed!.fields.looksLike], ["warn", "a TLS ClientHello"]);
    });
  }

  test(`S-21: ${name}: a TLS ClientHello is named when FIN or a reset comes inside of the frame (F-64)`, async (t) => {
    const place = new Virtual(t);
    const told: (string | undefined)[] = [];
    const server = await place.serve({
      framing: framing as Framing<unknown>,
      onFrame: () => {},
      onFrameError: ({ reason, looksLike }) => void told.push(reason, looksLike),
    });
    for (const act of ["end", "abort"] as const) {
      const peer = await place.dial(server);
      peer.write(hello);
      await place.settle();
      peer[act]();
      await place.settle();
    }
    assert.deepEqual(told, ["truncated", "a TLS ClientHello", "truncated", "a TLS ClientHello"]);
  });
}

test("S-21: a connection that is late after frames have come is told of no other protocol", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines(), frameTimeout: "5 seconds", onFrame: () => {} });
  const peer = await place.dial(server);
  peer.write("one\nGET / HTTP/1.1");
  await place.pass(10_000);
  const [record] = place.records;
  assert.ok(record!.error instanceof TimeoutError && record!.error.looksLike === undefined);
  peer.abort();
});

const v2 = "\r\n\r\n\0\r\nQUIT\n!\x11\0\x0c";
for (
  const [sent, looksLike] of [
    ["GET / HTTP/1.1\r\nHost: here\r\n\r\n", "an HTTP request"],
    ["PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nhello\n", "a PROXY protocol header (v1)"],
    [v2 + "hello\n", "a PROXY protocol header (v2)"],
  ] as const
) {
  test(`S-21: ${looksLike} of which lines can be cut is told once, whole or byte by byte (F-64)`, async (t) => {
    for (const framing of [lines(), raw()]) {
      const place = new Virtual(t);
      const told: string[] = [];
      const server = await place.serve({
        framing,
        onFrame: () => {},
        onOtherProtocol: (found) => void told.push(found.looksLike),
      });
      const peers = [await place.dial(server), await place.dial(server), await place.dial(server)];
      peers[0]!.write(sent);
      for (const byte of bytes(sent)) {
        peers[1]!.write(new Uint8Array([byte]));
        await place.clock.advanceAsync(0);
      }
      peers[2]!.write("hello\nGET / HTTP/1.1\r\n");
      await place.settle();
      peers[0]!.write(sent);
      await place.settle();
      assert.deepEqual(told, framing.name === "raw" ? [] : [looksLike, looksLike]);
      peers.forEach((peer) => peer.abort());
      await place.settle();
    }
  });
}

for (
  const [sent, framing] of [
    ["\x0bMSH|^~\\&|A\r\x1c\r", mllp()],
    ["\x0bMSH|^~\\&|A\r\x1c\r", delimited({ delimiter: "\x1c\r" })],
    ["\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", mqtt()],
    ["\0\0\0\x08\x04\xd2\x16\x2f", postgres()],
    ["\x03\0\0\x07\x02\xe0\0", tpkt()],
    ["220 mail.example ESMTP\r\n", lines()],
  ] as const
) {
  test(`S-21: a peer of the very protocol of ${framing.name} is told to speak no other (F-64)`, async (t) => {
    const place = new Virtual(t);
    const told: string[] = [];
    let frames = 0;
    const server = await place.serve({
      framing,
      onFrame: () => void frames++,
      onOtherProtocol: (found) => void told.push(found.looksLike),
      onFrameError: (error) => void told.push(error.message),
    });
    const peer = await place.dial(server);
    peer.write(Uint8Array.from(sent, (letter) => letter.charCodeAt(0)));
    await place.settle();
    assert.deepEqual([frames, told], [1, []]);
    peer.abort();
    await place.settle();
  });
}
