// A server with a framing of one's own: messages between STX (0x02) and ETX (0x03), answered in capitals.
import process from "node:process";
import { onSignals, serve } from "../mod.ts";
import { stxEtx } from "./stx_etx.ts";

const server = await serve({
  port: Number(process.argv[2] ?? 3037),
  framing: stxEtx,
  onFrame: (frame, connection) => connection.send(frame.toUpperCase()),
});
console.log("stx-etx:", server.address);

onSignals(server);
await server.finished;
