/** `workers`: connections that belong to threads of this process. */
import { guarded, standardLogger } from "../host/standard_log.ts";
import { ThreadPool } from "./thread_pool.ts";
import type { WorkerPool } from "./worker_pool.ts";
import type { WorkersOptions } from "./workers_options.ts";
import { resolveWorkers } from "./workers_settings.ts";

/**
 * Starts workers, each a thread of this process that runs a module of yours, and resolves when all of them have called
 * `serveInWorker`. Sockets, TLS, limits and statistics stay with the server in the main thread; bytes go to the worker,
 * where frames are cut and your code runs, in parallel with that of other workers. A worker that is lost ends its
 * connections with reason `worker_lost` and is replaced by the schedule `restart`.
 *
 * @example A server and its workers
 * ```ts no_run
 * // server.ts
 * import { serve } from "@millrace/millrace";
 * import { workers } from "@millrace/millrace/workers";
 *
 * await using pool = await workers({ module: new URL("./worker.ts", import.meta.url), count: 4 });
 * await using server = await serve({ port: 3034, ...pool.connections });
 * await server.finished;
 *
 * // worker.ts
 * import { lines } from "@millrace/millrace";
 * import { serveInWorker } from "@millrace/millrace/workers";
 *
 * serveInWorker({ framing: lines(), onFrame: (line, connection) => connection.send(line) });
 * ```
 *
 * @throws {OptionsError} `invalid`, or `unsupported` for `heapLimit` on Bun and Deno
 * @throws {WorkerError} `start`, when a worker cannot be started
 */
export async function workers(options: WorkersOptions): Promise<WorkerPool> {
  const pool = new ThreadPool(resolveWorkers(options), guarded(options.logger ?? standardLogger));
  await pool.start();
  return pool;
}
