/** Values of options: text to what a command takes, or a usage error that says what is wanted. */
import { InvalidArgumentError, Option } from "commander";
import { readMinRate } from "../../connection/byte_rate.ts";
import { OptionsError } from "../../core/errors.ts";
import { type AddressUse, readAddress, readPort } from "../../core/text/address.ts";
import { readFileMode, readFileOwner } from "../../core/text/file_rights.ts";
import { pathFault, readHost } from "../../core/text/place.ts";
import { misread, read, type Reading, wanted } from "../../core/text/reading.ts";
import { readSize, type SizeRange } from "../../core/text/size.ts";
import { type DurationRange, readDuration } from "../../core/time/duration.ts";
import type { Address } from "../../core/transport.ts";

/** An option with a value; its default, if any, is written as a user would write it. */
export function option<T>(
  flags: string,
  description: string,
  parse: (text: string) => T,
  standard?: string,
): Option {
  const made = new Option(flags, description).argParser(valueOf(parse));
  return standard === undefined ? made : made.default(parse(standard), standard);
}

/** Makes what a parser throws a usage error that names the option. */
export function valueOf<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof RangeError) throw new InvalidArgumentError(error.message);
      if (!(error instanceof OptionsError)) throw error;
      const { found, expected } = error.issues[0]!;
      throw new InvalidArgumentError(`found ${JSON.stringify(found)}, expected ${expected}`);
    }
  };
}

/** What was read; throws a `RangeError` that says what is wanted. */
function valueIn<T>(text: string, reading: Reading<T>): T {
  if (reading.ok) return reading.value;
  throw new RangeError(`found ${JSON.stringify(text)}, expected ${wanted(reading)}`);
}

/** A duration in milliseconds. */
export function duration(range?: DurationRange): (text: string) => number {
  return (text) => valueIn(text, readDuration(text, range));
}

/** A number of bytes. */
export function size(range?: SizeRange): (text: string) => number {
  return (text) => valueIn(text, readSize(text, range));
}

/** Bytes a second that must come. */
export function minRate(text: string): number {
  return valueIn(text, readMinRate(text));
}

/** An address; without a host it is this machine. */
export function address(use: AddressUse): (text: string) => Address {
  return (text) => valueIn(text, readAddress(text, use));
}

/** A port to listen on. */
export function port(text: string): number {
  return valueIn(text, readPort(text, "listen"));
}

/** A host in the form in which it is used. */
export function host(text: string): string {
  return valueIn(text, readHost(text));
}

/** The path of a Unix socket. */
export function path(text: string): string {
  const fault = pathFault(text, undefined);
  return valueIn(text, fault === undefined ? read(text) : misread("a path", fault));
}

/** Permissions of a file, in octal. */
export function fileMode(text: string): number {
  return valueIn(text, readFileMode(text));
}

/** The owner of a file, in numbers. */
export function fileOwner(text: string): { readonly uid?: number; readonly gid?: number } {
  return valueIn(text, readFileOwner(text));
}

/** A whole number in a range. */
export function wholeNumber(
  lowest: number,
  highest: number = Number.MAX_SAFE_INTEGER,
): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= lowest && value <= highest) return value;
    const upTo = highest === Number.MAX_SAFE_INTEGER ? " or more" : ` to ${highest}`;
    throw new RangeError(`found ${JSON.stringify(text)}, expected a whole number, ${lowest}${upTo}`);
  };
}

/** A limit on a number of things; 0, too, is none. */
export function limit(text: string): number {
  if (text.toLowerCase() === "infinity") return Infinity;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new RangeError(
    `found ${JSON.stringify(text)}, expected a whole number, 1 or more, or Infinity for no limit`,
  );
}

/** One of a few words. */
export function oneOf<T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    throw new RangeError(`found ${JSON.stringify(text)}, expected ${values.join(" or ")}`);
  };
}
