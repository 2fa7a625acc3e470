// Keepalives of a connection whose peer does not read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { raw } from "../../src/core/framing/raw.ts";
import { Virtual } from "../support/server.ts";

test("S-13: keepalives do not pile up behind a peer that takes nothing, and go on when it reads again (F-13)", async (t) => {
  const place = new Virtual(t, { bufferSize: 10 });
  const payload = new Uint8Array(8);
  const server = await place.serve({
    framing: raw(),
    keepalive: { interval: 1_000, payload },
    idleTimeout: Infinity,
    onFrame: () => {},
  });
  const peer = await place.dial(server, "stalled");
  const [connection] = server.connections.values();
  for (let second = 0; second < 30; second++) await place.pass(1_000);
  const { outboxBytes, framesSent } = connection!.stats();
  assert.ok(outboxBytes > 0 && outboxBytes <= payload.length, `${outboxBytes} bytes of keepalives wait`);
  peer.onData = () => true;
  peer.transport.resume();
  for (let second = 0; second < 10; second++) await place.pass(1_000);
  assert.ok(connection!.stats().framesSent >= framesSent + 8);
  assert.equal(connection!.stats().outboxBytes, 0);
});
