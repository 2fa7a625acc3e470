/**
 * Threads of this process that run a module of the user's: how they are started, spoken with, and seen to end.
 *
 * `node:worker_threads` on all runtimes. On Bun and Deno such a thread is a Web Worker, whose own events do not tell on Deno
 * that it has ended.
 */
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

/** What a thread tells. None of it may throw. */
interface ThreadEvents {
  message(message: unknown): void;
  /** It has ended; `error` is what it threw, if that is why. Called once. */
  ended(code: number, error: unknown): void;
}

/** A thread as the one that has started it sees it. */
export interface Thread {
  /** Throws what cannot be cloned. */
  post(message: unknown, transfer: ArrayBuffer[]): void;
  /** Ends it at once; `ended` follows. */
  terminate(): void;
}

/** Starts a thread that is given a copy of `data`. `heapMiB` bounds its heap, where `canLimitHeap`. */
export function startThread(
  url: URL,
  { name, data, heapMiB }: {
    readonly name: string;
    readonly data: unknown;
    readonly heapMiB: number | undefined;
  },
  events: ThreadEvents,
): Thread {
  const limits = heapMiB === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapMiB } };
  const worker = new Worker(url, { name, workerData: data, ...limits });
  let error: unknown;
  let over = false;
  const ended = (code: number): void => {
    if (over) return;
    over = true;
    events.ended(code, error);
  };
  worker.on("message", events.message);
  worker.on("messageerror", (cause) => {
    error ??= cause;
    void worker.terminate();
  });
  // What is thrown is told first, and the end follows.
  worker.on("error", (cause) => error ??= cause);
  worker.on("exit", ended);
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    terminate: () => void worker.terminate(),
  };
}

/** Whether the heap of a thread can be bounded, so that one that exceeds it ends alone. */
export function canLimitHeap(): boolean {
  return process.versions.bun === undefined && process.versions.deno === undefined;
}

/** How many threads this machine runs at once. */
export function parallelism(): number {
  return availableParallelism();
}

/** The way from a thread to the one that has started it. */
export interface ParentThread {
  /** What this thread was given. */
  readonly data: unknown;
  post(message: unknown, transfer: ArrayBuffer[]): void;
  /** Hears what comes, until the thread ends. */
  listen(listener: (message: unknown) => void): void;
}

/** The thread that has started this one; undefined in the main thread. */
export function parentThread(): ParentThread | undefined {
  const port = parentPort;
  if (isMainThread || port === null) return undefined;
  return {
    data: workerData,
    post: (message, transfer) => port.postMessage(message, transfer),
    listen: (listener) => void port.on("message", listener),
  };
}
