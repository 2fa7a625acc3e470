/** Echo of lines by hand on Deno's own sockets: a buffer to read into and one to answer from for each connection. */
import { answerLength, answerLines, type HandState } from "./hand_lines.ts";
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
  let out = new Uint8Array(64 * 1024);
  const state: HandState = { held: undefined };
  try {
    connection.setNoDelay();
    for (let count; (count = await connection.read(buffer)) !== null;) {
      const bytes = buffer.subarray(0, count);
      const most = answerLength(state, bytes);
      if (most > out.length) out = new Uint8Array(most);
      const length = answerLines(state, bytes, out);
      for (let at = 0; at < length;) at += await connection.write(out.subarray(at, length));
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
