/** Flags of `millrace gateway` and `serve` for several processes. */
import type { Command } from "commander";
import { cpuList } from "../../core/text/cpu_list.ts";
import { mostProcesses, type ProcessesConfig, standardProcesses } from "../config/processes.ts";
import { CommandFailure, exitCodes } from "./failure.ts";
import { option, wholeNumber } from "./option_values.ts";

/** What commander makes of them. */
export interface ProcessesFlags {
  processes?: number | "auto";
  priority?: readonly number[];
  cpus?: readonly string[] | "auto";
}

/** Declares them. */
export function addProcesses(command: Command): Command {
  return command
    .addOption(
      option(
        "--processes <number>",
        "serve with this many processes on the same sockets; auto for one each processor",
        (text) => text === "auto" ? text : wholeNumber(1, mostProcesses)(text),
      ),
    )
    .addOption(
      option(
        "--priority <numbers>",
        "of the processes: -20, first, to 19, last; one for all, or 0,5 for one each",
        (text) => text.split(",").map(priority),
      ),
    )
    .addOption(
      option(
        "--cpus <lists>",
        "processors of the processes: auto for one each, 0-3 for all, 0-1/2-3 for a list each",
        cpus,
      ),
    );
}

function priority(text: string): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
  if (value >= -20 && value <= 19) return value;
  throw new RangeError(`found ${JSON.stringify(text)}, expected a whole number, -20 to 19`);
}

function cpus(text: string): readonly string[] | "auto" {
  if (text === "auto") return text;
  const lists = text.split("/");
  if (lists.every((list) => cpuList(list) !== undefined)) return lists;
  throw new RangeError(
    `found ${
      JSON.stringify(text)
    }, expected auto, or numbers such as 0-3 or 0,2, with / between the processes`,
  );
}

/** With these in the place of what a configuration says; throws where there is nothing that they could be for. */
export function processesOf(
  flags: ProcessesFlags,
  takeover: boolean,
  configured?: ProcessesConfig,
): ProcessesConfig | undefined {
  const { processes, priority, cpus } = flags;
  if (processes === undefined && configured === undefined) {
    if (priority === undefined && cpus === undefined) return undefined;
    const flag = priority === undefined ? "--cpus" : "--priority";
    throw new CommandFailure(exitCodes.usage, `${flag} needs --processes`);
  }
  if (takeover) {
    const text = "--takeover cannot be combined with processes, which SIGUSR2 restarts anyway: leave it out";
    throw new CommandFailure(exitCodes.usage, text);
  }
  const given = configured ?? standardProcesses;
  return {
    ...given,
    count: processes ?? given.count,
    priority: priority ?? given.priority,
    cpus: cpus ?? given.cpus,
  };
}
