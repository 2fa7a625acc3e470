/** A new process that shall serve: waited for, and ended where it takes too long. */
import { systemClock } from "../../core/time/clock.ts";
import type { SignalName } from "../../host/signals.ts";
import type { Successor } from "../../host/successor.ts";

/** How long a new process may take until it serves. */
const startMs = 30_000;
/** How long one that is told to stop before it has served may take, until it is killed. */
const stopMs = 5_000;

/** Rejects where the child ends or takes too long, once it has ended; `stop` tells it to. */
export async function served(child: Successor, ended: Promise<number>, stop: () => void): Promise<void> {
  const limit = new Limit(startMs);
  const ready = child.ready.then(() => "ready" as const);
  const what = await Promise.race([ready, ended, limit.over]);
  limit.clear();
  if (what === "ready") return;
  if (typeof what === "number") throw new EndedEarly(what);
  stop();
  const patience = new Limit(stopMs);
  void patience.over.then(() => child.signal("SIGKILL"));
  await ended;
  patience.clear();
  throw new Error(`the new process did not serve within ${startMs / 1000} s`);
}

/** A process has ended before it served. */
export class EndedEarly extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`the new process has ended with code ${code}`);
    this.code = code;
  }
}

/** A signal that means to drain. */
export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** What a child is sent for what this process was. */
export function stopSignal(name: string): StopSignal {
  return name === "SIGINT" || name === "SIGHUP" ? name satisfies SignalName : "SIGTERM";
}

/** A wait that can be given up. */
export class Limit {
  readonly over: Promise<void>;
  #timer: unknown;

  constructor(ms: number) {
    this.over = new Promise((resolve) => {
      if (ms !== Infinity) this.#timer = systemClock.setTimer(resolve, ms);
    });
  }

  clear(): void {
    systemClock.clearTimer(this.#timer);
  }
}
