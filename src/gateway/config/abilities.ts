/**
 * What a checked configuration asks of a runtime's sockets that they cannot do.
 *
 * Called by `millrace check` and before a gateway starts: the server's own check, without opening a socket.
 */
import { OptionsError } from "../../core/errors.ts";
import type { Adapter } from "../../core/transport.ts";
import { resolveServer } from "../../server/settings.ts";
import { serveOptions } from "../server_endpoint.ts";
import type { GatewayConfig } from "./config.ts";
import { type ConfigFault, FaultList } from "./fault.ts";

/** Names that the options have and the configuration has not. */
const renamed: Readonly<Record<string, string>> = { port: "listen", host: "listen", path: "listen" };

/** The faults, none when these sockets can do it all. */
export function abilityFaults(config: GatewayConfig, adapter: Adapter): readonly ConfigFault[] {
  const list = new FaultList();
  config.endpoints.forEach((endpoint, index) => {
    if (endpoint.mode === "client") return;
    try {
      resolveServer(serveOptions(endpoint, () => Promise.resolve()), adapter);
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error;
      for (const issue of error.issues) {
        const [key = "", ...rest] = issue.path.split(".");
        list.add(["endpoints", index, renamed[key] ?? key, ...rest], issue.found, issue.expected);
      }
    }
  });
  return list.faults;
}
