/**
 * Single values of a configuration: durations, sizes, addresses, bytes, choices.
 *
 * Each reader gives the value or throws a `Refusal` that says what is wanted.
 */
import { readMinRate } from "../../connection/byte_rate.ts";
import { type AddressUse, readAddress } from "../../core/text/address.ts";
import { pathFault, readHost } from "../../core/text/place.ts";
import type { Reading } from "../../core/text/reading.ts";
import { readByteRate, readSize } from "../../core/text/size.ts";
import { type DurationRange, readDuration } from "../../core/time/duration.ts";
import type { Address } from "../../core/transport.ts";
import { nearest, type Read, Refusal } from "./section.ts";

/** The value; a `Refusal` where it was something else. */
export function valueIn<T>(reading: Reading<T>): T {
  if (reading.ok) return reading.value;
  throw new Refusal(reading.expected, reading.hint);
}

/** Numbers and texts: what else the library takes is no file's. */
function durationIn(range: DurationRange): Read<number> {
  return (value) => {
    const plain = typeof value === "number" || typeof value === "string";
    return valueIn(readDuration(plain ? value : undefined, range));
  };
}

/** A duration in milliseconds: `60s`, `5 minutes`, a number of milliseconds that is no text, or `Infinity`. */
export const duration: Read<number> = durationIn({});

/** The same without `Infinity`. */
export const finiteDuration: Read<number> = durationIn({ infinite: false });

/** The same with 0. */
export const wait: Read<number> = durationIn({ infinite: false, zero: true });

/** TOML gives large integers as bigint. */
function numberOf(value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}

/** A number of bytes, 1 or more: `65536`, `"64 KiB"`, `"1MB"`, or `Infinity`. */
export const size: Read<number> = (value) => valueIn(readSize(numberOf(value)));

/** The same without `Infinity`. */
export const finiteSize: Read<number> = (value) => valueIn(readSize(numberOf(value), { infinite: false }));

/** Bytes a second. */
export const byteRate: Read<number> = (value) => valueIn(readByteRate(numberOf(value)));

/** Bytes a second that must come. */
export const minRate: Read<number> = (value) => valueIn(readMinRate(numberOf(value)));

/** A limit on a number of things, or `Infinity`; 0, too, is none. */
export const limit: Read<number> = (value) => {
  if (isInfinity(value)) return Infinity;
  try {
    return integer(0)(value);
  } catch {
    throw new Refusal("a whole number, 1 or more, or Infinity for no limit");
  }
};

/** JSON has no number for it, so it may be a text. */
function isInfinity(value: unknown): boolean {
  return value === Infinity || (typeof value === "string" && value.trim().toLowerCase() === "infinity");
}

/** A text or number as text; nothing for anything else, since an object may have a `toString` that is no function. */
function plain(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint"
    ? String(value).trim()
    : "";
}

/** A whole number within a range. */
export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): Read<number> {
  return (value) => {
    const number = numberOf(value);
    if (typeof number === "number" && Number.isSafeInteger(number) && number >= least && number <= most) {
      return number;
    }
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    throw new Refusal(`a whole number, ${range}`);
  };
}

/** A part of a whole. */
export const share: Read<number> = (value) => {
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw new Refusal("a number from 0 to 1, such as 0.1 for a tenth");
};

/** Frames a second. */
export const frameRate: Read<number> = (value) => {
  if (isInfinity(value)) return Infinity;
  if (typeof value === "number" && value > 0) return value;
  throw new Refusal("a number above 0, or Infinity for no limit");
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
  const wanted = 'text, or bytes such as { hex: "1c 0d" }';
  if (typeof value === "string" && value !== "") return new TextEncoder().encode(value);
  if (typeof value !== "object" || value === null) throw new Refusal(wanted);
  const { hex, ...rest } = value as { hex?: unknown };
  const digits = typeof hex === "string" ? hex.replaceAll(/[\s,]|0x/gi, "") : "";
  if (Object.keys(rest).length > 0 || !/^(?:[0-9a-f]{2})+$/i.test(digits)) throw new Refusal(wanted);
  return Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16));
};

/** Where to listen or connect: `127.0.0.1:3034`, `[::1]:3034`, a port on this machine, `unix:/run/x.sock`. */
export function address(use: AddressUse): Read<Address> {
  return (value) => valueIn(readAddress(value, use));
}

/** The path of a Unix socket, without `unix:`. */
export const unixPath: Read<string> = (value) => {
  const fault = typeof value === "string" ? pathFault(value, undefined) : "it is not text";
  if (fault !== undefined) throw new Refusal("the path of a Unix socket", fault);
  return value as string;
};

/** A list of host names and IP addresses, without ports. */
export const hostNames: Read<readonly string[]> = (value) => {
  if (!Array.isArray(value)) {
    throw new Refusal('a list of host names or addresses without ports, such as ["metrics.example.org"]');
  }
  return value.map((item: unknown) => {
    const host = readHost(item);
    if (host.ok) return host.value;
    throw new Refusal(`a list of host names or addresses without ports, each ${host.expected}`, host.hint);
  });
};
