/** Raw echo on Deno's own sockets: one 64 KiB buffer and one loop a connection. */
import { ready } from "./ready.ts";

interface DenoConn {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  setNoDelay(): void;
  close(): void;
}
declare const Deno: {
  listen(options: { hostname: string; port: number }): AsyncIterable<DenoConn> & { addr: { port: number } };
};

async function echo(connection: DenoConn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    connection.setNoDelay();
    for (let count; (count = await connection.read(buffer)) !== null;) {
      for (let at = 0; at < count;) at += await connection.write(buffer.subarray(at, count));
    }
  } catch {
    // The load generator resets its connections when it is done.
  } finally {
    connection.close();
  }
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
ready(listener.addr.port);
for await (const connection of listener) void echo(connection);
