/** What a user's function may take: it is told by its signal when the time is over, and nobody waits for it any more. */
import { TimeoutError } from "../../core/errors.ts";
import { Deadline } from "../../core/time/deadline.ts";
import type { TimerWheel } from "../../core/time/timer_wheel.ts";

/** What `run` gives, or a `TimeoutError` once `ms` have passed; `signal` ends it earlier, with its reason. */
export function limited(
  wheel: TimerWheel,
  ms: number,
  reason: "check" | "connect",
  signal: AbortSignal,
  run: (signal: AbortSignal) => unknown,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const abort = new AbortController();
    const give = (error: unknown): void => {
      limit.unset();
      signal.removeEventListener("abort", given);
      reject(error);
      abort.abort(error);
    };
    const given = (): void => give(signal.reason);
    const what = reason === "check" ? "check a connection" : "set a connection up";
    const limit = new Deadline(
      wheel,
      () => give(new TimeoutError(reason, ms, `${what}: not done within ${ms} ms`)),
    );
    if (signal.aborted) return given();
    limit.set(ms);
    signal.addEventListener("abort", given);
    // A function that is not asynchronous may throw as well.
    Promise.resolve().then(() => run(abort.signal)).then((value) => {
      limit.unset();
      signal.removeEventListener("abort", given);
      resolve(value);
    }, give);
  });
}
