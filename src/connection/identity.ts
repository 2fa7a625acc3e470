/**
 * Connection ids: unique over processes, and sorted by the time of connecting.
 *
 * Nine digits of time, four of a counter and four of chance, all in base 36.
 */
const radix = 36;
const pairRange = radix ** 2;
const fourRange = radix ** 4;
/** All pairs of digits: engines are slow at writing numbers in any base but ten. */
let pairs: readonly string[] = [];
let chance = "";
let counter = 0;

/** A new id for a connection that began at `wallTime` (ms since 1970). */
export function makeConnectionId(wallTime: number): string {
  if (chance === "") {
    pairs = Array.from({ length: pairRange }, (_, value) => value.toString(radix).padStart(2, "0"));
    chance = four(crypto.getRandomValues(new Uint32Array(1))[0]! % fourRange);
  }
  counter = (counter + 1) % fourRange;
  const ms = Math.floor(wallTime);
  const upper = Math.floor(ms / fourRange);
  const first = Math.floor(upper / fourRange);
  // Joined and not added: engines keep a sum as a tree of its parts, for as long as the connection lives.
  return [first.toString(radix), four(upper % fourRange), four(ms % fourRange), four(counter), chance].join(
    "",
  );
}

/** Four digits. */
function four(value: number): string {
  return pairs[Math.floor(value / pairRange)]! + pairs[value % pairRange]!;
}
