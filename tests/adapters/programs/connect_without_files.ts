// An echo server that connects for each of its peers until its descriptors are used up, as a proxy does. It says how
// connecting ends, how long the process is busy while peers wait, and how connecting ends once there are some again.
import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { detectAdapter } from "../../../src/adapters/detect.ts";
import type { Transport } from "../../../src/core/transport.ts";

/** Descriptors that are left for sockets. */
const left = 40;
/** How long the use of the processor is measured, in milliseconds. */
const span = 400;

const [target, upgrade] = process.argv.slice(2);
const upgradable = upgrade === "upgradable";
const adapter = await detectAdapter();
const tuning = { noDelay: true, keepAlive: "system", tls: undefined, upgradable } as const;
const echo = (transport: Transport) =>
  transport.start({
    data: (chunk) => {
      transport.write(chunk);
      return true;
    },
    drain() {},
    end: () => transport.end(),
    close() {},
  });

function dial(host: string, port = Number(target)): Promise<Transport> {
  return adapter.connect({ ...tuning, address: { transport: "tcp", host, port }, signal: undefined });
}

async function tried(host: string): Promise<string> {
  try {
    (await dial(host)).abort();
    return "connected";
  } catch (error) {
    return (error as { reason: string }).reason;
  }
}

const opened: Transport[] = [];
const listener = await adapter.listen({
  ...tuning,
  address: { transport: "tcp", host: "127.0.0.1", port: 0 },
  backlog: undefined,
  reusePort: false,
  ipv6Only: false,
  failed: (error, fatal) => console.log(`failed ${error.reason} ${fatal ? "for good" : "for now"}`),
}, (transport) => {
  dial("127.0.0.1").then((one) => {
    one.start({ data: () => true, drain() {}, end() {}, close() {} });
    opened.push(one);
    echo(transport);
  }, ({ reason }) => {
    console.log(`refused for ${reason}`);
    transport.abort();
  });
});

// Runtimes make their own descriptors for input, signals, names and timers when first asked, which must be before.
process.once("SIGTERM", () => process.exit(0));
const lineOf = () => new Promise((resolve) => process.stdin.once("data", resolve));
const asked = lineOf();
process.cpuUsage();
console.log(`first ${await tried("localhost")}`);

const files: number[] = [];
try {
  for (;;) files.push(openSync("/dev/null", "r"));
} catch {
  for (const file of files.splice(-left)) closeSync(file);
}
console.log(`port ${listener.address.transport === "tcp" && listener.address.port}`);

await asked;
const before = process.cpuUsage();
await new Promise((resolve) => setTimeout(resolve, span));
const { user, system } = process.cpuUsage(before);
console.log(`busy ${Math.round((user + system) / 10 / span)} percent`);
// Whatever is left now is not for us.
const rest: number[] = [];
try {
  for (;;) rest.push(openSync("/dev/null", "r"));
} catch {
  console.log(`then ${await tried("127.0.0.1")}, by name ${await tried("localhost")}`);
}
for (const file of [...rest, ...files]) closeSync(file);
console.log(`at last ${await tried("127.0.0.1")}`);
