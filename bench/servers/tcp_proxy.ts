/** The proxy of the examples as it is; ends with the run, as every program of this folder. */
import process from "node:process";

process.stdin.on("end", () => process.exit(0)).resume();
// A bundler leaves out what is imported for its effects alone, since the package says that its files have none.
await import("../../examples/tcp_proxy.ts");
