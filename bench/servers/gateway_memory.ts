/** A gateway on the bus in memory, with one endpoint for lines and a spool or none (`spool` or `none`). Says how many frames it has. */
import { mkdtempSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { checkConfig, ConfigError, startGateway } from "../../src/gateway/mod.ts";
import { portOf } from "./ready.ts";

// Beside the program and not in a file system in memory; both are removed together.
const directory = mkdtempSync(join(dirname(fileURLToPath(import.meta.url)), "spool-"));
const endpoint = { name: "bench", listen: "127.0.0.1:0", framing: "lines" };
const spooled = process.argv[2] === "spool";
const check = checkConfig({ endpoints: [spooled ? { ...endpoint, spool: { directory } } : endpoint] });
if (!check.ok) throw new ConfigError(check.faults);
const gateway = await startGateway(check.config, { logger: () => {} });
const bench = gateway.endpoints.get("bench")!;
console.log(JSON.stringify({ port: portOf(bench.address) }));
process.stdin.on("data", () => {
  const { framesPublished: stored } = bench.traffic();
  console.log(JSON.stringify({ stored }));
});
process.stdin.on("end", () => process.exit(0));
