/**
 * Work over very many things, in slices: between two of them the event loop looks at its sockets and timers, so that
 * others are served meanwhile.
 *
 * Used where something is done to every connection at once.
 */
import type { Clock } from "./clock.ts";

/** So many at a time: at some microseconds each, a millisecond or two. */
export const sliceSize: number = 256;

/** Calls `each` for all items, the first slice at once, and `over` when all are done, or with what `each` has thrown. */
export function inSlices<Item>(
  clock: Clock,
  items: readonly Item[],
  each: (item: Item) => void,
  over: (error?: unknown) => void,
  size: number = sliceSize,
): void {
  let at = 0;
  const slice = (): void => {
    const end = Math.min(at + size, items.length);
    try {
      while (at < end) each(items[at++]!);
    } catch (error) {
      return over(error);
    }
    if (at === items.length) over();
    // Only a timer is sure to let a runtime look at its sockets.
    else clock.setTimer(slice, 0);
  };
  slice();
}
