/**
 * IP addresses as numbers: read from text into words of the caller, without making anything.
 *
 * Called for every peer where addresses decide something, by `ip_ranges.ts` among others. Reads what runtimes and
 * operating systems tell; what a person writes as a host is read by `place.ts`.
 */

/**
 * Room for one address: 128 bits, the highest first. IPv4 has its place in IPv6, `::ffff:0:0/96` (RFC 4291, 2.5.5.2),
 * so that both forms of one address are the same.
 */
export function ipWords(): Uint32Array {
  return new Uint32Array(4);
}

/** What an address is: IPv4, the mapped form of IPv6 included, or IPv6. */
export type IpFamily = 4 | 6;

const colon = 0x3a;
const dot = 0x2e;
const zero = 0x30;

/**
 * Reads an address: IPv4 as four numbers without leading zeros, or IPv6 in any of its forms (RFC 4291, 2.2), without
 * brackets or zone. Undefined when it is none; what `words` hold then means nothing.
 */
export function readIp(text: string, words: Uint32Array): IpFamily | undefined {
  words.fill(0);
  if (!text.includes(":")) {
    if (!readIpv4(text, 0, words)) return undefined;
    words[2] = 0xffff;
    return 4;
  }
  return readIpv6(text, words) ? ipFamily(words) : undefined;
}

/** What the address in these words is. */
export function ipFamily(words: Uint32Array): IpFamily {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff ? 4 : 6;
}

/** Reads four numbers, from `at` to the end, into the last word. */
function readIpv4(text: string, at: number, words: Uint32Array): boolean {
  let address = 0;
  for (let part = 0; part < 4; part++) {
    let value = 0;
    const start = at;
    for (; at < text.length && text.charCodeAt(at) !== dot; at++) {
      const digit = text.charCodeAt(at) - zero;
      if (digit < 0 || digit > 9 || at - start > 2) return false;
      value = value * 10 + digit;
    }
    const leading = at - start > 1 && text.charCodeAt(start) === zero;
    if (at === start || leading || value > 255) return false;
    address = address * 256 + value;
    // A dot between parts, and nothing behind the last.
    if (part < 3 ? at++ >= text.length : at < text.length) return false;
  }
  words[3] = address;
  return true;
}

function readIpv6(text: string, words: Uint32Array): boolean {
  const { length } = text;
  let group = 0;
  /** The group that `::` stands before. */
  let gap = -1;
  let at = 0;
  if (text.startsWith("::")) {
    gap = 0;
    at = 2;
  }
  while (at < length) {
    const start = at;
    let value = 0;
    for (let digit; at < length && (digit = hexDigit(text.charCodeAt(at))) >= 0; at++) {
      value = value * 16 + digit;
    }
    if (at < length && text.charCodeAt(at) === dot) {
      if (group > 6) return false;
      const [high, low] = [words[2]!, words[3]!];
      if (!readIpv4(text, start, words)) return false;
      const address = words[3]!;
      [words[2], words[3]] = [high, low];
      put(words, group++, address >>> 16);
      put(words, group++, address & 0xffff);
      break;
    }
    if (at === start || at - start > 4 || group === 8) return false;
    put(words, group++, value);
    if (at === length) break;
    if (text.charCodeAt(at++) !== colon || at === length) return false;
    if (text.charCodeAt(at) !== colon) continue;
    if (gap !== -1) return false;
    gap = group;
    at++;
  }
  if (gap === -1 || group === 8) return gap === -1 && group === 8;
  for (let from = group - 1, to = 7; from >= gap; from--, to--) {
    put(words, to, get(words, from));
    put(words, from, 0);
  }
  return true;
}

function hexDigit(code: number): number {
  if (code >= zero && code <= 0x39) return code - zero;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function get(words: Uint32Array, group: number): number {
  const word = words[group >> 1]!;
  return group % 2 === 0 ? word >>> 16 : word & 0xffff;
}

function put(words: Uint32Array, group: number, value: number): void {
  const word = words[group >> 1]!;
  words[group >> 1] = group % 2 === 0 ? value * 0x10000 + (word & 0xffff) : (word & 0xffff0000) | value;
}

/** The address in these words as text: IPv4 as four numbers, IPv6 in its one form (RFC 5952). */
export function ipText(words: Uint32Array): string {
  if (ipFamily(words) === 4) {
    const address = words[3]!;
    return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
  }
  let [gap, longest] = [8, 1];
  for (let from = 0, zeros = 0; from < 8; from += zeros + 1) {
    for (zeros = 0; from + zeros < 8 && get(words, from + zeros) === 0;) zeros++;
    if (zeros > longest) [gap, longest] = [from, zeros];
  }
  const groups = (from: number, to: number): string => {
    const all: string[] = [];
    for (let group = from; group < to; group++) all.push(get(words, group).toString(16));
    return all.join(":");
  };
  return gap === 8 ? groups(0, 8) : `${groups(0, gap)}::${groups(gap + longest, 8)}`;
}
