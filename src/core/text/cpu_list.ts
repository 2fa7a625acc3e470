/**
 * Numbers of processors as text, as taskset(1) writes them: `0`, `0,2`, `0-3`.
 *
 * Used by the gateway's configuration and by `host/scheduling.ts`.
 */

/** The highest number that is read: more than a Linux has. */
const highest = 8191;

/** The numbers, in ascending order; undefined for anything else. */
export function cpuList(text: string): readonly number[] | undefined {
  if (!/^\d{1,4}(?:-\d{1,4})?(?:,\d{1,4}(?:-\d{1,4})?)*$/.test(text)) return undefined;
  const found = new Set<number>();
  for (const part of text.split(",")) {
    const [first = 0, last = first] = part.split("-").map(Number);
    if (last < first || last > highest) return undefined;
    for (let number = first; number <= last; number++) found.add(number);
  }
  return [...found].sort((a, b) => a - b);
}
