/** Millrace echo of lines with `onFrame`, defaults otherwise. */
import { lines } from "../../src/core/framing/lines.ts";
import { serve } from "../../src/server/serve.ts";
import { portOf, ready } from "./ready.ts";

const server = await serve({
  port: 0,
  framing: lines(),
  onFrame: (frame, connection) => connection.send(frame),
});
ready(portOf(server.address));
