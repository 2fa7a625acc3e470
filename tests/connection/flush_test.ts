// When frames leave: joined into few writes, and never later than the end of the turn.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { raw } from "../../src/core/framing/raw.ts";
import type { Adapter, Transport } from "../../src/core/transport.ts";
import { serve } from "../../src/server/serve.ts";
import type { UncheckedServeOptions } from "../../src/server/server_options.ts";
import { bytes, Gate, rejection, text } from "../support/frames.ts";
import { Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });

/** A server whose transports note each write. */
async function noted<Frame>(
  t: TestContext,
  options: Partial<UncheckedServeOptions<Frame>>,
  bufferSize = 1_000_000,
) {
  const place = new Virtual(t, { bufferSize });
  const writes: string[] = [];
  const adapter: Adapter = {
    ...place.adapter,
    listen: (listening, accept) =>
      place.adapter.listen(listening, (transport) => {
        const write = transport.write.bind(transport);
        accept(
          Object.assign(
            transport,
            {
              write: (chunk: Uint8Array) => {
                writes.push(text(chunk));
                return write(chunk);
              },
            } satisfies Partial<Transport>,
          ),
        );
      }),
  };
  const server = await place.drive(
    serve({ port: 0, logger: () => {}, ...options, adapter, clock: place.clock } as never),
  );
  place.atEnd(() => place.drive(server.destroy()));
  const peer = await place.dial(server);
  const [connection] = server.connections.values() as Iterable<Connection<Frame>>;
  return { place, peer, connection: connection!, writes };
}

test("what onFrame sends for the frames of one chunk leaves in one write, without waiting for the turn to end (F-43)", async (t) => {
  const { place, peer, writes } = await noted<string>(t, {
    framing: utf8,
    onFrame: (line, connection) => void connection.send(line),
  });
  peer.write("a\nb\nc\n");
  await place.settle();
  assert.deepEqual(writes, ["a\nb\nc\n"]);
});

test("a loop that awaits its sends answers the frames of one chunk in one write, when it asks for more (F-43)", async (t) => {
  const { place, peer, writes } = await noted<string>(t, {
    framing: utf8,
    handler: async (connection: Connection<string>) => {
      for await (const line of connection) await connection.send(line);
    },
  });
  peer.write("a\nb\nc\n");
  await place.settle();
  assert.deepEqual(writes, ["a\nb\nc\n"]);
});

test("what is sent in one turn leaves at its end in one write, though the handler awaits something else (F-43)", async (t) => {
  const gate = new Gate();
  const { place, peer, writes } = await noted<string>(t, {
    framing: utf8,
    handler: async (connection: Connection<string>) => {
      await gate.promise;
      void connection.send("a");
      await Promise.resolve();
      void connection.send("b");
      await new Promise<void>(() => {});
    },
  });
  gate.open();
  await place.settle();
  assert.deepEqual(writes, ["a\nb\n"]);
  assert.equal(peer.text, "a\nb\n");
});

test("a quarter of a megabyte leaves at once, without the end of a turn (F-43)", async (t) => {
  const { connection, writes } = await noted<Uint8Array>(t, { framing: raw(), onFrame: () => {} });
  const frame = new Uint8Array(1_024);
  for (let at = 0; at < 255; at++) void connection.send(frame);
  assert.equal(writes.length, 0);
  void connection.send(frame);
  assert.equal(writes.join("").length, 256 * 1_024);
});

test("flush resolves when everything is in the kernel, at once when it is, and rejects when the connection ends first", async (t) => {
  const { place, peer, connection } = await noted<Uint8Array>(
    t,
    { framing: raw(), onFrame: () => {} },
    1_000,
  );
  await connection.flush();
  peer.onData = () => false;
  void connection.send(new Uint8Array(1_000));
  await place.drive(connection.flush());
  assert.equal(connection.stats().outboxBytes, 0);
  void connection.send(new Uint8Array(2_000));
  let flushed = false;
  const flushing = connection.flush().then(() => void (flushed = true));
  await place.settle();
  assert.equal(flushed, false);
  peer.onData = () => true;
  peer.transport.resume();
  await place.drive(flushing);
  peer.onData = () => false;
  void connection.send(new Uint8Array(5_000));
  await place.settle();
  void connection.send(new Uint8Array(5_000));
  const failing = rejection(connection.flush());
  connection.destroy({ reason: "enough" });
  assert.match(String(await place.drive(failing)), /it is closed \(killed: enough\)/);
});

test("S-42: 64 MiB through a kernel that takes one byte at a time, then a kilobyte: every byte once and in order", async (t) => {
  // The first part byte by byte, the rest in odd pieces; the transport takes memory over as the seam says.
  const total = 64 * 1024 * 1024;
  let taken = 0;
  let wrong = 0;
  let pending: (() => void) | undefined;
  const place = new Virtual(t);
  const adapter: Adapter = {
    ...place.adapter,
    listen: (listening, accept) =>
      place.adapter.listen(listening, (transport) => {
        let drain = () => {};
        accept(
          Object.assign(
            transport,
            {
              start: (events: Parameters<Transport["start"]>[0]) => {
                drain = () => events.drain();
                Object.getPrototypeOf(transport).start.call(transport, events);
              },
              write: (chunk: Uint8Array) => {
                let at = 0;
                pending = () => {
                  const size = Math.min(taken < 100_000 ? 1 : 100_003, chunk.length - at);
                  for (let i = 0; i < size; i++, at++) if (chunk[at] !== ((taken++ * 31) & 255)) wrong++;
                  if (at < chunk.length) return;
                  pending = undefined;
                  drain();
                };
                return false;
              },
            } satisfies Partial<Transport>,
          ),
        );
      }),
  };
  const sent = new Gate();
  const server = await place.drive(serve<Uint8Array>({
    port: 0,
    framing: raw(),
    logger: () => {},
    handler: async (connection) => {
      for (let at = 0; at < total;) {
        const frame = new Uint8Array(Math.min(total - at, at % 7 === 0 ? 100 : 333_333));
        for (let i = 0; i < frame.length; i++) frame[i] = (at + i) * 31;
        at += frame.length;
        await connection.send(frame);
      }
      await connection.flush();
      sent.open();
    },
    adapter,
    clock: place.clock,
  }));
  place.atEnd(() => place.drive(server.destroy()));
  await place.dial(server);
  const [connection] = server.connections.values();
  while (taken < total) {
    for (let step = 0; step < 10_000 && pending !== undefined; step++) pending();
    assert.ok(connection!.stats().outboxBytes <= 2 * 1024 * 1024);
    await place.settle();
  }
  await place.drive(sent.promise);
  assert.deepEqual([taken, wrong, connection!.stats().bytesSent], [total, 0, total]);
});

test("frames of every size leave whole and in order, however little the kernel takes", async (t) => {
  const { place, peer, connection } = await noted<Uint8Array>(t, { framing: raw(), onFrame: () => {} }, 777);
  const sizes = [1, 63, 4_095, 4_096, 4_097, 65_535, 65_537, 300_000, 2, 10_000];
  let expected = "";
  for (const [at, size] of sizes.entries()) {
    const frame = String.fromCharCode(97 + at).repeat(size);
    expected += frame;
    void connection.send(bytes(frame));
  }
  await place.drive(connection.flush());
  await place.settle();
  assert.equal(peer.text, expected);
});

test("what a hook sends while a chunk is cut beside a loop leaves by the end of the turn, be the chunk bad further on or not (F-43)", async (t) => {
  for (const bad of [false, true]) {
    let complaints = 0;
    const skipping = lines({ maxFrameBytes: 4, onFrameError: "skip" });
    const framing: typeof skipping = {
      ...skipping,
      decoder(report) {
        const decoder = skipping.decoder(report);
        return {
          get buffered() {
            return decoder.buffered;
          },
          push(chunk, next) {
            decoder.push(chunk, next);
            if (bad) throw new Error("no more");
          },
        };
      },
    };
    const { place, peer, writes } = await noted<Uint8Array>(t, {
      framing,
      handler: async (connection) => {
        for await (const _ of connection) await new Promise(() => {});
      },
      onFrameError: (_, connection) => {
        if (complaints++ === 0) void connection.send(bytes("sorry"));
      },
    });
    peer.write("abc\ntoo long\nabc\n");
    await place.settle();
    assert.deepEqual(writes, ["sorry\n"]);
  }
});
