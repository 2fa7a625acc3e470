/** The check of who may connect: options in, numbers and searchable lists out. */
import { checkInteger, defaults, type OptionsCheck } from "../core/options.ts";
import { checkIpRanges, type IpRanges } from "../core/text/ip_ranges.ts";
import type { Address } from "../core/transport.ts";
import type { AddressPrefix } from "./address_keys.ts";
import type { AcceptRate, AdmissionOptions } from "./admission_options.ts";
import type { AcceptPace } from "./token_bucket.ts";

/** Checked settings. */
export interface AdmissionSettings {
  /** `Infinity` for no limit, as for the next. */
  readonly maxConnections: number;
  readonly maxPerAddress: number;
  readonly pace: AcceptPace | undefined;
  readonly pacePerAddress: AcceptPace | undefined;
  readonly prefix: AddressPrefix;
  readonly allow: IpRanges | undefined;
  readonly deny: IpRanges | undefined;
  readonly farewell: AdmissionOptions["farewell"];
}

/** Names of these options. */
export const admissionKeys: readonly (keyof AdmissionOptions)[] = [
  "maxConnections",
  "maxConnectionsPerAddress",
  "acceptRate",
  "acceptRatePerAddress",
  "addressPrefix",
  "allow",
  "deny",
  "farewell",
  "onReject",
];

/** Those that need an address. */
const byAddress = [
  "maxConnectionsPerAddress",
  "acceptRatePerAddress",
  "addressPrefix",
  "allow",
  "deny",
] as const;

const prefixes: Readonly<
  Record<keyof AddressPrefix, readonly [fallback: number, least: number, most: number]>
> = {
  ipv4: [32, 8, 32],
  ipv6: [64, 16, 128],
};

/** Checks; faults go to `check`. Peers of a Unix socket have an address only where they are `proxied`. */
export function resolveAdmission(
  check: OptionsCheck,
  options: AdmissionOptions,
  address: Address,
  proxied: boolean,
): AdmissionSettings {
  const { farewell, allow, deny } = options;
  const kind = typeof farewell;
  if (
    farewell !== undefined && kind !== "string" && kind !== "function" && !(farewell instanceof Uint8Array)
  ) {
    check.refuse("farewell", farewell, "text, a Uint8Array, or a function of the reason that returns one");
  }
  if (address.transport === "unix" && !proxied) {
    for (const name of byAddress) {
      if (options[name] === undefined) continue;
      check.refuse(name, options[name], "to be left out with a Unix socket, whose peers have no address");
    }
  }
  return {
    maxConnections: most(check, "maxConnections", options.maxConnections, defaults.maxConnections),
    maxPerAddress: most(check, "maxConnectionsPerAddress", options.maxConnectionsPerAddress, Infinity),
    pace: resolveRate(check, "acceptRate", options.acceptRate),
    pacePerAddress: resolveRate(check, "acceptRatePerAddress", options.acceptRatePerAddress),
    prefix: resolvePrefix(check, options.addressPrefix),
    allow: allow === undefined ? undefined : checkIpRanges(check, "allow", allow),
    deny: deny === undefined ? undefined : checkIpRanges(check, "deny", deny),
    farewell,
  };
}

/** A number of things; 0 is no limit. */
export function most(
  check: OptionsCheck,
  path: string,
  value: number | undefined,
  fallback: number,
): number {
  const number = checkInteger(check, path, value, fallback, 0);
  return number === 0 ? Infinity : number;
}

function resolveRate(
  check: OptionsCheck,
  path: string,
  rate: AcceptRate | undefined,
): AcceptPace | undefined {
  if (rate === undefined) return undefined;
  if (typeof rate !== "object" || rate === null) {
    check.refuse(path, rate, "a rate such as { perSecond: 100, burst: 200 }");
    return undefined;
  }
  const { perSecond, burst } = rate;
  check.keys(rate, ["perSecond", "burst"], `${path}.`);
  if (!(typeof perSecond === "number" && perSecond > 0)) {
    check.refuse(
      `${path}.perSecond`,
      perSecond,
      "connections a second, more than 0, or Infinity for no limit",
    );
  }
  if (burst !== undefined && !(typeof burst === "number" && burst >= 1)) {
    check.refuse(`${path}.burst`, burst, "a number of connections, 1 or more");
  }
  if (perSecond === Infinity) return undefined;
  return { perMs: perSecond / 1000, burst: burst ?? Math.max(1, perSecond) };
}

function resolvePrefix(check: OptionsCheck, prefix: AdmissionOptions["addressPrefix"] = {}): AddressPrefix {
  if (typeof prefix !== "object" || prefix === null) {
    check.refuse("addressPrefix", prefix, "numbers of bits such as { ipv4: 32, ipv6: 64 }");
    prefix = {};
  } else check.keys(prefix, Object.keys(prefixes), "addressPrefix.");
  const bits = (family: keyof AddressPrefix): number => {
    const [fallback, least, longest] = prefixes[family];
    return checkInteger(check, `addressPrefix.${family}`, prefix[family], fallback, least, longest);
  };
  return { ipv4: bits("ipv4"), ipv6: bits("ipv6") };
}
