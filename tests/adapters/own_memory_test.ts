// @once: only Node reads into memory that its program gives it
//
// What is read past the stream of a socket; the contract holds that it comes whole and stays as it came.
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { it } from "node:test";
import { nodeAdapter } from "../../src/adapters/node/adapter.ts";
import type { Transport } from "../../src/core/transport.ts";

/** The first chunk that comes. */
function firstChunk(transport: Transport): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    transport.start({
      data: (chunk) => (resolve(chunk), true),
      drain() {},
      end() {},
      close: (error) => reject(error ?? new Error("it closed")),
    });
  });
}

function deferredOf<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((fulfil, refuse) => [resolve, reject] = [fulfil, refuse]);
  return { promise, resolve, reject };
}

const tuning = { noDelay: true, keepAlive: "system" } as const;

it("a chunk lies in memory of its own, as long as what came, and not in a Buffer that Node has made", async (t) => {
  const accepted = deferredOf<Transport>();
  const listener = await nodeAdapter.listen({
    ...tuning,
    address: { transport: "tcp", host: "127.0.0.1", port: 0 },
    backlog: undefined,
    reusePort: false,
    ipv6Only: false,
    tls: undefined,
    failed: (error) => accepted.reject(error),
  }, accepted.resolve);
  t.after(() => listener.stop());
  const { address } = listener;
  assert.ok(address.transport === "tcp");
  const socket = connect(address.port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.write("hello");
  const chunk = await firstChunk(await accepted.promise);
  assert.equal(chunk.constructor, Uint8Array);
  assert.equal(chunk.buffer.byteLength, 5);
});

it("the same for a connection that was dialled", async (t) => {
  const server = createServer((socket) => {
    // It is aborted at the end.
    socket.on("error", () => {});
    socket.write("hello");
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const transport = await nodeAdapter.connect({
    ...tuning,
    address: { transport: "tcp", host: "127.0.0.1", port: address.port },
    signal: undefined,
    tls: undefined,
  });
  t.after(() => transport.abort());
  const chunk = await firstChunk(transport);
  assert.equal(chunk.constructor, Uint8Array);
  assert.equal(chunk.buffer.byteLength, 5);
});
