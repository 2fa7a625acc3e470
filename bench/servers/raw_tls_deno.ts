/** Raw TLS echo on Deno's own sockets: one buffer of 64 KiB and one loop a connection; the first read shakes hands. */
import { readPair } from "./pair.ts";
import { ready } from "./ready.ts";

interface DenoConn {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  /** Not in every version for TLS. */
  setNoDelay?(): void;
  close(): void;
}
declare const Deno: {
  listenTls(
    options: { hostname: string; port: number; cert: string; key: string },
  ): AsyncIterable<DenoConn> & { addr: { port: number } };
};

async function echo(connection: DenoConn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    connection.setNoDelay?.();
    for (let count; (count = await connection.read(buffer)) !== null;) {
      for (let at = 0; at < count;) at += await connection.write(buffer.subarray(at, count));
    }
  } catch {
    // The load generator resets its connections when it is done.
  } finally {
    connection.close();
  }
}

const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...readPair() });
ready(listener.addr.port);
for await (const connection of listener) void echo(connection);
