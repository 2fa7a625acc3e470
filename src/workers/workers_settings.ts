/** The options of `workers()`, checked and complete. */
import { checkInteger, OptionsCheck } from "../core/options.ts";
import { type BackoffSchedule, checkBackoff } from "../core/time/backoff.ts";
import { checkDuration } from "../core/time/duration.ts";
import { canLimitHeap, parallelism } from "../host/worker_thread.ts";
import type { WorkersOptions } from "./workers_options.ts";

/** Durations in milliseconds, sizes in bytes unless the name says otherwise. */
export interface WorkersSettings {
  readonly module: URL;
  readonly count: number;
  readonly balance: NonNullable<WorkersOptions["balance"]>;
  readonly data: unknown;
  readonly restart: BackoffSchedule;
  readonly startTimeout: number;
  readonly responseTimeout: number;
  readonly waitTimeout: number;
  readonly shutdownDeadline: number;
  readonly window: number;
  readonly heapMiB: number | undefined;
}

const keys = [
  ...["module", "count", "balance", "data", "restart", "startTimeout", "responseTimeout", "waitTimeout"],
  ...["shutdownDeadline", "window", "heapLimit", "logger"],
];
const mostWorkers = 1024;
const largestWindow = 512 * 1024 * 1024;
const mebibyte = 1024 * 1024;
const restartDefaults: BackoffSchedule = {
  initial: 100,
  factor: 2,
  max: 10_000,
  jitter: 0.2,
  attempts: Infinity,
  for: Infinity,
};

/** Throws `OptionsError` for all that is wrong. */
export function resolveWorkers(options: WorkersOptions): WorkersSettings {
  const check = new OptionsCheck();
  check.keys(options, keys);
  const { module, heapLimit } = options;
  if (!(module instanceof URL)) {
    check.refuse("module", module, 'a URL, such as new URL("./worker.ts", import.meta.url)');
  }
  if (heapLimit !== undefined && !canLimitHeap()) {
    check.unsupported("heapLimit", heapLimit, "to be left out: only Node can bound the heap of a worker");
  }
  check.functions(options, ["logger"]);
  try {
    structuredClone(options.data);
  } catch {
    check.refuse("data", options.data, "what structured cloning can copy: no function is among it");
  }
  const most = { most: largestWindow };
  const least = { least: mebibyte, infinite: false };
  const settings: WorkersSettings = {
    module,
    count: checkInteger(check, "count", options.count, parallelism(), 1, mostWorkers),
    balance: check.oneOf("balance", options.balance, "least-connections", [
      "least-connections",
      "round-robin",
      "peer-hash",
    ]),
    data: options.data,
    restart: options.restart === undefined
      ? restartDefaults
      : checkBackoff(check, "restart", options.restart, restartDefaults),
    startTimeout: checkDuration(check, "startTimeout", options.startTimeout, 10_000),
    responseTimeout: checkDuration(check, "responseTimeout", options.responseTimeout, 60_000),
    waitTimeout: checkDuration(check, "waitTimeout", options.waitTimeout, 5_000, {
      zero: true,
      infinite: true,
    }),
    shutdownDeadline: checkDuration(check, "shutdownDeadline", options.shutdownDeadline, 30_000),
    window: check.size("window", options.window, 262_144, most),
    heapMiB: heapLimit === undefined
      ? undefined
      : Math.floor(check.size("heapLimit", heapLimit, mebibyte, least) / mebibyte),
  };
  check.done();
  return settings;
}
