/**
 * Echo of lines through four chained TransformStreams on the runtime's adapter, one frame a chunk: the way in
 * which Web Streams are usually put together. The four do what the session does by default.
 */
import { detectAdapter } from "../../src/adapters/detect.ts";
import type { Transport } from "../../src/core/transport.ts";
import { portOf, ready } from "./ready.ts";

/** What the first two note of a connection. */
interface Notes {
  bytes: number;
  lastRead: number;
}

/** Counts bytes, as the metrics do. */
function counter(notes: Notes): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      notes.bytes += chunk.length;
      controller.enqueue(chunk);
    },
  });
}

/** Notes when something was read, as an idle watchdog does. */
function watchdog(notes: Notes): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      notes.lastRead = performance.now();
      controller.enqueue(chunk);
    },
  });
}

/** Cuts lines. */
function framer(): TransformStream<Uint8Array, Uint8Array> {
  let held = new Uint8Array(0);
  return new TransformStream({
    transform(chunk, controller) {
      let bytes = chunk;
      if (held.length > 0) {
        bytes = new Uint8Array(held.length + chunk.length);
        bytes.set(held);
        bytes.set(chunk, held.length);
      }
      let from = 0;
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
        controller.enqueue(bytes.subarray(from, at));
        from = at + 1;
      }
      held = bytes.slice(from);
    },
  });
}

/** Puts the line end back. */
function encoder(): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(line, controller) {
      const bytes = new Uint8Array(line.length + 1);
      bytes.set(line);
      bytes[line.length] = 10;
      controller.enqueue(bytes);
    },
  });
}

async function echo(transport: Transport): Promise<void> {
  let wake = (): void => {};
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      transport.start({
        data(chunk) {
          controller.enqueue(chunk);
          return (controller.desiredSize ?? 0) > 0;
        },
        drain: () => wake(),
        end: () => controller.close(),
        close(error) {
          wake();
          if (error !== undefined) controller.error(error);
        },
      });
    },
    pull: () => transport.resume(),
  }, { highWaterMark: 16 });
  const writable = new WritableStream<Uint8Array>({
    write(chunk) {
      if (transport.write(chunk)) return;
      return new Promise((resolve) => wake = resolve);
    },
    close: () => transport.end(),
  });
  const notes: Notes = { bytes: 0, lastRead: 0 };
  try {
    await readable.pipeThrough(counter(notes)).pipeThrough(watchdog(notes)).pipeThrough(framer())
      .pipeThrough(encoder()).pipeTo(writable);
  } catch {
    // The load generator resets its connections when it is done.
    transport.abort();
  }
}

const adapter = await detectAdapter();
const listener = await adapter.listen({
  address: { transport: "tcp", host: "127.0.0.1", port: 0 },
  backlog: undefined,
  reusePort: false,
  ipv6Only: false,
  tls: undefined,
  noDelay: true,
  keepAlive: "system",
  failed(error) {
    throw error;
  },
}, (transport) => void echo(transport));
ready(portOf(listener.address));
