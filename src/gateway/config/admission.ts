/**
 * Who may connect to an endpoint that listens: limits, rates, lists and farewells, under the names of the library.
 *
 * Used by `endpoint_config.ts`, and by control commands that change them.
 */
import { readIpRange } from "../../core/text/ip_range.ts";
import { type AcceptRate, type AdmissionOptions, rejectReasons } from "../../server/admission_options.ts";
import { type Read, Refusal, type Section } from "./section.ts";
import { bytes, frameRate, integer, limit } from "./values.ts";

/** What a configuration may say of it. */
export type AdmissionConfig = Omit<AdmissionOptions, "onReject">;

/** Keys whose values are for addresses, which peers of a Unix socket have not. */
const addressKeys: readonly (keyof AdmissionConfig)[] = [
  "maxConnectionsPerAddress",
  "acceptRatePerAddress",
  "addressPrefix",
  "allow",
  "deny",
];

/** All of them. */
export const admissionKeys: readonly (keyof AdmissionConfig)[] = [
  "maxConnections",
  "acceptRate",
  "farewell",
  ...addressKeys,
];

const ranges: Read<readonly string[]> = (value) => {
  if (!Array.isArray(value)) {
    throw new Refusal('a list of IP addresses and ranges such as ["10.0.0.0/8", "::1"]');
  }
  for (const item of value as unknown[]) {
    const range = readIpRange(item);
    if (range.ok) continue;
    const shown = typeof item === "string" ? JSON.stringify(item) : String(item);
    throw new Refusal(`a list, and in the place of ${shown} ${range.expected}`, range.hint);
  }
  return value;
};

/** 1 or more, not necessarily whole. */
const burst: Read<number> = (value) => {
  if (typeof value === "number" && value >= 1 && value < Infinity) return value;
  throw new Refusal("a number of connections, 1 or more");
};

/** Reads what there is; faults go to the section's list. */
export function readAdmission(section: Section): AdmissionConfig {
  const found = {
    maxConnections: section.take("maxConnections", limit),
    maxConnectionsPerAddress: section.take("maxConnectionsPerAddress", limit),
    acceptRate: readRate(section, "acceptRate"),
    acceptRatePerAddress: readRate(section, "acceptRatePerAddress"),
    addressPrefix: section.table("addressPrefix", "a table with ipv4 and ipv6", (table) => ({
      ipv4: table.take("ipv4", integer(8, 32)),
      ipv6: table.take("ipv6", integer(16, 128)),
    })),
    allow: section.take("allow", ranges),
    deny: section.take("deny", ranges),
    farewell: readFarewell(section),
  } satisfies AdmissionConfig;
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** For an endpoint at a Unix socket. */
export function refuseAddressKeys(section: Section): void {
  for (const key of addressKeys) {
    if (!section.has(key) || section.has("proxyProtocol")) continue;
    section.refuse(key, section.raw(key), "to be left out with a Unix socket, whose peers have no address");
  }
}

function readRate(section: Section, key: "acceptRate" | "acceptRatePerAddress"): AcceptRate | undefined {
  return section.table(key, "a table with perSecond and burst", (table) => ({
    perSecond: table.require("perSecond", frameRate, "connections a second, on average") ?? Infinity,
    burst: table.take("burst", burst),
  }));
}

/** One for all reasons, or a table of them. */
function readFarewell(section: Section): AdmissionConfig["farewell"] {
  const value = section.raw("farewell");
  const forAll = typeof value !== "object" || value === null || Object.hasOwn(value, "hex");
  if (forAll) return section.take("farewell", bytes);
  const expected = "text, bytes, or a table of them by reason";
  const words = section.table("farewell", expected, (table) => {
    const all = rejectReasons.map((reason) => [reason, table.take(reason, bytes)] as const);
    return new Map<string, Uint8Array | undefined>(all.filter(([, found]) => found !== undefined));
  });
  return words && ((reason) => words.get(reason));
}
