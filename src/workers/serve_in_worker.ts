/** `serveInWorker`: what a worker does with the connections that it is given. */
import { connectionKeys, resolveProfile } from "../connection/profile.ts";
import type { ConnectionOptions } from "../connection/connection_options.ts";
import { OptionsCheck } from "../core/options.ts";
import type { ServeInWorkerOptions } from "./serve_in_worker_options.ts";
import { thisWorker } from "./worker_info.ts";
import { WorkerThreadHost } from "./worker_thread_host.ts";

const notHere: readonly string[] = ["noDelay", "tcpKeepAlive", "upgradable", "maxLifetime"];
const keys: readonly string[] = [
  ...connectionKeys.filter((key) => !notHere.includes(key)),
  "handler",
  "onClose",
];

/**
 * Takes the connections of the pool that has started this worker: call it once, in the module that `workers()` names. What
 * a handler is given is a `Connection` as on any server, with all that it has but `upgrade`: outcomes, backpressure, time
 * limits and counters are those of the socket in the main thread. `connection.id` is the same in both threads.
 *
 * @example A worker's module
 * ```ts no_run
 * import { lines } from "@millrace/millrace";
 * import { serveInWorker } from "@millrace/millrace/workers";
 *
 * serveInWorker({
 *   framing: lines({ encoding: "utf-8" }),
 *   handler: async (connection) => {
 *     for await (const line of connection) await connection.send(line);
 *   },
 * });
 * ```
 *
 * @throws {WorkerError} `outside`, where `workers()` has not started this thread
 * @throws {OptionsError} `invalid`; a module that lets it pass ends its worker, and `workers()` rejects
 */
export function serveInWorker<Received, Sent = Received, Context = undefined>(
  options: ServeInWorkerOptions<Received, Sent, Context>,
): void {
  const { parent } = thisWorker("serve in a worker");
  const check = new OptionsCheck();
  check.keys(options, keys);
  const { handler, onFrame, onClose } = options;
  if ((handler === undefined) === (onFrame === undefined)) {
    check.refuse("handler", handler && "handler and onFrame", "exactly one of handler and onFrame");
  }
  check.functions({ handler, onClose }, ["handler", "onClose"]);
  const given: ConnectionOptions<Received, Sent, Context> = { idleTimeout: Infinity, ...options };
  const profile = resolveProfile(check, given, handler);
  check.done();
  const host = new WorkerThreadHost(parent, profile, onClose);
  parent.listen((message) => host.take(message));
  host.ready();
}
