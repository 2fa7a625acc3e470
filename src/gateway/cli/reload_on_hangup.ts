/**
 * SIGHUP of a gateway that serves by itself: its file is read again, and what is different is put in force.
 *
 * Used by `gateway_command.ts`. On a terminal SIGHUP means that the terminal is gone, and drains.
 */
import { MillraceError } from "../../core/errors.ts";
import { countFaults, formatFaults } from "../config/fault.ts";
import type { GatewayReload } from "../reload/reload_report.ts";
import type { ReloadSource } from "../reload/reloads.ts";
import { RunningGateway } from "../running_gateway.ts";
import { oneLine } from "./failure.ts";
import { say, type Shell } from "./shell.ts";

/** Listens from now on; what it returns is called once the gateway runs. Signals that come before are remembered. */
export function reloadOnHangup(
  file: string,
  read: () => Promise<ReloadSource>,
  shell: Shell,
): (gateway: RunningGateway) => void {
  if (shell.errors.isTerminal) return () => {};
  let running: RunningGateway | undefined;
  let asked = false;
  let busy = false;
  const reload = async (): Promise<void> => {
    if (running === undefined || busy) return;
    busy = true;
    // One that comes in the middle of another is carried out after it: the file may have changed in between.
    while (asked) {
      asked = false;
      try {
        say(shell, textOf(file, await RunningGateway.reload(running, read)));
      } catch (error) {
        if (!(error instanceof MillraceError)) throw error;
        say(shell, `millrace: ${oneLine(error)}\n`);
      }
    }
    busy = false;
  };
  shell.stop.onHangup = () => {
    asked = true;
    void reload();
  };
  return (gateway) => {
    running = gateway;
    void reload();
  };
}

function textOf(file: string, report: GatewayReload): string {
  const { outcome, faults, error, lost } = report;
  if (outcome === "refused") {
    const text = `millrace: ${file} has ${countFaults(faults)}: nothing was changed\n`;
    return `${formatFaults(faults, file)}\n${text}`;
  }
  if (outcome === "undone") {
    const gone = lost.length === 0 ? "" : `; could not be started again: ${lost.join(", ")}`;
    return `millrace: ${file} was not put in force: ${oneLine(error)}${gone}\n`;
  }
  const kinds = ["added", "removed", "updated", "replaced"] as const;
  const said = kinds.filter((kind) => report[kind].length > 0).map((kind) =>
    `${kind} ${report[kind].join(", ")}`
  );
  return `millrace: ${file} reloaded: ${said.length === 0 ? "no endpoint has changed" : said.join("; ")}\n`;
}
