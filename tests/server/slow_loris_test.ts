// Peers that hold frames half sent, on real sockets.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lines } from "../../src/core/framing/lines.ts";
import { TimeoutError } from "../../src/core/errors.ts";
import { Real } from "../support/server.ts";

const slow = 1_000;

test("S-2: a thousand half frames that are held open are gone after minByteRate's period, and honest peers are answered all the while (F-63)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({
    framing: lines({ encoding: "utf-8" }),
    minByteRate: { bytesPerSecond: "1 KiB", period: "500ms" },
    lingerTimeout: 50,
    onFrame: (line, connection) => connection.send(line),
  });
  const honest = await Promise.all(Array.from({ length: 4 }, () => place.dial(server)));
  let asking = true;
  let answers = 0;
  const conversations = honest.map(async (peer) => {
    let sent = "";
    while (asking) {
      sent += "hello\n";
      peer.write("hello\n");
      await peer.got(sent);
      answers++;
    }
  });
  const held = [];
  for (let each = 0; each < slow; each++) {
    const peer = await place.dial(server);
    peer.write("GET");
    held.push(peer);
  }
  const answeredBefore = answers;
  await place.gone(slow);
  await Promise.all(held.map((peer) => peer.whenEnded()));
  assert.ok(answers > answeredBefore, "the honest were answered meanwhile");
  asking = false;
  await Promise.all(conversations);
  assert.deepEqual(server.stats().closedByReason, { byte_rate: slow });
  assert.equal(server.stats().connectionsActive, honest.length);
  for (const { error, durationMs, partialFrameBytes } of place.records) {
    assert.ok(error instanceof TimeoutError && error.reason === "byte_rate");
    assert.equal(partialFrameBytes, 3);
    assert.ok(durationMs >= 500, `closed after ${durationMs} ms`);
  }
});
