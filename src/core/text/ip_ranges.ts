/**
 * Sets of IP addresses, made of ranges: whom to trust, whom to let in.
 *
 * Options give the texts; a server asks for every connection, which costs no memory and a search by halves.
 */
import { OptionsCheck } from "../options.ts";
import { ipWords, readIp } from "./ip.ts";
import { type IpRange, readIpRange } from "./ip_range.ts";

/** The set of these addresses and ranges; throws `OptionsError` when one is none. */
export function ipRanges(...texts: readonly string[]): IpRanges {
  const check = new OptionsCheck();
  const ranges = checkIpRanges(check, "ranges", texts);
  check.done();
  return ranges;
}

/** An option that is a list of addresses and ranges; each fault goes to `check`, with its place in the list. */
export function checkIpRanges(check: OptionsCheck, path: string, list: unknown): IpRanges {
  if (!Array.isArray(list)) {
    check.refuse(path, list, 'a list of IP addresses and ranges such as ["10.0.0.0/8", "::1"]');
    return new IpRanges([]);
  }
  const ranges: IpRange[] = [];
  for (const [at, text] of list.entries()) {
    const reading = readIpRange(text);
    if (reading.ok) ranges.push(reading.value);
    else check.take(`${path}[${at}]`, text, reading, undefined);
  }
  return new IpRanges(ranges);
}

/** A set of addresses, made of ranges. */
export class IpRanges {
  readonly #v4: Intervals;
  readonly #v6: Intervals;
  /** For one look; nothing is kept in it. */
  readonly #words: Uint32Array = ipWords();

  constructor(ranges: readonly IpRange[]) {
    this.#v4 = new Intervals(ranges.filter(({ family }) => family === 4));
    this.#v6 = new Intervals(ranges.filter(({ family }) => family === 6));
  }

  /**
   * Whether an address is in one of the ranges. IPv4 is in ranges of IPv4 only, `::/0` included; what is no address,
   * as the empty one of a Unix socket, is in none.
   */
  has(ip: string): boolean {
    const family = readIp(ip, this.#words);
    if (family === undefined) return false;
    return (family === 4 ? this.#v4 : this.#v6).has(this.#words);
  }
}

/** Disjoint intervals in ascending order, eight words each: the first and the last address. */
class Intervals {
  readonly #bounds: Uint32Array;

  constructor(ranges: readonly IpRange[]) {
    // Two prefixes are disjoint, or one is within the other, which then is not needed.
    const sorted = [...ranges].sort((one, other) =>
      compare(one.first, 0, other.first) || compare(other.last, 0, one.last)
    );
    const kept: IpRange[] = [];
    for (const range of sorted) {
      const before = kept.at(-1);
      if (before === undefined || compare(range.first, 0, before.last) > 0) kept.push(range);
    }
    this.#bounds = new Uint32Array(kept.length * 8);
    for (const [at, { first, last }] of kept.entries()) {
      this.#bounds.set(first, at * 8);
      this.#bounds.set(last, at * 8 + 4);
    }
  }

  has(words: Uint32Array): boolean {
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length / 8;
    // The number of intervals that begin at or below it.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(bounds, middle * 8, words) > 0) high = middle;
      else low = middle + 1;
    }
    return low > 0 && compare(bounds, (low - 1) * 8 + 4, words) >= 0;
  }
}

/** How the address in `all` from `at` on stands to `one`: below 0, 0, or above. */
function compare(all: Uint32Array, at: number, one: Uint32Array): number {
  for (let word = 0; word < 4; word++) {
    const difference = all[at + word]! - one[word]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
