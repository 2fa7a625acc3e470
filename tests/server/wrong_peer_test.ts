// A peer that speaks another protocol than ours.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FrameError } from "../../src/core/errors.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { Real } from "../support/server.ts";

test("S-21: what speaks another protocol is told by its first bytes, quickly, and its slot is free again (F-64)", async (t) => {
  const place = await Real.at(t);
  const errors: FrameError[] = [];
  const server = await place.serve({
    framing: lengthField({ lengthBytes: 4 }),
    onFrameError: (error) => void errors.push(error),
    onFrame: () => {},
  });
  const hello = new Uint8Array([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, ...new Uint8Array(500)]);
  for (const first of ["GET / HTTP/1.1\r\nHost: millrace\r\n\r\n", hello]) {
    const peer = await place.dial(server);
    peer.write(first);
    await peer.whenEnded();
    peer.end();
    await peer.whenClosed();
  }
  assert.deepEqual(errors.map(({ looksLike }) => looksLike), ["an HTTP request", "a TLS ClientHello"]);
  assert.match(errors[0]!.message, /check that the peer means this host and port/);
  assert.match(errors[1]!.message, /turn TLS off at the peer/);
  const warned = place.logs.filter(({ message }) => message === "frame error");
  assert.deepEqual(warned.map(({ fields }) => fields.looksLike), ["an HTTP request", "a TLS ClientHello"]);
});
