// Run by Deno without permissions: the gateway as a library.
import { parseConfig } from "../../../src/gateway/mod.ts";

const result = parseConfig("endpoints:\n  - name: echo\n    listen: 127.0.0.1:0\n", { format: "yaml" });
console.log(result.ok ? "one endpoint" : JSON.stringify(result.faults));
