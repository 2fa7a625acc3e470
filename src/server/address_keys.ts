/**
 * What counts as one address: IPv4 as it is, IPv6 by the prefix of a network, since a subscriber has a whole one.
 *
 * Used by `admission.ts`. A key is also how the address is shown: `192.0.2.7`, `2001:db8:0:1::/64`.
 */
import { ipText, ipWords, readIp } from "../core/text/ip.ts";

/** How many bits of an address count. */
export interface AddressPrefix {
  readonly ipv4: number;
  readonly ipv6: number;
}

/** Makes keys. */
export class AddressKeys {
  readonly #prefix: AddressPrefix;
  /** For one look; nothing is kept in it. */
  readonly #words: Uint32Array = ipWords();

  constructor(prefix: AddressPrefix) {
    this.#prefix = prefix;
  }

  /** The key of an address; undefined for what is none, as the empty one of a Unix socket. */
  of(ip: string): string | undefined {
    const words = this.#words;
    const family = readIp(ip, words);
    if (family === undefined) return undefined;
    const { ipv4, ipv6 } = this.#prefix;
    const bits = family === 4 ? ipv4 : ipv6;
    const whole = family === 4 ? 32 : 128;
    if (bits === whole) return ipText(words);
    const kept = family === 4 ? 96 + bits : bits;
    for (let word = 0; word < 4; word++) words[word]! &= mask(kept - word * 32);
    return `${family === 4 ? ipText(words) : ipv6Text(words)}/${bits}`;
  }
}

/** Also where what is left of it reads as IPv4 in IPv6. */
function ipv6Text(words: Uint32Array): string {
  const text = ipText(words);
  return text.includes(":") ? text : `::ffff:${text}`;
}

/** The bits of a word that count where so many are left. */
function mask(bits: number): number {
  if (bits >= 32) return 0xffffffff;
  return bits <= 0 ? 0 : ~(0xffffffff >>> bits);
}
