/** What the processes of a group are to be: how many, on which sockets, and how the system schedules them. */
import { cpuList } from "../../core/text/cpu_list.ts";
import type { BackoffSchedule } from "../../core/time/backoff.ts";
import { allowedCpus, processors } from "../../host/scheduling.ts";
import { CommandFailure, exitCodes, oneLine } from "../cli/failure.ts";
import type { AdminConfig } from "../config/config.ts";
import { mostProcesses, type ProcessesConfig } from "../config/processes.ts";
import type { Places } from "./held_sockets.ts";

/** What the command line and the configuration ask for. */
interface PlanOrder {
  readonly places: Places;
  readonly processes: ProcessesConfig;
  /** How long a process may take to drain. */
  readonly deadlineMs: number;
  readonly admin?: AdminConfig | undefined;
  /** The text of the configuration, which a process started again is not to read anew. */
  readonly text?: string | undefined;
}

/** The same, resolved on this machine. */
export interface Plan extends PlanOrder {
  readonly count: number;
  /** One for each process, or fewer: then again from the first. */
  readonly priority: readonly number[];
  readonly cpus: readonly string[];
  readonly restart: BackoffSchedule;
}

/** Throws a `CommandFailure` for processors that there are none of. */
export async function planOf(order: PlanOrder): Promise<Plan> {
  const { count, priority, cpus, restart } = order.processes;
  const number = count === "auto" ? Math.min(processors(), mostProcesses) : count;
  return { ...order, count: number, priority, cpus: await chosen(cpus), restart };
}

async function chosen(cpus: ProcessesConfig["cpus"]): Promise<readonly string[]> {
  if (cpus.length === 0) return [];
  let allowed: readonly number[];
  try {
    allowed = await allowedCpus();
  } catch (error) {
    throw new CommandFailure(exitCodes.usage, `cpus: ${oneLine(error)}; leave it out`, { cause: error });
  }
  if (cpus === "auto") return allowed.map(String);
  for (const list of cpus) {
    const other = cpuList(list)!.find((number) => !allowed.includes(number));
    if (other === undefined) continue;
    throw new CommandFailure(
      exitCodes.usage,
      `cpus: processor ${other} is not among those that this process may run on: ${allowed.join(",")}`,
    );
  }
  return cpus;
}
