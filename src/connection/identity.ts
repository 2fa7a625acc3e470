/**
 * Connection ids: unique over processes, and sorted by the time of connecting (F-25).
 *
 * Nine digits of time, four of a counter and four of chance, all in base 36.
 */
const radix = 36;
const counterRange = radix ** 4;
let chance: string | undefined;
let counter = 0;

/** A new id for a connection that began at `wallTime` (ms since 1970). */
export function makeConnectionId(wallTime: number): string {
  chance ??= pad(crypto.getRandomValues(new Uint32Array(1))[0]! % counterRange, 4);
  counter = (counter + 1) % counterRange;
  // Joined and not added: engines keep a sum as a tree of its parts, for as long as the connection lives.
  return [pad(Math.floor(wallTime), 9), pad(counter, 4), chance].join("");
}

function pad(value: number, digits: number): string {
  return value.toString(radix).padStart(digits, "0");
}
