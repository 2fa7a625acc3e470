/**
 * The signals that this process is sent.
 *
 * Used by the gateway and by `server/on_signals.ts`. Imports no module of a runtime, so that the entry point that offers it
 * loads where there are no processes.
 */

/** Signals that a program can answer; `SIGWINCH` tells of a new terminal width, `SIGUSR2` has a new process take over. */
export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGQUIT" | "SIGWINCH" | "SIGUSR2";

interface SignalSource {
  on(name: SignalName, listener: () => void): unknown;
  off(name: SignalName, listener: () => void): unknown;
}

const { process, Deno } = globalThis as {
  readonly process?: Partial<SignalSource>;
  readonly Deno?: { unrefTimer(id: number): void };
};

/** False on a host that runs no processes, such as a browser or a worker at the edge. */
export function hearsSignals(): boolean {
  return typeof process?.on === "function" && typeof process.off === "function";
}

/**
 * Calls back at each of these signals, in place of ending the process; returns how to stop listening. Listening does
 * not keep the process alive.
 */
export function onSignal(names: readonly SignalName[], callback: (name: SignalName) => void): () => void {
  const source = process as SignalSource;
  const listeners = names.map((name) => [name, () => callback(name)] as const);
  for (const [name, listener] of listeners) source.on(name, listener);
  return () => {
    for (const [name, listener] of listeners) source.off(name, listener);
  };
}

/** Calls back once after `ms`, if the process has not ended before: the wait does not keep it alive. */
export function afterQuietly(callback: () => void, ms: number): unknown {
  const timer: unknown = setTimeout(callback, ms);
  if (typeof timer === "number") Deno?.unrefTimer(timer);
  else (timer as { unref?(): void }).unref?.();
  return timer;
}
