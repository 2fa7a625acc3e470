/** Millrace echo of 64 KiB frames over TLS, behind a four-byte length, with `onFrame`. */
import { lengthField } from "../../src/core/framing/length_field.ts";
import { serve } from "../../src/server/serve.ts";
import { readPair } from "./pair.ts";
import { portOf, ready } from "./ready.ts";

const server = await serve({
  port: 0,
  tls: readPair(),
  framing: lengthField({ lengthBytes: 4 }),
  onFrame: (frame, connection) => connection.send(frame),
});
ready(portOf(server.address));
