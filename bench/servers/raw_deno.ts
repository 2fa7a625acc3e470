/**
 * Raw echo on Deno's own sockets: one buffer and one loop a connection. The buffer has 64 KiB, which is fastest,
 * unless an argument asks for another size: for the memory of idle connections the smallest is best.
 */
import process from "node:process";
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

const bufferBytes = Number(process.argv[2] ?? 64 * 1024);

async function echo(connection: DenoConn): Promise<void> {
  const buffer = new Uint8Array(bufferBytes);
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
