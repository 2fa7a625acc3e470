/**
 * What only the machine can tell of a checked configuration: what this runtime's sockets cannot do, and what is in
 * the files that it names.
 *
 * Called by `millrace check` and before a gateway starts: the own check of servers and clients, without opening a socket.
 */
import { type Clock, systemClock } from "../../core/time/clock.ts";
import { resolveConnect } from "../../client/connect_settings.ts";
import { OptionsError } from "../../core/errors.ts";
import type { Adapter } from "../../core/transport.ts";
import { resolveServer } from "../../server/settings.ts";
import { connectOptions } from "../client_endpoint.ts";
import { serveOptions } from "../server_endpoint.ts";
import { checkSocketTls, serverTlsOptions } from "../tls_options.ts";
import type { GatewayConfig } from "./config.ts";
import type { EndpointConfig } from "./endpoint_config.ts";
import { type ConfigFault, FaultList, type Locate } from "./fault.ts";
import { checkCodec } from "./codec.ts";
import { checkTlsFiles } from "./tls_files.ts";

/** Names that stand in the table of `listen`. */
const ofFile: readonly string[] = ["mode", "owner"];

/** The faults, none when these sockets can do it all and the files are in order. `locate` finds lines. */
export async function abilityFaults(
  config: GatewayConfig,
  adapter: Adapter,
  { locate, clock = systemClock }: {
    readonly locate?: Locate | undefined;
    readonly clock?: Clock | undefined;
  } = {},
): Promise<readonly ConfigFault[]> {
  const list = new FaultList(locate);
  for (const [index, endpoint] of config.endpoints.entries()) {
    await checkTlsFiles(list, ["endpoints", index], endpoint, clock.wallTime());
    if (endpoint.codec !== undefined) await checkCodec(list, ["endpoints", index, "codec"], endpoint.codec);
    checkSockets(list, index, endpoint, adapter);
  }
  return list.faults;
}

/** What these sockets cannot do. */
function checkSockets(list: FaultList, index: number, endpoint: EndpointConfig, adapter: Adapter): void {
  try {
    if (endpoint.mode === "server") {
      const { tls } = endpoint;
      const options = serveOptions(endpoint, () => Promise.resolve());
      resolveServer({ ...options, tls: tls && serverTlsOptions(tls) }, adapter);
    } else {
      resolveConnect(connectOptions(endpoint), adapter);
      if (endpoint.tls !== undefined) checkSocketTls(endpoint.tls, endpoint.address, adapter);
    }
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    for (const issue of error.issues) {
      const keys = issue.path.split(/[.[\]]+/).filter((key) => key !== "")
        .map((key) => /^\d+$/.test(key) ? Number(key) : key);
      const key = String(keys[0]);
      const where = endpoint.mode === "server" ? "listen" : "connect";
      const path = key === "address" || key === "fd" ? [where] : ofFile.includes(key) ? [where, key] : keys;
      list.add(["endpoints", index, ...path], issue.found, issue.expected);
    }
  }
}
