/**
 * Connections that belong to threads of this process: a server accepts them, and workers cut their frames and run the code.
 *
 * @module
 */
export { workers } from "./src/workers/workers.ts";
export type { WorkerPool } from "./src/workers/worker_pool.ts";
export type { WorkersOptions } from "./src/workers/workers_options.ts";
export type { WorkerTotals } from "./src/workers/worker_totals.ts";
export type { WorkersInspection, WorkerState } from "./src/workers/workers_inspection.ts";
export { serveInWorker } from "./src/workers/serve_in_worker.ts";
export type { ServeInWorkerOptions } from "./src/workers/serve_in_worker_options.ts";
export { type WorkerInfo, workerInfo } from "./src/workers/worker_info.ts";
export { WorkerError } from "./src/workers/worker_error.ts";
