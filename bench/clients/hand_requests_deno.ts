/** Requests by hand on Deno's own sockets: a buffer to read into, of which each chunk is copied. */
import { order, runCallers } from "./callers.ts";
import { HandRequests } from "./hand_requests.ts";

interface DenoConn {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  setNoDelay(): void;
}
declare const Deno: { connect(options: { hostname: string; port: number }): Promise<DenoConn> };

const connection = await Deno.connect({ hostname: "127.0.0.1", port: order.port });
connection.setNoDelay();
let writing: Promise<void> | undefined;
const next: Uint8Array[] = [];
async function drain(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  writing = undefined;
  const waiting = next.shift();
  if (waiting !== undefined) writing = drain(waiting);
}
const requests = new HandRequests((bytes) => {
  const own = new Uint8Array(bytes);
  if (writing === undefined) writing = drain(own);
  else next.push(own);
});
async function read(): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let count; (count = await connection.read(buffer)) !== null;) {
    requests.received(buffer.subarray(0, count), false);
  }
}
void read();
await runCallers((line) => requests.ask(line));
