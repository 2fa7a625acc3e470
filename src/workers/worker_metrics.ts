/** What a pool counts, as Prometheus scrapes it. */
import { exposition, type MetricSample } from "../core/text/exposition.ts";
import { checkLabels } from "../server/prometheus.ts";
import type { WorkersInspection } from "./workers_inspection.ts";

type Worker = WorkersInspection["workers"][number];
type Row<Of> = readonly [name: string, type: MetricSample["type"], help: string, value: (of: Of) => number];

const workerRows: readonly Row<Worker>[] = [
  ["worker_up", "gauge", "1 while the worker runs, else 0.", ({ state }) => state === "running" ? 1 : 0],
  ["worker_connections_active", "gauge", "Connections of the worker.", (worker) => worker.connections],
  [
    "worker_connections_total",
    "counter",
    "Connections that the worker was given.",
    (worker) => worker.connectionsTotal,
  ],
  [
    "worker_queued_bytes",
    "gauge",
    "Bytes on their way to the worker, and from it to slow peers.",
    (worker) => worker.queuedBytes,
  ],
  [
    "worker_held_bytes",
    "gauge",
    "Bytes held by the connections in the worker.",
    (worker) => worker.heldBytes,
  ],
  ["worker_restarts_total", "counter", "Times that a lost worker was replaced.", (worker) => worker.restarts],
  [
    "worker_frames_received_total",
    "counter",
    "Frames that the worker has cut.",
    (worker) => worker.framesReceived,
  ],
  [
    "worker_frames_sent_total",
    "counter",
    "Frames of the worker that were handed to the kernel.",
    (worker) => worker.framesSent,
  ],
  [
    "worker_frames_dropped_total",
    "counter",
    "Frames of the worker that an egress policy dropped.",
    (worker) => worker.framesDropped,
  ],
  [
    "worker_frame_errors_total",
    "counter",
    "Frames of the worker that were malformed, truncated or over the limit.",
    (worker) => worker.frameErrors,
  ],
  [
    "worker_handler_errors_total",
    "counter",
    "Handlers of the worker that threw or rejected.",
    (worker) => worker.handlerErrors,
  ],
];

const poolRows: readonly Row<WorkersInspection>[] = [
  [
    "workers_connections_waiting",
    "gauge",
    "Connections that wait because no worker runs.",
    (pool) => pool.waiting,
  ],
  [
    "workers_connections_rejected_total",
    "counter",
    "Connections that ended because no worker ran in time.",
    (pool) => pool.rejected,
  ],
];

/** The text. Throws `OptionsError` for labels that Prometheus does not accept. */
export function workersText(pool: WorkersInspection, labels: Readonly<Record<string, string>>): string {
  checkLabels(labels, ["worker"]);
  const sample = <Of>([name, type, help, value]: Row<Of>, of: Of, own: Readonly<Record<string, string>>) => (
    { name: `millrace_${name}`, type, help, value: value(of), labels: own }
  );
  return exposition([
    ...poolRows.map((row) => sample(row, pool, labels)),
    ...pool.workers.flatMap((worker) =>
      workerRows.map((row) => sample(row, worker, { ...labels, worker: String(worker.index) }))
    ),
  ]);
}
