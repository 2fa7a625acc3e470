// An echo server that uses up its descriptors, says what happens, and on the first line of input gives them back.
import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { detectAdapter } from "../../../src/adapters/detect.ts";

/** Descriptors left for connections. */
const left = 24;
/** How long the use of the processor is measured, in milliseconds. */
const span = 400;

const adapter = await detectAdapter();
let accepted = 0;
const listener = await adapter.listen({
  address: { transport: "tcp", host: "127.0.0.1", port: 0 },
  noDelay: true,
  keepAlive: "system",
  backlog: undefined,
  reusePort: false,
  ipv6Only: false,
  tls: undefined,
  // Those may be other sockets, as they are under TLS.
  upgradable: process.argv[2] === "upgradable",
  failed: (error, fatal) => console.log(`failed ${error.reason} ${fatal ? "for good" : "for now"}`),
}, (transport) => {
  console.log(`accepted ${++accepted}`);
  transport.start({
    data: (chunk) => {
      transport.write(chunk);
      return true;
    },
    drain() {},
    end: () => transport.end(),
    close() {},
  });
});

// Runtimes make their own descriptors for input, signals and timers when first asked, which must be before.
process.once("SIGTERM", () => process.exit(0));
const asked = new Promise((resolve) => process.stdin.once("data", resolve));
setTimeout(() => {}, 1);
process.cpuUsage();

const files: number[] = [];
try {
  for (;;) files.push(openSync("/dev/null", "r"));
} catch (error) {
  for (const file of files.splice(-left)) closeSync(file);
  console.log(`used up ${(error as { code?: string }).code}`);
}
if (listener.address.transport === "tcp") console.log(`port ${listener.address.port}`);

await asked;
const before = process.cpuUsage();
setTimeout(() => {
  const { user, system } = process.cpuUsage(before);
  for (const file of files) closeSync(file);
  console.log(`busy ${Math.round((user + system) / 10 / span)} percent`);
}, span);
