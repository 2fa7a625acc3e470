/**
 * A range of IP addresses in CIDR notation (RFC 4632, RFC 4291), as people write it.
 *
 * Sets of them are in `ip_ranges.ts`.
 */
import { type IpFamily, ipText, ipWords, readIp } from "./ip.ts";
import { misread, read, type Reading } from "./reading.ts";

/** The addresses that share their first bits. */
export interface IpRange {
  readonly family: IpFamily;
  /** The lowest address; the bits behind the prefix are zero. */
  readonly first: Uint32Array;
  /** The highest. */
  readonly last: Uint32Array;
}

const forms = 'an IP address or a range such as "192.0.2.7", "10.0.0.0/8" or "2001:db8::/32"';

/**
 * Reads an address, or a range of addresses: `ADDRESS/BITS`. The bits behind the prefix must be zero, since who wrote
 * `10.1.0.0/8` may have meant another range. `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
 */
export function readIpRange(input: unknown): Reading<IpRange> {
  if (typeof input !== "string") return misread(forms);
  const [, text = "", bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(input) ?? [];
  const first = ipWords();
  const family = readIp(text, first);
  if (family === undefined) {
    const hint = /[%[\]]/.test(text) ? "leave out brackets and zone" : undefined;
    return misread(forms, hint);
  }
  // Of the mapped form the first 96 bits are always the same, and count where they are written.
  const before = text.includes(":") ? 0 : 96;
  const longest = 128 - before;
  const prefix = bits === undefined ? longest : Number(bits);
  const least = family === 4 ? 96 - before : 0;
  if (prefix > longest || prefix < least || (bits !== undefined && /^0\d/.test(bits))) {
    return misread(`a prefix of ${least} to ${longest} bits behind the / of ${JSON.stringify(text)}`);
  }
  const last = first.slice();
  let exact = true;
  for (let word = 0; word < 4; word++) {
    const mask = hostMask(before + prefix - word * 32);
    if ((first[word]! & mask) !== 0) exact = false;
    first[word]! &= ~mask;
    last[word]! |= mask;
  }
  if (exact) return read({ family, first, last });
  return misread(
    `a range whose bits behind the first ${prefix} are zero`,
    `for all of the range write "${
      rangeText(first, before, prefix)
    }", for the one address leave out /${prefix}`,
  );
}

/** The bits of a word that are not in a prefix which has so many left in it. */
function hostMask(prefix: number): number {
  if (prefix >= 32) return 0;
  return prefix <= 0 ? 0xffffffff : 0xffffffff >>> prefix;
}

function rangeText(first: Uint32Array, before: number, prefix: number): string {
  const text = ipText(first);
  return `${before === 96 || text.includes(":") ? text : `::ffff:${text}`}/${prefix}`;
}
