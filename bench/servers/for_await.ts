/** Millrace echo of lines with `for await`, defaults otherwise. */
import { lines } from "../../src/core/framing/lines.ts";
import { serve } from "../../src/server/serve.ts";
import { portOf, ready } from "./ready.ts";

const server = await serve({
  port: 0,
  framing: lines(),
  handler: async (connection) => {
    for await (const frame of connection) await connection.send(frame);
  },
});
ready(portOf(server.address));
