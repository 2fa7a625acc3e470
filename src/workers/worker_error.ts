/** The error of a pool of workers. */
import { MillraceError } from "../core/errors.ts";

/** A worker could not be started, or is not there. */
export class WorkerError extends MillraceError {
  /** Discriminant, for `switch` and for `catchTag` of Effect. */
  readonly _tag = "WorkerError";
  /**
   * `start`: its module could not be loaded, ended, or did not call `serveInWorker` within `startTimeout`; `outside`:
   * `serveInWorker` was called where `workers()` has started no worker.
   */
  readonly reason: "start" | "outside";
  /** With the error of the worker as `cause`. */
  constructor(reason: "start" | "outside", message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
