/**
 * Connecting to a name that has several addresses: the next one is tried when one has failed or has not answered for a
 * while, and a slow one is not abandoned before another has connected (RFC 8305, 5). Nothing but the time limit of
 * whoever connects bounds how many are open at once: a maximum would be held by as many addresses that never answer.
 *
 * Used where the runtime's own way would drop an attempt that takes longer than that. Knows no runtime.
 */
import { type Clock, systemClock } from "../core/time/clock.ts";

/** How long one has to itself before the next is tried too, in milliseconds. */
const head = 250;
/** What is tried, and how. */
interface Attempts<T> {
  /** One or more, the best first. */
  readonly addresses: readonly string[];
  /** Rejects when the signal aborts. */
  attempt(address: string, signal: AbortSignal): Promise<T>;
  /** Takes what came after another. */
  drop(late: T): void;
}

/**
 * The first that connects. Rejects with the failure of the first address where all fail, and when the signal aborts
 * with what an attempt rejects with then.
 */
export function firstConnected<T>(
  { addresses, attempt, drop }: Attempts<T>,
  signal: AbortSignal | undefined,
  clock: Clock = systemClock,
): Promise<T> {
  const group = new AbortController();
  let next = 0;
  let open = 0;
  let over = false;
  let aborted = false;
  let failure: { readonly error: unknown } | undefined;
  let timer: ReturnType<Clock["setTimer"]> | undefined;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      aborted = true;
      group.abort(signal!.reason);
    };
    const finish = (settle: () => void): void => {
      over = true;
      rest();
      signal?.removeEventListener("abort", abort);
      settle();
      group.abort();
    };
    const rest = (): void => {
      if (timer !== undefined) clock.clearTimer(timer);
      timer = undefined;
    };
    const connected = (made: T): void => {
      open--;
      if (over) drop(made);
      else finish(() => resolve(made));
    };
    const failed = (error: unknown): void => {
      open--;
      if (over) return;
      failure ??= { error };
      if (!aborted && next < addresses.length) return begin();
      if (open === 0) finish(() => reject(aborted ? error : failure!.error));
    };
    const begin = (): void => {
      rest();
      if (aborted || next === addresses.length) return;
      open++;
      attempt(addresses[next++]!, group.signal).then(connected, failed);
      if (next < addresses.length) timer = clock.setTimer(begin, head);
    };
    signal?.addEventListener("abort", abort);
    if (!signal?.aborted) return begin();
    abort();
    attempt(addresses[0]!, group.signal).then(drop, reject);
  });
}
