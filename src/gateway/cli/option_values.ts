/** Values of options: text to what a command takes, or a usage error that says what is wanted. */
import { InvalidArgumentError, Option } from "commander";

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

/** Makes a parser's `RangeError` a usage error that names the option. */
export function valueOf<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof RangeError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
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

/** One of a few words. */
export function oneOf<T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    throw new RangeError(`found ${JSON.stringify(text)}, expected ${values.join(" or ")}`);
  };
}
