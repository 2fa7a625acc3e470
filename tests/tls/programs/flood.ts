// Begins many TLS handshakes at once, and prints how many were let through once all are over.
import process from "node:process";
import { detectAdapter } from "../../../src/adapters/detect.ts";
import { clientTls } from "../../support/tls.ts";

const [port, count] = process.argv.slice(2).map(Number);
const adapter = await detectAdapter();
const tls = clientTls({ insecureSkipVerify: true });
const attempts = Array.from({ length: count! }, async () => {
  const transport = await adapter.connect({
    address: { transport: "tcp", host: "127.0.0.1", port: port! },
    noDelay: true,
    keepAlive: "system",
    signal: undefined,
    tls,
  });
  // A client may be done before the server has its last message: one that left at once would break it off.
  return transport;
});
const results = await Promise.allSettled(attempts);
console.log("secured", results.filter(({ status }) => status === "fulfilled").length);
process.exit(0);
