/** Millrace echo of lines with `onFrame`, which ends peers that hold a frame half sent. */
import { lines } from "../../src/core/framing/lines.ts";
import { serve } from "../../src/server/serve.ts";
import { portOf, ready } from "./ready.ts";

const server = await serve({
  port: 0,
  maxConnections: 0,
  framing: lines(),
  minByteRate: { bytesPerSecond: 1024, period: "2 seconds" },
  lingerTimeout: 100,
  logger: () => {},
  onFrame: (frame, connection) => connection.send(frame),
});
ready(portOf(server.address));
