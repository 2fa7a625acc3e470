/**
 * What stands in front of a server's connections, checked, in plaintext and within TLS; and the check of the option
 * `proxyProtocol`.
 *
 * Made by `server/settings.ts`.
 */
import { checkDuration } from "../../core/time/duration.ts";
import type { OptionsCheck } from "../../core/options.ts";
import { checkIpRanges } from "../../core/text/ip_ranges.ts";
import type { Address } from "../../core/transport.ts";
import type { FirstBytesSettings } from "./first_bytes_settings.ts";
import type { ProxyProtocolOptions } from "./preface_options.ts";

/** Checked settings of PROXY protocol headers; times in milliseconds. */
export interface ProxySettings {
  readonly required: boolean;
  readonly acceptsOthers: boolean;
  readonly timeout: number;
  readonly maxBytes: number;
  /** Whether a peer is trusted to say who the client is. */
  trusts(ip: string): boolean;
}

/** What stands in front of one connection. */
export interface PrefacePlan<Profile> {
  readonly proxy: ProxySettings | undefined;
  readonly first: FirstBytesSettings<Profile> | undefined;
}

/** What stands in front of the connections of a server; and of those that TLS has secured, undefined for nothing. */
export interface PrefaceSettings<Profile> extends PrefacePlan<Profile> {
  readonly secured: PrefacePlan<Profile> | undefined;
}

const defaults = { timeout: 10_000, maxHeaderBytes: 4096 };
/** Addresses of Unix sockets take the most room. */
const leastHeader = 232;
const mostHeader = 16 + 65_535;

/** Checks `proxyProtocol`; faults go to `check`. */
export function resolveProxy(
  check: OptionsCheck,
  given: ProxyProtocolOptions | undefined,
  address: Address,
): ProxySettings | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== "object" || given === null) {
    check.refuse("proxyProtocol", given, 'an object such as { from: ["10.0.0.0/8"] }');
    return undefined;
  }
  check.keys(given, ["from", "header", "others", "timeout", "maxHeaderBytes"], "proxyProtocol.");
  const { from, header, others, timeout, maxHeaderBytes } = given;
  const unix = address.transport === "unix";
  const list = Array.isArray(from) && unix ? from.filter((one) => one !== "unix") : from;
  const ranges = checkIpRanges(check, "proxyProtocol.from", list);
  if (unix && Array.isArray(from) && (from.length !== 1 || list.length !== 0)) {
    check.refuse("proxyProtocol.from", from, '["unix"] with a Unix socket, whose peers have no addresses');
  } else if (!unix && Array.isArray(from) && from.length === 0) {
    check.refuse("proxyProtocol.from", from, "at least one address or range: nobody could connect otherwise");
  }
  const wait = checkDuration(check, "proxyProtocol.timeout", timeout, defaults.timeout);
  if (wait < 3000) {
    check.refuse(
      "proxyProtocol.timeout",
      timeout,
      "3 seconds or more, so that a lost packet can be sent again",
    );
  }
  return {
    required:
      check.oneOf("proxyProtocol.header", header, "required", ["required", "optional"]) === "required",
    acceptsOthers: check.oneOf("proxyProtocol.others", others, "reject", ["reject", "accept"]) === "accept",
    timeout: wait,
    maxBytes: check.size("proxyProtocol.maxHeaderBytes", maxHeaderBytes, defaults.maxHeaderBytes, {
      least: leastHeader,
      most: mostHeader,
    }),
    trusts: unix ? () => true : (ip) => ranges.has(ip),
  };
}

/** The plans for connections in plaintext, and within TLS. */
export function planPrefaces<Profile>(
  proxy: ProxySettings | undefined,
  first: FirstBytesSettings<Profile> | undefined,
): PrefaceSettings<Profile> | undefined {
  if (proxy === undefined && first === undefined) return undefined;
  if (first === undefined || first.tls === "none") return { proxy, first, secured: undefined };
  // Without a choice, what is in plaintext is a health check or TLS.
  const plain = first.tls === "choice" ? first : { ...first, protocols: [] };
  const secured: FirstBytesSettings<Profile> = { ...first, tls: "none" };
  const inTls = secured.health || secured.protocols.length > 0;
  return { proxy, first: plain, secured: inTls ? { proxy: undefined, first: secured } : undefined };
}
