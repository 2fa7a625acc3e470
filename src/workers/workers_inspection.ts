/** A pool of workers as data. */
import type { WorkerTotals } from "./worker_totals.ts";

/**
 * Where a worker is in its life: `waiting` for the next one after it was lost, `failed` if none comes because the attempts of
 * `restart` are over.
 */
export type WorkerState = "starting" | "running" | "waiting" | "failed" | "stopped";

/** The pool as data, for an admin page or a log. */
export interface WorkersInspection {
  /** Connections that wait for a worker, because none runs. */
  readonly waiting: number;
  /** Connections that ended because no worker ran within `waitTimeout`, or at all. */
  readonly rejected: number;
  /** The workers, by number. Frames are as the worker said at most about a second ago. */
  readonly workers: readonly (WorkerTotals & {
    /** Its number, from 0. */
    readonly index: number;
    /** Where it is in its life. */
    readonly state: WorkerState;
    /** Its connections now. */
    readonly connections: number;
    /** The connections that it was given so far. */
    readonly connectionsTotal: number;
    /** Bytes in the main thread on their way to it and not taken, and from it to slow peers. */
    readonly queuedBytes: number;
    /** How often it was replaced after it was lost. */
    readonly restarts: number;
    /** Why it was lost last; undefined if it never was. */
    readonly lastLoss: string | undefined;
  })[];
  /** The connections that belong to a worker. */
  readonly connections: readonly {
    /** Id of the connection, as in logs and in the server's own inspection. */
    readonly id: string;
    /** The number of its worker. */
    readonly worker: number;
    /** Bytes that its worker was sent and has not taken. */
    readonly unreadBytes: number;
    /** Bytes of its worker that wait to be sent to the peer. */
    readonly unsentBytes: number;
  }[];
}
