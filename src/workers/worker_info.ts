/** What a worker knows of itself. */
import { type ParentThread, parentThread } from "../host/worker_thread.ts";
import { WorkerError } from "./worker_error.ts";

/** A worker of a pool, as it sees itself. */
export interface WorkerInfo {
  /** Its number, from 0; one that takes the place of another has the same. */
  readonly index: number;
  /** How many workers the pool has. */
  readonly count: number;
  /** The option `data` of `workers()`, as structured cloning has copied it. */
  readonly data: unknown;
}

/** The name under which a thread is told: threads of others have data of their own. */
const key = "millrace worker";

/** What a thread is started with. */
export function inWorkerData(info: WorkerInfo): unknown {
  return { [key]: info };
}

/** The worker of this thread, and the way to its pool; `what` is attempted. */
export function thisWorker(what: string): { readonly parent: ParentThread; readonly info: WorkerInfo } {
  const parent = parentThread();
  const info = (parent?.data as { readonly [key]?: WorkerInfo } | undefined | null)?.[key];
  if (parent !== undefined && info !== undefined) return { parent, info };
  const why = "this thread was not started by workers(), which takes such a module as its option module";
  throw new WorkerError("outside", `${what}: ${why}`);
}

/**
 * In a worker: its number, how many there are, and the option `data` of `workers()`.
 *
 * @example In a worker's module
 * ```ts no_run
 * import { workerInfo } from "@millrace/millrace/workers";
 *
 * const { index, data } = workerInfo();
 * console.log(index, data);
 * ```
 *
 * @throws {WorkerError} `outside`, where `workers()` has not started this thread
 */
export function workerInfo(): WorkerInfo {
  return thisWorker("tell of a worker").info;
}
