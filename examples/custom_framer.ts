// An echo server with its own framing, from varint.ts.
import process from "node:process";
import { onSignals, serve } from "millrace";
import { varint } from "./varint.ts";

const server = await serve({
  port: Number(process.argv[2] ?? 3037),
  framing: varint,
  onFrame: (frame, connection) => connection.send(frame),
});
console.log("varint:", server.address);

onSignals(server);
await server.finished;
