/**
 * What stands in front of the connections of an endpoint that listens: PROXY protocol headers, and several protocols on
 * one port.
 *
 * Read by `endpoint_config.ts`; what makes sense together is checked by the library, see `abilities.ts`.
 */
import { readIpRange } from "../../core/text/ip_range.ts";
import type {
  FirstBytesOptions,
  ProtocolOptions,
  ProxyProtocolOptions,
} from "../../server/preface/preface_options.ts";
import type { FaultList } from "./fault.ts";
import { readFraming } from "./framing.ts";
import { type Read, Refusal, Section } from "./section.ts";
import { boolean, bytes, duration, finiteDuration, finiteSize, limit, oneOf, text } from "./values.ts";

type Protocol = ProtocolOptions<Uint8Array, Uint8Array, never, undefined>;

/** Checked types of values. */
export interface PrefaceConfig {
  readonly proxyProtocol?: ProxyProtocolOptions;
  readonly firstBytes?: FirstBytesOptions<Uint8Array, Uint8Array, never, undefined>;
  readonly maxPending?: number;
}

/** All of them. */
export const prefaceKeys: readonly (keyof PrefaceConfig)[] = ["proxyProtocol", "firstBytes", "maxPending"];

const trusted: Read<readonly string[]> = (value) => {
  if (!Array.isArray(value)) throw new Refusal('a list of IP addresses and ranges such as ["10.0.0.0/8"]');
  for (const item of value as unknown[]) {
    const range = readIpRange(item);
    if (range.ok || item === "unix") continue;
    const shown = typeof item === "string" ? JSON.stringify(item) : typeof item;
    throw new Refusal(`a list, and in the place of ${shown} ${range.expected}, or "unix"`, range.hint);
  }
  return value as string[];
};

const starts: Read<readonly Uint8Array[]> = (value) => (Array.isArray(value) ? value : [value]).map(bytes);

/** Reads what there is; faults go to the list. */
export function readPreface(section: Section, list: FaultList): PrefaceConfig {
  const found = {
    proxyProtocol: section.table("proxyProtocol", "a table with from", readProxy),
    firstBytes: section.table(
      "firstBytes",
      "a table with plaintext, healthCheck or protocols",
      (table) => readFirstBytes(table, list),
    ),
    maxPending: section.take("maxPending", limit),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

function readProxy(table: Section): ProxyProtocolOptions {
  return {
    from: table.require("from", trusted, "whom to trust, such as the address of the load balancer") ?? [],
    header: table.take("header", oneOf(["required", "optional"])),
    others: table.take("others", oneOf(["reject", "accept"])),
    timeout: table.take("timeout", finiteDuration),
    maxHeaderBytes: table.take("maxHeaderBytes", finiteSize),
  };
}

function readFirstBytes(table: Section, list: FaultList): NonNullable<PrefaceConfig["firstBytes"]> {
  return {
    plaintext: table.take("plaintext", boolean),
    healthCheck: table.take("healthCheck", text),
    protocols: readProtocols(table, list),
    after: table.take("after", finiteDuration),
    timeout: table.take("timeout", duration),
  };
}

function readProtocols(table: Section, list: FaultList): readonly Protocol[] | undefined {
  const value = table.raw("protocols");
  if (value === undefined) return undefined;
  const wanted = "a table with name, startsWith and framing";
  if (!Array.isArray(value)) {
    table.refuse("protocols", value, `a list, each item ${wanted}`);
    return undefined;
  }
  return value.flatMap((item: unknown, at): Protocol[] => {
    const section = Section.open(list, [...table.path, "protocols", at], item, wanted);
    if (section === undefined) return [];
    const name = section.require("name", text, "a name for metadata and logs");
    const startsWith = section.require("startsWith", starts, "what its connections begin with");
    const framing = readFraming(section, list);
    section.close();
    return name === undefined || startsWith === undefined || framing === undefined
      ? []
      : [{ name, startsWith, framing }];
  });
}
