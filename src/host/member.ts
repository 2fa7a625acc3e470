/**
 * A process that another one has started to serve on its sockets: what it has inherited, and what it says.
 *
 * Used by the gateway's `--takeover` and `--processes`; `successor.ts` is the side of the one that holds the sockets.
 */
import process from "node:process";
import { environment } from "./environment.ts";
import { memberVariable, type Message } from "./successor.ts";

/** What this process has from the one that started it. */
interface Membership {
  /** Descriptors by name. */
  readonly sockets: ReadonlyMap<string, number>;
  /** Which of several it is; undefined for the only one. */
  readonly number: number | undefined;
}

let found: Membership | undefined;

/** Undefined for a process that nobody holds sockets for. */
export function membership(): Membership | undefined {
  const text = toldByEnvironment();
  if (found !== undefined || text === undefined || process.send === undefined) return found;
  delete process.env[memberVariable];
  const { sockets, number } = JSON.parse(text) as { sockets: [string, number][]; number?: number };
  return found = { sockets: new Map(sockets), number };
}

/** Nothing where it may not be read: who starts others on Deno permits it. */
function toldByEnvironment(): string | undefined {
  try {
    return environment()[memberVariable];
  } catch {
    return undefined;
  }
}

/** Asks the one that started this process; before it serves. */
export function askHolder(value: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const lost = (): void => reject(new Error("the process that holds the sockets has ended"));
    const heard = (message: unknown): void => {
      if ((message as Message).what !== "answer") return;
      process.off("message", heard);
      process.off("disconnect", lost);
      resolve((message as Message).value);
    };
    process.on("message", heard);
    process.on("disconnect", lost);
    send({ what: "ask", id: 0, value });
  });
}

/**
 * Tells the process that started this one that it serves, and answers what that asks. When that one is gone, this one is
 * sent SIGTERM. Returns what to call at the end: until then the process does not end by itself.
 */
export function tellReady(value?: unknown, answer?: (what: string) => unknown): (report?: unknown) => void {
  const lost = (): void => void process.kill(process.pid, "SIGTERM");
  process.once("disconnect", lost);
  process.on("message", (message) => {
    const { what, id = 0, value } = message as Message;
    if (what === "ask") send({ what: "answer", id, value: answer?.(String(value)) });
  });
  if (process.connected) send({ what: "ready", value });
  else lost();
  return (report) => {
    process.off("disconnect", lost);
    send({ what: "report", value: report });
  };
}

function send(message: Message): void {
  if (process.connected) process.send!(message, () => {});
}
