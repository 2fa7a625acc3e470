/** A pool of workers as users see it. `thread_pool.ts` is what implements it. */
import type { Connection } from "../connection/connection.ts";
import type { Framing } from "../core/framing/framing.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { WorkersInspection } from "./workers_inspection.ts";

/** Workers that have connections; made by `workers`. */
export interface WorkerPool extends AsyncDisposable {
  /**
   * For any number of servers, and for a protocol of `firstBytes`: `serve({ port, ...pool.connections })`. A connection is
   * bound to one worker for its whole life.
   */
  readonly connections: {
    /** A frame is what was read: the worker cuts them. */
    readonly framing: Framing<Uint8Array>;
    /** Binds a connection to a worker, and is done when the handler there is. */
    readonly handler: (connection: Connection<Uint8Array, Uint8Array, unknown>) => Promise<void>;
  };
  /** The workers and their connections at this moment. */
  inspect(): WorkersInspection;
  /**
   * The metrics of the pool in the text format of Prometheus, such as `millrace_worker_connections_active`, each with its
   * worker's number as the label `worker`. `labels` are added to every sample.
   *
   * @throws {OptionsError} `invalid`, for a label that Prometheus does not accept, and for `worker`
   */
  prometheusText(labels?: Readonly<Record<string, string>>): string;
  /**
   * Ends the pool. Close its servers first; connections that are still there are drained, and destroyed at the deadline,
   * `shutdownDeadline` if none is given. Then each worker's `onClose` runs, and the workers end. Idempotent: a second call
   * gets the promise of the first.
   *
   * @throws {OptionsError} `invalid`, for an invalid deadline
   */
  close(options?: { readonly deadline?: DurationInput | undefined }): Promise<void>;
}
