/** `millrace check`: reads a config file and tells every fault. */
import { formatFaults } from "../config/fault.ts";
import { loadConfig } from "../config/config.ts";
import { exitCodes } from "./failure.ts";
import type { Shell } from "./shell.ts";

/** What the command line asked for. */
export interface CheckOrder {
  readonly config: string;
  readonly json: boolean;
}

/** Prints the faults, or that there are none; gives the exit code. */
export async function runCheck({ config, json }: CheckOrder, shell: Shell): Promise<number> {
  const result = await loadConfig(config);
  const faults = result.ok ? [] : result.faults;
  await shell.output.write((json ? JSON.stringify({ config, faults }) : describe()) + "\n");
  return result.ok ? exitCodes.ok : exitCodes.failed;

  function describe(): string {
    if (!result.ok) {
      const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
      return `${formatFaults(faults, config)}\n${count} in ${config}`;
    }
    const { endpoints } = result.config;
    return `${config}: no faults; ${endpoints.length} ${endpoints.length === 1 ? "endpoint" : "endpoints"}`;
  }
}
