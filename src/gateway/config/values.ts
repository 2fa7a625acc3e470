/**
 * Single values of a configuration: durations, sizes, addresses, bytes, choices.
 *
 * Each reader gives the value or throws a `Refusal` that says what is wanted.
 */
import { addressText, pathFault, readHost } from "../../core/text/place.ts";
import type { Address } from "../../core/transport.ts";
import { isIpv6 } from "../host_name.ts";
import { nearest, type Read, Refusal } from "./section.ts";

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const unitNames: readonly [RegExp, string][] = [
  [/^(?:ms|millis|milliseconds?)$/, "ms"],
  [/^(?:s|secs?|seconds?)$/, "s"],
  [/^(?:m|mins?|minutes?)$/, "m"],
  [/^(?:h|hrs?|hours?)$/, "h"],
  [/^(?:d|days?)$/, "d"],
];
const durationWanted = 'a duration above 0 such as "500ms", "60s", "5 minutes" or "never"';

/** A duration in milliseconds: `60s`, `5 minutes`, a number of milliseconds, or `never`. */
export const duration: Read<number> = (value) => {
  if (typeof value === "number" && value > 0) return value;
  if (typeof value !== "string") throw new Refusal(durationWanted);
  const text = value.trim().toLowerCase();
  if (text === "never" || text === "infinity") return Infinity;
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(text) ?? [];
  const short = unitNames.find(([names]) => names.test(unit))?.[1];
  if (amount === undefined) throw new Refusal(durationWanted, missingUnit(text));
  if (short === undefined) {
    throw new Refusal(durationWanted, `the units are ${Object.keys(unitMs).join(", ")}`);
  }
  const ms = Number(amount) * unitMs[short]!;
  // Digits beyond what a number holds would mean never.
  if (ms > 0 && ms < Infinity) return ms;
  throw new Refusal(durationWanted);
};

/** The same without `never`. */
export const finiteDuration: Read<number> = (value) => {
  const ms = duration(value);
  if (ms !== Infinity) return ms;
  throw new Refusal('a duration such as "500ms", "60s" or "5 minutes"');
};

function missingUnit(text: string): string | undefined {
  return /^\d+(?:\.\d+)?$/.test(text) ? `it has no unit: did you mean "${text}s" or "${text}ms"?` : undefined;
}

const sizeUnits: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1000,
  mb: 1_000_000,
  gb: 1_000_000_000,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** A number of bytes, 1 or more: `65536`, `"64 KiB"`, `"1MB"`. */
export const size: Read<number> = (value) => {
  const wanted = 'a number of bytes above 0 such as 65536, "64 KiB" or "1 MB"';
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([kmg]?i?b)?$/i.exec(plain(value)) ?? [];
  const factor = sizeUnits[(unit ?? "b").toLowerCase()];
  if (amount === undefined || factor === undefined) throw new Refusal(wanted);
  const bytes = Number(amount) * factor;
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new Refusal(wanted);
};

/** A text or number as text; nothing for anything else, since an object may have a `toString` that is no function. */
function plain(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint"
    ? String(value).trim()
    : "";
}

/** A whole number within a range. */
export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): Read<number> {
  return (value) => {
    // TOML gives large integers as bigint.
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number === "number" && Number.isSafeInteger(number) && number >= least && number <= most) {
      return number;
    }
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    throw new Refusal(`a whole number, ${range}`);
  };
}

/** A number above 0. */
export const positive: Read<number> = (value) => {
  if (typeof value === "number" && value > 0 && Number.isFinite(value)) return value;
  throw new Refusal("a number above 0");
};

/** True or false; what YAML 1.1 called true is a text here, and a likely mistake. */
export const boolean: Read<boolean> = (value) => {
  if (typeof value === "boolean") return value;
  const meant = new Map([["yes", "true"], ["on", "true"], ["no", "false"], ["off", "false"]])
    .get(plain(value).toLowerCase());
  throw new Refusal("true or false", meant === undefined ? undefined : `write ${meant}`);
};

/** A text that is not empty. */
export const text: Read<string> = (value) => {
  if (typeof value === "string" && value !== "") return value;
  throw new Refusal("a text");
};

/** One of a few names. */
export function oneOf<T extends string>(names: readonly T[]): Read<T> {
  return (value) => {
    const found = names.find((name) => name === value);
    if (found !== undefined) return found;
    const near = typeof value === "string" ? nearest(value, names) : undefined;
    const wanted = names.map((name) => JSON.stringify(name)).join(" or ");
    throw new Refusal(wanted, near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`);
  };
}

/** Bytes: a text, taken as UTF-8, or `{ hex: "1c 0d" }`. Not empty. */
export const bytes: Read<Uint8Array> = (value) => {
  const wanted = 'a text, or bytes such as { hex: "1c 0d" }';
  if (typeof value === "string" && value !== "") return new TextEncoder().encode(value);
  if (typeof value !== "object" || value === null) throw new Refusal(wanted);
  const { hex, ...rest } = value as { hex?: unknown };
  const digits = typeof hex === "string" ? hex.replaceAll(/[\s,]|0x/gi, "") : "";
  if (Object.keys(rest).length > 0 || !/^(?:[0-9a-f]{2})+$/i.test(digits)) throw new Refusal(wanted);
  return Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16));
};

/** Where to listen or connect: `127.0.0.1:3034`, `[::1]:3034`, a port on this machine, `unix:/run/x.sock`. */
export function address(leastPort: 0 | 1): Read<Address> {
  return (value) => {
    const wanted = 'an address such as "127.0.0.1:3034", "[::1]:3034" or "unix:/run/millrace.sock"';
    if (typeof value === "number") {
      return { transport: "tcp", host: "127.0.0.1", port: port(value, leastPort) };
    }
    if (typeof value !== "string") throw new Refusal(wanted);
    if (value.startsWith("unix:") && value.length > 5) {
      const path = value.slice(5);
      const fault = pathFault(path, undefined);
      if (fault !== undefined) throw new Refusal("the path of a Unix socket", fault);
      return { transport: "unix", path };
    }
    if (/^:\d+$/.test(value)) {
      const hint =
        `say which one: 127.0.0.1${value} for this machine only, 0.0.0.0${value} or [::]${value} for all`;
      throw new Refusal("a host before the port", hint);
    }
    const match = /^(?:(?:\[([^\]\s]+)\]|([^:[\]\s]+)):)?(\d+)$/.exec(value);
    if (match === null) throw new Refusal(wanted);
    const { host, expected } = readHost(match[1] ?? match[2] ?? "127.0.0.1");
    if (expected !== undefined) throw new Refusal(`${expected}, before the port`);
    return { transport: "tcp", host, port: port(Number(match[3]), leastPort) };
  };
}

function port(number: number, least: 0 | 1): number {
  if (Number.isInteger(number) && number >= least && number <= 65_535) return number;
  throw new Refusal(`a port from ${least} to 65535`);
}

/** A list of host names and IP addresses, without ports. */
export const hostNames: Read<readonly string[]> = (value) => {
  const wanted = 'a list of host names or addresses without ports, such as ["metrics.example.org"]';
  if (!Array.isArray(value)) throw new Refusal(wanted);
  return value.map((item: unknown) => {
    const [, v6, name] = typeof item === "string"
      ? /^(?:\[?([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\]?|([A-Za-z0-9_.-]{1,253}))$/.exec(item) ?? []
      : [];
    if (v6 !== undefined && !isIpv6(v6)) throw new Refusal(wanted);
    if (v6 === undefined && name === undefined) throw new Refusal(wanted);
    return v6 ?? name!;
  });
};

/** An address as it is written in a configuration. */
export function formatAddress(address: Address): string {
  return address.transport === "unix" ? `unix:${address.path}` : addressText(address);
}
