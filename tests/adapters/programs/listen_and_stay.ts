// Listens on a Unix socket until it is killed.
import process from "node:process";
import { detectAdapter } from "../../../src/adapters/detect.ts";

const adapter = await detectAdapter();
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
