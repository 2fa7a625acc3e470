/**
 * How the system schedules a process: its priority, and the processors that it runs on.
 *
 * Used by the gateway's `--processes`. Processors are set by taskset(1) of util-linux, which no runtime has a call for.
 */
import { execFile } from "node:child_process";
import { availableParallelism, getPriority, setPriority } from "node:os";
import process from "node:process";
import { cpuList } from "../core/text/cpu_list.ts";

/** How many processes can run at a time. */
export function processors(): number {
  return availableParallelism();
}

/** Sets the priority of a process; throws where this user may not. */
export function prioritize(pid: number, priority: number): void {
  try {
    setPriority(pid, priority);
  } catch (cause) {
    throw new Error(
      `priority ${priority} is not permitted: a higher one than that of this process (${getPriority()}) needs root or ` +
        "CAP_SYS_NICE",
      { cause },
    );
  }
}

/** The processors that this process may run on; rejects where that cannot be known or chosen. */
export async function allowedCpus(): Promise<readonly number[]> {
  if (process.platform !== "linux") {
    throw new Error(`processors can be chosen on Linux only, not on ${process.platform}`);
  }
  const told = await taskset(["-c", "-p", `${process.pid}`]);
  const found = cpuList(/:\s*([\d,-]+)\s*$/.exec(told)?.[1] ?? "");
  if (found === undefined) throw new Error(`taskset: ${told.trim()}`);
  return found;
}

/** Has a process run on these, with all its threads. */
export async function setCpus(pid: number, list: string): Promise<void> {
  await taskset(["-a", "-c", "-p", list, `${pid}`]);
}

function taskset(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("taskset", args, { timeout: 10_000 }, (error, stdout, stderr) => {
      if (error === null) return resolve(`${stdout}`);
      const missing = (error as { code?: unknown }).code === "ENOENT";
      const why = missing ? "the program is not installed: it comes with util-linux" : `${stderr}`.trim();
      reject(new Error(`taskset: ${why || error.message}`, { cause: error }));
    });
  });
}
