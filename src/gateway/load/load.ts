/**
 * The echo load generator: N connections, each with D copies of one message in flight, counting bytes.
 *
 * Used by `millrace bench`. It stands on an adapter's `connect` and on nothing above it: no framing runs
 * here, the message comes ready encoded. It is a closed loop: a message goes out when a reply is in, so
 * latencies are those at this depth, not those of a fixed rate.
 */
import type { LoadOptions, LoadReport } from "./load_options.ts";
import { LoadRun } from "./load_run.ts";

/** Runs the load; rejects with a `LoadError`. Every connection is closed when it settles. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const run = new LoadRun(options);
  const stop = (): void => run.finish();
  options.signal?.addEventListener("abort", stop, { once: true });
  try {
    const started = performance.now();
    await run.connectAll();
    const connectMs = performance.now() - started;
    await run.firstReplies();
    await run.wait(options.warmupMs, "warming up");
    run.startMeasuring();
    const measuredFrom = performance.now();
    await run.wait(options.durationMs, "measuring");
    const measuredMs = performance.now() - measuredFrom;
    return run.report(connectMs, measuredMs);
  } finally {
    options.signal?.removeEventListener("abort", stop);
    run.closeAll();
  }
}
