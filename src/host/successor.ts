/**
 * This program once more, as a child process that inherits listening sockets, and what the child knows of them.
 *
 * Used by the gateway's `--takeover`.
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { constants } from "node:os";
import { environment } from "./environment.ts";

/** The variable that tells a child its sockets. */
const variable = "MILLRACE_TAKEOVER";
const firstDescriptor = 3;

/** A running child. */
export interface Successor {
  readonly pid: number;
  /** Resolves when it says that it runs; never, if it does not. */
  readonly ready: Promise<void>;
  /** Its exit code; 128 and the number of the signal that ended it. */
  readonly ended: Promise<number>;
  signal(name: "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGKILL"): void;
}

/** Starts the program with the arguments that it was itself started with. Sockets are known to it by their names. */
export function startSuccessor(sockets: ReadonlyMap<string, number>): Successor {
  const told = [...sockets.keys()].map((name, index) => [name, firstDescriptor + index]);
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ["inherit", "inherit", "inherit", ...sockets.values(), "ipc"],
    env: { ...process.env, [variable]: JSON.stringify(told) },
  });
  const ready = new Promise<void>((resolve) => child.once("message", () => resolve()));
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once(
      "exit",
      (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
  const signal: Successor["signal"] = (name) => {
    try {
      process.kill(child.pid!, name);
    } catch {
      // It has just ended.
    }
  };
  return { pid: child.pid ?? -1, ready, ended, signal };
}

/** The sockets that this process has inherited from the one that started it so, by name; undefined for any other. */
export function inheritedSockets(): ReadonlyMap<string, number> | undefined {
  const text = environment()[variable];
  if (text === undefined || process.send === undefined) return undefined;
  delete process.env[variable];
  return new Map(JSON.parse(text) as [string, number][]);
}

/**
 * Tells the process that started this one that it serves. When that one is gone, this one is sent SIGTERM. Returns what to
 * call at the end: until then the process does not end by itself.
 */
export function tellReady(): () => void {
  const lost = (): void => void process.kill(process.pid, "SIGTERM");
  process.once("disconnect", lost);
  process.send?.("ready");
  return () => {
    process.off("disconnect", lost);
    if (process.connected) process.disconnect();
  };
}
