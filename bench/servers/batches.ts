/** Millrace echo of lines with `connection.batches()`, defaults otherwise. */
import { lines } from "../../src/core/framing/lines.ts";
import { serve } from "../../src/server/serve.ts";
import { portOf, ready } from "./ready.ts";

const server = await serve({
  port: 0,
  framing: lines(),
  handler: async (connection) => {
    for await (const frames of connection.batches()) {
      for (const frame of frames) {
        const slow = connection.send(frame);
        if (slow !== undefined) await slow;
      }
    }
  },
});
ready(portOf(server.address));
