// Collects the readings of examples/meter.ts, and acknowledges each by sending it back. One that comes twice counts once.
import process from "node:process";
import { onSignals, serve } from "millrace";
import { readings } from "./readings.ts";

let last = 0;
const server = await serve({
  port: Number(process.argv[2] ?? 3039),
  framing: readings,
  readIdleTimeout: "10 seconds",
  onFrame: (reading, connection) => {
    if (reading.number > last) console.log("reading", reading.number, reading.value);
    last = Math.max(last, reading.number);
    return connection.send(reading);
  },
});
console.log("collecting:", server.address);

onSignals(server);
await server.finished;
