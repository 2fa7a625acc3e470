import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { test } from "node:test";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import type { ByteChunk } from "../../src/core/bytes/byte_chunk.ts";
import { toDuplex } from "../../src/core/streams/duplex.ts";
import { OptionsError, SocketError } from "../../src/core/errors.ts";
import type { Address, Peer, Transport, TransportEvents } from "../../src/core/transport.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

/** A transport whose other end is the test. */
class Scripted implements Transport {
  readonly peer: Peer = { ip: "", port: 0, local: { transport: "unix", path: "x" } };
  events!: TransportEvents;
  readonly calls: string[] = [];
  readonly written: number[] = [];
  /** What `write` answers. */
  room = true;
  taken = 0;
  readonly prompt = true;

  start(events: TransportEvents): void {
    this.events = events;
  }
  resume(): void {
    this.calls.push("resume");
  }
  write(chunk: Uint8Array): boolean {
    this.written.push(...chunk);
    if (this.room) this.taken = this.written.length;
    return this.room;
  }
  end(): void {
    this.calls.push("end");
  }
  release(): void {
    this.calls.push("release");
    this.events.close();
  }
  abort(): void {
    this.calls.push("abort");
    this.events.close();
  }
}

const settled = (): Promise<void> => new FakeClock().advanceAsync(0);

function bytes(...values: number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values);
}

test("what the peer sends is read in order, and its FIN ends the stream", async () => {
  const transport = new Scripted();
  const { readable, closed } = toDuplex(transport);
  transport.events.data(bytes(1, 2));
  transport.events.data(bytes(3));
  transport.events.end();
  const read: number[] = [];
  const reader = readable.getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) read.push(...chunk.value);
  deepEqual(read, [1, 2, 3]);
  transport.events.close();
  await closed;
});

test("reading stops when enough waits for the reader, and goes on when it was taken (F-41)", async () => {
  const transport = new Scripted();
  const { readable } = toDuplex(transport, { readableBytes: 10 });
  await settled();
  equal(transport.events.data(new Uint8Array(6)), true);
  equal(transport.events.data(new Uint8Array(4)), false);
  transport.calls.length = 0;
  await settled();
  equal(transport.calls.length, 0);
  const reader = readable.getReader();
  equal((await reader.read()).value?.length, 6);
  await settled();
  ok(transport.calls.includes("resume"));
  equal(transport.events.data(new Uint8Array(1)), true);
});

test("a BYOB reader gets bytes in its own memory, and the end", async () => {
  const transport = new Scripted();
  const { readable } = toDuplex(transport);
  const reader = readable.getReader({ mode: "byob" });
  transport.events.data(bytes(1, 2, 3, 4, 5));
  deepEqual([...(await reader.read(new Uint8Array(2))).value!], [1, 2]);
  deepEqual([...(await reader.read(new Uint8Array(8))).value!], [3, 4, 5]);
  const waiting = reader.read(new Uint8Array(4));
  await settled();
  transport.events.data(bytes(6));
  deepEqual([...(await waiting).value!], [6]);
  const last = reader.read(new Uint8Array(4));
  await settled();
  transport.events.end();
  equal((await last).done, true);
});

test("chunks that share memory, as views of one slab, stay whole", async () => {
  const transport = new Scripted();
  const { readable } = toDuplex(transport);
  const slab = bytes(1, 2, 3, 4);
  transport.events.data(slab.subarray(0, 2));
  transport.events.data(slab.subarray(2, 4));
  equal(slab.length, 4);
  const reader = readable.getReader();
  deepEqual([...(await reader.read()).value!], [1, 2]);
  deepEqual([...(await reader.read()).value!], [3, 4]);
});

test("a write is done when the kernel has it, and the writer waits till then (F-42)", async () => {
  const transport = new Scripted();
  const writer = toDuplex(transport).writable.getWriter();
  await writer.write(bytes(1));
  transport.room = false;
  let done = 0;
  const second = writer.write(bytes(2)).then(() => done++);
  const third = writer.write(bytes(3)).then(() => done++);
  await settled();
  equal(done, 0);
  deepEqual(transport.written, [1, 2]);
  transport.room = true;
  transport.events.drain();
  await second;
  await third;
  deepEqual(transport.written, [1, 2, 3]);
});

test("the writer's room is counted in bytes", async () => {
  const transport = new Scripted();
  const writer = toDuplex(transport, { writableBytes: 10 }).writable.getWriter();
  transport.room = false;
  await writer.ready;
  void writer.write(new Uint8Array(4));
  equal(writer.desiredSize, 6);
  void writer.write(new Uint8Array(6));
  equal(writer.desiredSize, 0);
  transport.events.drain();
  await settled();
  transport.events.drain();
  await writer.ready;
});

test("all kinds of bytes are taken; text is refused, with what to do", async () => {
  const transport = new Scripted();
  const writer = toDuplex(transport).writable.getWriter();
  await writer.write(bytes(1, 2).buffer);
  await writer.write(new DataView(bytes(9, 3, 9).buffer, 1, 1));
  await writer.write(new Uint8Array(0));
  deepEqual(transport.written, [1, 2, 3]);
  writer.closed.catch(() => {});
  await rejects(
    writer.write("text" as unknown as ByteChunk),
    /found string, expected bytes; encode text first/,
  );
});

test("closing the writable half-closes after what was written, and reading goes on (F-47)", async () => {
  const transport = new Scripted();
  const { readable, writable } = toDuplex(transport);
  const writer = writable.getWriter();
  transport.room = false;
  void writer.write(bytes(1));
  const closing = writer.close();
  await settled();
  ok(!transport.calls.includes("end"));
  transport.events.drain();
  await closing;
  ok(transport.calls.includes("end"));
  transport.events.data(bytes(7));
  deepEqual([...(await readable.getReader().read()).value!], [7]);
});

test("S-10: a reset fails reader, writer and the write under way, each once, with the cause", async () => {
  const transport = new Scripted();
  const { readable, writable, closed } = toDuplex(transport);
  const writer = writable.getWriter();
  const reader = readable.getReader();
  transport.room = false;
  const reset = new SocketError("reset", "read: the peer reset the connection");
  const all = [writer.write(bytes(1)), writer.write(bytes(2)), writer.closed, reader.read(), closed].map((
    promise,
  ) => rejects(promise, (error) => error === reset));
  await settled();
  transport.events.close(reset);
  await Promise.all(all);
});

test("aborting the writable drops the connection at once, even while a write waits", async () => {
  const transport = new Scripted();
  const { readable, writable, closed } = toDuplex(transport);
  const writer = writable.getWriter();
  transport.room = false;
  const write = rejects(writer.write(bytes(1)));
  writer.closed.catch(() => {});
  await settled();
  await writer.abort("enough").catch(() => {});
  await write;
  ok(transport.calls.includes("abort"));
  await rejects(
    readable.getReader().read(),
    (error) => error instanceof SocketError && error.reason === "aborted",
  );
  await closed;
});

test("after cancelling the readable what comes is forgotten, until the peer's FIN", async () => {
  const transport = new Scripted();
  const { readable } = toDuplex(transport, { readableBytes: 1 });
  equal(transport.events.data(bytes(1, 2)), false);
  transport.calls.length = 0;
  await readable.cancel();
  ok(transport.calls.includes("resume"));
  for (let i = 0; i < 10; i++) equal(transport.events.data(new Uint8Array(1_000)), true);
  transport.events.end();
  transport.events.close();
});

test("a write after the end says that the connection is closed", async () => {
  const transport = new Scripted();
  const { writable } = toDuplex(transport);
  const writer = writable.getWriter();
  const gone = rejects(writer.closed, (error) => error instanceof SocketError && error.reason === "closed");
  transport.events.end();
  transport.events.close();
  await gone;
  await rejects(writer.write(bytes(1)), (error) => error instanceof SocketError && error.reason === "closed");
});

test("sizes that make no sense are refused", () => {
  throws(() => toDuplex(new Scripted(), { readableBytes: 0 }), OptionsError);
  throws(() => toDuplex(new Scripted(), { highWaterMark: 5 } as object), OptionsError);
});

test("S-42: a megabyte through a connection of small buffers arrives once and in order, both ways at once", async () => {
  const adapter = memoryAdapter({ bufferSize: 1_000 });
  const address: Address = { transport: "tcp", host: "127.0.0.1", port: 0 };
  const tuning = { noDelay: true, keepAlive: false, tls: undefined } as const;
  const accepted = new Promise<Transport>((resolve, reject) => {
    const options = {
      ...tuning,
      address,
      backlog: undefined,
      reusePort: false,
      ipv6Only: false,
      failed: reject,
    };
    adapter.listen(options, resolve).then((listener) =>
      adapter.connect({ ...tuning, address: listener.address, signal: undefined })
        .then(async (transport) => {
          await listener.stop();
          connected(transport);
        })
    ).catch(reject);
  });
  let connected!: (transport: Transport) => void;
  const dialled = new Promise<Transport>((resolve) => (connected = resolve));
  const one = toDuplex(await accepted, { readableBytes: 500 });
  const other = toDuplex(await dialled, { readableBytes: 3_000 });
  const echoed = one.readable.pipeTo(one.writable);
  const sent = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 7) ^ (i >> 8));
  const writing = (async () => {
    const writer = other.writable.getWriter();
    for (let at = 0, size = 1; at < sent.length; at += size, size = (size * 3) % 4_099) {
      await writer.write(sent.slice(at, at + size));
    }
    await writer.close();
  })();
  const got = new Uint8Array(sent.length);
  let length = 0;
  const reader = other.readable.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    got.set(read.value, length);
    length += read.value.length;
  }
  await Promise.all([writing, echoed, one.closed, other.closed]);
  equal(length, sent.length);
  ok(got.every((byte, i) => byte === sent[i]));
});
