/** What `workers()` takes. */
import type { Logger } from "../core/logger.ts";
import type { SizeInput } from "../core/text/size.ts";
import type { Backoff } from "../core/time/backoff.ts";
import type { DurationInput } from "../core/time/duration.ts";

/** Options of `workers()`. */
export interface WorkersOptions {
  /**
   * The module that each worker runs, which calls `serveInWorker`: `new URL("./worker.ts", import.meta.url)`. On Node a
   * TypeScript file needs what the main thread needs for one: a version that strips types, or a loader such as tsx.
   */
  readonly module: URL;
  /** How many workers. @default one for each core that the process may use */
  readonly count?: number | undefined;
  /**
   * Which worker a new connection belongs to, for its whole life: the one with the fewest connections, each in turn, or one
   * by the address of the peer, so that connections of one address share a worker. When a worker is lost, only
   * its own addresses go to others (rendezvous hashing). Peers of a Unix socket have no address, and take turns. @default
   * "least-connections"
   */
  readonly balance?: "least-connections" | "round-robin" | "peer-hash" | undefined;
  /** Given to each worker when it starts, as structured cloning copies it. @default undefined */
  readonly data?: unknown;
  /**
   * The waits before a worker that was lost is replaced. A worker that ran for `max` begins the series anew; when the
   * attempts are over, its place stays empty. Parts that are left out: `initial` "100 ms", `factor` 2, `max` "10 seconds",
   * `jitter` 0.2, `attempts` and `for` `Infinity`.
   */
  readonly restart?: Backoff | undefined;
  /** How long a worker may take until it has called `serveInWorker`. `Infinity` for no limit. @default "10 seconds" */
  readonly startTimeout?: DurationInput | undefined;
  /**
   * How long a worker may not answer, because its code does not return, before it is ended and replaced. `Infinity` for no
   * limit. @default "1 minute"
   */
  readonly responseTimeout?: DurationInput | undefined;
  /**
   * How long a connection waits for a worker while none runs; nothing is read from it beyond `ingressLimit`. Then it ends with
   * reason `worker_lost`. @default "5 seconds"
   */
  readonly waitTimeout?: DurationInput | undefined;
  /** How long `close` waits for connections, unless it is given a deadline. @default "30 seconds" */
  readonly shutdownDeadline?: DurationInput | undefined;
  /**
   * Maximum number of bytes of one connection that its worker was sent and has not taken; then the socket is not read. At
   * most 512 MiB. @default 262_144
   */
  readonly window?: SizeInput | undefined;
  /**
   * Maximum size of a worker's heap, on Node only: a worker that exceeds it ends, and not the process. On Bun and Deno,
   * `OptionsError`. @default Node's own for a worker
   */
  readonly heapLimit?: SizeInput | undefined;
  /** Receives log records of the pool and of its workers. @default as that of `serve` */
  readonly logger?: Logger | undefined;
}
