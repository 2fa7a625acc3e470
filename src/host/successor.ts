/**
 * This program once more, as a child process that has listening sockets, and what is said between the two.
 *
 * Used by the gateway's `--takeover` and `--processes`; `member.ts` is the child's side.
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { constants } from "node:os";
import type { Readable } from "node:stream";

/** The variable that tells a child its sockets and its number. */
export const memberVariable = "MILLRACE_TAKEOVER";
const firstDescriptor = 3;

/** What the child gets. */
interface SuccessorOptions {
  /** Descriptors by the names under which the child knows the sockets. */
  readonly sockets: ReadonlyMap<string, number>;
  /** It has them by these numbers, without their being passed. */
  readonly byNumber: boolean;
  /** It is one of several, and its output comes here. */
  readonly number?: number | undefined;
  /** Answers what it asks before it serves. */
  readonly tell?: ((what: string) => unknown) | undefined;
}

/** A running child. */
export interface Successor {
  readonly pid: number;
  /** Resolves with what it says when it serves; never, if it does not. */
  readonly ready: Promise<unknown>;
  /** Its exit code; 128 and the number of the signal that ended it. */
  readonly ended: Promise<number>;
  /** What it said at its end, if anything. */
  readonly report: unknown;
  /** Standard output and standard error of one of several. */
  readonly outputs: readonly Readable[];
  signal(name: "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGKILL"): void;
  /** Its answer; undefined where it has ended, or says nothing for this many milliseconds. */
  ask(what: string, ms: number): Promise<unknown>;
}

/** What is said between the two. */
export interface Message {
  readonly what: "ready" | "report" | "ask" | "answer";
  readonly id?: number;
  readonly value?: unknown;
}

/** Starts the program with the arguments that it was itself started with. */
export function startSuccessor({ sockets, byNumber, number, tell }: SuccessorOptions): Successor {
  const told = [...sockets].map(([name, descriptor], index) => [
    name,
    byNumber ? descriptor : firstDescriptor + index,
  ]);
  const output = number === undefined ? "inherit" : "pipe";
  const passed = byNumber ? [] : [...sockets.values()];
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: [number === undefined ? "inherit" : "ignore", output, output, ...passed, "ipc"],
    env: { ...process.env, [memberVariable]: JSON.stringify({ sockets: told, number }) },
  });
  let serves!: (value: unknown) => void;
  const ready = new Promise<unknown>((resolve) => serves = resolve);
  const asked = new Map<number, (value: unknown) => void>();
  let report: unknown;
  let count = 0;
  child.on("message", (message) => {
    const { what, id = 0, value } = message as Message;
    if (what === "ready") serves(value);
    else if (what === "ask") send({ what: "answer", id, value: tell?.(String(value)) });
    else if (what === "answer") asked.get(id)?.(value);
    else {
      report = value;
      // It waits for this, so that what it said has arrived.
      if (child.connected) child.disconnect();
    }
  });
  const send = (message: Message): void => {
    if (child.connected) child.send(message, () => {});
  };
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      for (const answer of asked.values()) answer(undefined);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
  return {
    pid: child.pid ?? -1,
    ready,
    ended,
    get report() {
      return report;
    },
    outputs: [child.stdout, child.stderr].filter((stream) => stream !== null),
    signal: (name) => {
      try {
        process.kill(child.pid!, name);
      } catch {
        // It has just ended.
      }
    },
    ask: (value, ms) =>
      new Promise((resolve) => {
        const id = count++;
        const timer = setTimeout(() => answer(undefined), ms);
        const answer = (value: unknown): void => {
          clearTimeout(timer);
          asked.delete(id);
          resolve(value);
        };
        asked.set(id, answer);
        if (child.connected) send({ what: "ask", id, value });
        else answer(undefined);
      }),
  };
}
