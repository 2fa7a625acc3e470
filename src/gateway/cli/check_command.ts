/** `millrace check`: reads a config file and tells every fault, also what this runtime's sockets cannot do. */
import { counted } from "../../core/text/counted.ts";
import { detectAdapter } from "../../adapters/detect.ts";
import { abilityFaults } from "../config/abilities.ts";
import { type GatewayConfig, loadConfig } from "../config/config.ts";
import { countFaults, formatFaults } from "../config/fault.ts";
import { exitCodes } from "./failure.ts";
import { print, type Shell } from "./shell.ts";

/** What the command line asked for. */
interface CheckOrder {
  readonly config: string;
  readonly json: boolean;
}

/** Prints the faults, or that there are none; gives the exit code. */
export async function runCheck({ config, json }: CheckOrder, shell: Shell): Promise<number> {
  const result = await loadConfig(config);
  const faults = result.ok
    ? await abilityFaults(result.config, await detectAdapter(), { locate: result.locate })
    : result.faults;
  const warnings = result.ok ? warningsOf(result.config) : [];
  await print(shell, (json ? JSON.stringify({ config, faults, warnings }) : describe()) + "\n");
  return faults.length === 0 ? exitCodes.ok : exitCodes.failed;

  function describe(): string {
    if (!result.ok || faults.length > 0) {
      return `${formatFaults(faults, config)}\n${countFaults(faults)} in ${config}`;
    }
    const { endpoints } = result.config;
    const count = counted(endpoints.length, "endpoint");
    return [`${config}: no faults; ${count}`, ...warnings.map((text) => `warning: ${text}`)].join("\n");
  }
}

/** What is allowed and unwise. */
function warningsOf({ endpoints }: GatewayConfig): readonly string[] {
  return endpoints.flatMap(({ mode, tls }, index) =>
    mode === "client" && tls?.protocol.insecureSkipVerify === true
      ? [
        `endpoints[${index}].tls.insecureSkipVerify: anyone on the path can read and change everything; ` +
        `use ca, and serverName where the name differs`,
      ]
      : []
  );
}
