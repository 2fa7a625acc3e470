/**
 * The words of a framing's text, behind its name: flags, choices, numbers and sizes, each asked for by the framing it belongs to.
 *
 * Used by `framing_text.ts`, for framings and presets alike.
 */
import { OptionsError } from "../core/errors.ts";
import { distance } from "../core/options.ts";
import { wanted } from "../core/text/reading.ts";
import { readSize } from "../core/text/size.ts";
import { readDuration } from "../core/time/duration.ts";
import type { PresetValue } from "./preset.ts";

/** The text, or a part of it, is wrong. */
export function wrong(found: unknown, expected: string, options?: ErrorOptions): OptionsError {
  return new OptionsError("invalid", [{ path: "framing", found, expected }], options);
}

/** What stands behind a framing's name. */
export class FramingWords {
  readonly argument: string;
  /** Something stands behind a colon, be it nothing. */
  readonly hasArgument: boolean;
  /** All words, taken or not. */
  readonly given: readonly string[];
  readonly #words: string[];
  readonly #asked: string[] = [];

  constructor(argument: string, words: readonly string[], hasArgument: boolean) {
    this.argument = argument;
    this.hasArgument = hasArgument;
    this.given = words;
    this.#words = [...words];
  }

  /** True when the word stands there. */
  flag(word: string): boolean {
    this.#asked.push(word);
    return this.#take((each) => each === word) !== undefined;
  }

  /** The one word of these that stands there. */
  choice<Word extends string>(words: readonly Word[]): Word | undefined {
    const found = words.filter((word) => this.flag(word));
    if (found.length < 2) return found[0];
    throw wrong(found.join(","), `one of the ${found.length === 2 ? "two" : "three"}`);
  }

  /** The number of `word=NUMBER`. */
  number(word: string): number | undefined {
    this.#asked.push(`${word}=NUMBER`);
    const found = this.#take((each) => each.startsWith(`${word}=`));
    if (found === undefined) return undefined;
    const number = found.slice(word.length + 1);
    if (/^(-?\d{1,15}|0x[0-9a-f]{1,12})$/i.test(number)) return Number(number);
    throw wrong(found, `${word}= and a whole number`);
  }

  /** The value of a preset's option: `word` or `no-word` for a flag, else `word=VALUE`. */
  value(word: string, value: PresetValue): unknown {
    let found: string | undefined;
    switch (value.kind) {
      case "flag":
        found = this.choice([word, `no-${word}`]);
        return found === undefined ? undefined : found === word;
      case "size":
        return this.size(word);
      case "integer": {
        const number = this.number(word);
        if (number === undefined || number >= value.least && number <= value.most) return number;
        throw wrong(`${word}=${number}`, `${word}= and a whole number, ${value.least} to ${value.most}`);
      }
      case "choice":
        found = this.#text(word, value.of.join("|"));
        if (found === undefined || value.of.includes(found)) return found;
        throw wrong(`${word}=${found}`, `${word}= and ${value.of.join(" or ")}`);
      case "bytes":
        found = this.#text(word, "BYTES");
        return found === undefined ? undefined : unescape(found);
    }
  }

  /** What stands behind each `word=`. */
  all(word: string, form: string): string[] {
    const found: string[] = [];
    for (let text = this.#text(word, form); text !== undefined; text = this.#text(word, form)) {
      found.push(text);
    }
    return found;
  }

  /** What stands behind `word=`. */
  #text(word: string, form: string): string | undefined {
    if (!this.#asked.includes(`${word}=${form}`)) this.#asked.push(`${word}=${form}`);
    return this.#take((each) => each.startsWith(`${word}=`))?.slice(word.length + 1);
  }

  /** What goes with every framing that looks for an end. */
  limits(): { maxFrameBytes?: number; onFrameError?: "skip" } {
    const max = this.size("max");
    this.#asked.push("skip");
    const skip = this.#take((each) => each === "skip");
    return {
      ...(skip === undefined ? {} : { onFrameError: "skip" }),
      ...(max === undefined ? {} : { maxFrameBytes: max }),
    };
  }

  /** The size of `word=SIZE`. */
  size(word: string): number | undefined {
    this.#asked.push(`${word}=SIZE`);
    const found = this.#take((each) => each.startsWith(`${word}=`));
    if (found === undefined) return undefined;
    const size = readSize(found.slice(word.length + 1));
    if (size.ok) return size.value;
    throw wrong(found, `${word}= and a size, such as ${word}=65536 or ${word}=64KiB: ${wanted(size)}`);
  }

  /** The duration of `word=DURATION`, in milliseconds. */
  duration(word: string): number | undefined {
    const found = this.#text(word, "DURATION");
    if (found === undefined) return undefined;
    const duration = readDuration(found, { infinite: false });
    if (duration.ok) return duration.value;
    throw wrong(`${word}=${found}`, `${word}= and a duration, such as ${word}=50ms: ${wanted(duration)}`);
  }

  /** Refuses what nobody asked for. */
  done(): void {
    const left = this.#words[0];
    if (left === undefined) return;
    const known = this.#asked.length === 0 ? "nothing there" : this.#asked.join(", ");
    const near = left === ""
      ? undefined
      : this.#asked.find((word) => distance(word.split("=")[0]!, left.split("=")[0]!) <= 1);
    throw wrong(left, near === undefined ? known : `${known}; did you mean "${near}"?`);
  }

  #take(wanted: (word: string) => boolean): string | undefined {
    const at = this.#words.findIndex(wanted);
    return at < 0 ? undefined : this.#words.splice(at, 1)[0];
  }
}

/** Parts at commas; an escaped one stays, with its backslash. */
export function split(text: string): string[] {
  const parts = [""];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === ",") parts.push("");
    else parts[parts.length - 1] += text[at] === "\\" ? text[at]! + (text[++at] ?? "") : text[at]!;
  }
  return parts;
}

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "0": "\0",
  "\\": "\\",
  ",": ",",
};

/** The bytes that a text with escapes stands for: `\xHH` is that byte, other characters are UTF-8. */
export function unescape(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const [part, hex, letter] of text.matchAll(/\\x([0-9a-f]{2})|\\(.?)|[^\\]+/gis)) {
    if (hex !== undefined) {
      bytes.push(Number.parseInt(hex, 16));
      continue;
    }
    const meant = letter === undefined ? part : Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (meant === undefined) throw wrong(part, "an escape: \\n \\r \\t \\0 \\xHH \\\\ or \\,");
    bytes.push(...new TextEncoder().encode(meant));
  }
  return Uint8Array.from(bytes);
}
