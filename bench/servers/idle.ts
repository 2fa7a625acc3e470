/** Millrace as the memory row wants it: `for await`, an idle timeout, and metrics, which are always on. */
import { lines } from "../../src/core/framing/lines.ts";
import { serve } from "../../src/server/serve.ts";
import { portOf, ready } from "./ready.ts";

const server = await serve({
  port: 0,
  maxConnections: 0,
  framing: lines(),
  idleTimeout: "60 seconds",
  handler: async (connection) => {
    for await (const frame of connection) await connection.send(frame);
  },
});
// Statistics once a second are what a scraped server has.
setInterval(() => server.rates(), 1000);
ready(portOf(server.address));
