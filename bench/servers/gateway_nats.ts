/** A gateway on NATS or JetStream (`TYPE URL`), with one endpoint for lines. Says how much is stored when it is asked. */
import process from "node:process";
import { checkConfig, ConfigError, startGateway } from "../../src/gateway/mod.ts";
import { portOf } from "./ready.ts";

const [type, servers] = process.argv.slice(2);
const check = checkConfig({
  bus: { type, servers, reconnectWait: 100 },
  endpoints: [{ name: "bench", listen: "127.0.0.1:0", framing: "lines", replyWait: 0 }],
});
if (!check.ok) throw new ConfigError(check.faults);
const gateway = await startGateway(check.config, { logger: () => {} });
console.log(JSON.stringify({ port: portOf(gateway.endpoints.get("bench")!.address) }));
process.stdin.on("data", () => console.log(JSON.stringify({ stored: gateway.bus.stats().stored ?? 0 })));
process.stdin.on("end", () => process.exit(0));
