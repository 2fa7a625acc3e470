// Listens on a Unix socket until it is killed, or says why it cannot.
import process from "node:process";
import { detectAdapter } from "../../../src/adapters/detect.ts";
import type { SocketError } from "../../../src/core/errors.ts";

const adapter = await detectAdapter();
try {
  await adapter.listen({
    address: { transport: "unix", path: process.argv[2]! },
    noDelay: true,
    keepAlive: "system",
    backlog: undefined,
    reusePort: false,
    ipv6Only: false,
    tls: undefined,
    failed: (error) => console.error(error.message),
  }, (transport) => transport.abort());
  console.log("listening");
} catch (error) {
  console.log((error as SocketError).reason);
}
