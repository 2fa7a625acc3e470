/**
 * A server that ends as its process is told to: the first signal drains, a later one means now.
 *
 * What the gateway does for itself, for programs that run a server of their own.
 */
import { type Clock, systemClock } from "../core/time/clock.ts";
import { type DurationInput, toMilliseconds } from "../core/time/duration.ts";
import { ShutdownTimeoutError } from "../core/errors.ts";
import { OptionsCheck } from "../core/options.ts";
import { SignalEcho, signalEchoMs } from "../host/signal_echo.ts";
import { afterQuietly, hearsSignals, onSignal } from "../host/signals.ts";

/** Settings of {@linkcode onSignals}. */
export interface SignalsOptions {
  /** Deadline of the drain. @default the server's own `shutdownDeadline` */
  readonly deadline?: DurationInput | undefined;
  /**
   * Which signals stop the server. SIGHUP is not among them by default, because many programs use it to reload their
   * configuration. @default ["SIGINT", "SIGTERM"]
   */
  readonly signals?: readonly ("SIGINT" | "SIGTERM" | "SIGHUP" | "SIGQUIT")[] | undefined;
  /** Clock that separates one signal from the next, for tests. @default the system's */
  readonly clock?: Clock | undefined;
}

const stopSignals: NonNullable<SignalsOptions["signals"]> = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

/**
 * Stops the server at a signal, on every runtime. The first signal calls `close`: no new connections, open ones
 * finish within the deadline. A later one calls `destroy`. Signals within 250 ms of one that counted are the same
 * one, because terminals, npm and `timeout` signal a whole group of processes, each of which forwards it. A signal
 * after `destroy`, or when the server has stopped, ends the process as if there were no listener.
 *
 * After `await server.finished`, whose report says which connections were destroyed, the process ends by itself; the
 * listeners do not keep it alive. Call it once for each server. The function that it returns removes the listeners.
 *
 * @example A program that drains at Ctrl-C and at SIGTERM
 * ```ts no_run
 * import { lines, onSignals, serve } from "@millrace/millrace";
 *
 * const server = await serve({
 *   port: 3034,
 *   framing: lines(),
 *   onFrame: (line, connection) => connection.send(line),
 * });
 * onSignals(server, { deadline: "10 seconds" });
 * const { destroyed } = await server.finished;
 * console.log(`${destroyed.length} connections were destroyed`);
 * ```
 *
 * @throws {OptionsError} `invalid` for an invalid option, `unsupported` where the host has no signals
 */
export function onSignals(
  server: {
    /** Resolves, and never rejects, once it has stopped for any reason. */
    readonly finished: Promise<unknown>;
    /** Drains. */
    close(options?: { readonly deadline?: DurationInput | undefined }): Promise<unknown>;
    /** Destroys everything at once, even during a drain. */
    destroy(): Promise<unknown>;
  },
  options: SignalsOptions = {},
): () => void {
  const { deadline, signals, clock } = resolve(server, options);
  const echo = new SignalEcho(clock);
  let step: "run" | "drain" | "close" = "run";
  let stop = (): void => {};
  // Later, so that the echo of the last signal does not end the process in the middle of what is left to do.
  const stopSoon = (): void => void clock.setTimer(() => stop(), signalEchoMs);
  stop = onSignal(signals, () => {
    if (echo.repeats()) return;
    if (step === "run") {
      step = "drain";
      // Of those that were destroyed `finished` tells; anything else is nobody's but the process's.
      server.close(deadline === undefined ? {} : { deadline }).catch((error) => {
        if (!(error instanceof ShutdownTimeoutError)) throw error;
      });
    } else if (step === "drain") {
      step = "close";
      void server.destroy();
      stopSoon();
    }
  });
  void server.finished.then(stopSoon);
  return stop;
}

/** A server or a gateway. */
type Stoppable = Parameters<typeof onSignals>[0];

function resolve(server: Stoppable, options: SignalsOptions) {
  const check = new OptionsCheck();
  check.keys(options, ["deadline", "signals", "clock"]);
  const { signals = ["SIGINT", "SIGTERM"], clock = { ...systemClock, setTimer: afterQuietly } } = options;
  for (const name of ["close", "destroy"] as const) {
    if (typeof server?.[name] === "function" && server.finished instanceof Promise) continue;
    check.refuse("server", server, "a server, the result of await serve()");
    break;
  }
  const known = Array.isArray(signals) && signals.length > 0 &&
    signals.every((name) => stopSignals.includes(name));
  if (!known) check.refuse("signals", signals, `one or more of ${stopSignals.join(", ")}`);
  if (!hearsSignals()) check.unsupported("signals", signals, "a host that runs processes");
  // As `close` would, but before the signal.
  const deadline = options.deadline === undefined ? undefined : toMilliseconds(options.deadline, "deadline");
  check.done();
  return { deadline, signals: [...new Set(signals)], clock };
}
