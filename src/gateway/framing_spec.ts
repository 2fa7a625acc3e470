/**
 * Framings as a few characters of text: `lines`, `lines:crlf`, `delimited:\x03`, `length:4,le`, `fixed:16`, `raw`.
 *
 * Read by the command line (`--framing`) and by the config. Knows neither; both show the error's words.
 */
import { distance } from "../core/options.ts";
import { delimited } from "../core/framing/delimited.ts";
import { fixedLength } from "../core/framing/fixed_length.ts";
import type { Framing } from "../core/framing/framing.ts";
import { lengthField } from "../core/framing/length_field.ts";
import { lines } from "../core/framing/lines.ts";
import { raw } from "../core/framing/raw.ts";
import { OptionsError } from "../core/errors.ts";

/** A framing that was written as text. Its frames are bytes, so any of them can be put on a bus or a screen. */
export interface FramingSpec {
  /** As it was written. */
  readonly text: string;
  readonly framing: Framing<Uint8Array>;
}

/** The text is no framing. `message` is `found …, expected …`, with a hint where there is one. */
export class FramingSpecError extends RangeError {
  override readonly name = "FramingSpecError";
  /** The part that is wrong. */
  readonly found: string;
  /** What is accepted in its place. */
  readonly expected: string;
  constructor(found: string, expected: string, options?: ErrorOptions) {
    super(`found ${JSON.stringify(found)}, expected ${expected}`, options);
    this.found = found;
    this.expected = expected;
  }
}

/** What the forms are, for help texts. */
export const framingHelp = `Framings:
  lines               text lines; \\n or \\r\\n ends each, \\n is sent
  lines:crlf          the same, \\r\\n is sent
  delimited:BYTES     any delimiter; \\n \\r \\t \\0 \\xHH \\\\ and \\, are escapes
  delimited:BYTES,keep      frames carry their delimiter
  delimited:BYTES,prefix    the delimiter begins each frame
  length:N            a binary length of N = 1, 2, 3, 4 or 8 bytes before each frame, most significant first
  length:N,le         least significant first
  length:N,inclusive  the length counts itself too
  length:N,adjust=M   the frame is M bytes longer than the length says
  length:N,offset=M   M bytes stand before the length; frames carry their header
  length:N,header=M   M bytes stand before the body; frames carry their header
  length:N,keep       frames carry their header
  fixed:N             frames of N bytes
  raw                 no framing: what one read gives
With any but fixed and raw: max=SIZE, the largest frame (64k, 1m; default 1m), and skip, to pass over a bad
frame instead of closing.`;

/** Reads a framing. Throws a `FramingSpecError` that says which part is wrong and what is wanted. */
export function parseFraming(text: string): FramingSpec {
  const colon = text.indexOf(":");
  const comma = text.indexOf(",");
  const end = colon >= 0 && (comma < 0 || colon < comma) ? colon : comma >= 0 ? comma : text.length;
  const name = text.slice(0, end);
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (make === undefined) {
    const lower = name.toLowerCase();
    const near = Object.keys(makers).find((known) => lower.startsWith(known) || distance(known, lower) <= 2);
    throw new FramingSpecError(
      name,
      `a framing: ${Object.keys(makers).join(", ")}${near === undefined ? "" : `; did you mean ${near}?`}`,
    );
  }
  const [argument = "", ...words] = split(text[end] === ":" ? text.slice(end + 1) : text.slice(end));
  const parts = new Parts(argument, words);
  try {
    const framing = make(parts);
    parts.done();
    return { text, framing };
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    const issue = error.issues[0]!;
    throw new FramingSpecError(text, `${optionWords[issue.path] ?? issue.path} to be ${issue.expected}`, {
      cause: error,
    });
  }
}

/** How an option of the library is called in a spec. */
const optionWords: Readonly<Record<string, string>> = {
  maxFrameBytes: "max",
  lengthBytes: "the number after length:",
  lengthOffset: "offset",
  headerBytes: "header",
  adjustment: "adjust",
  frameBytes: "the number after fixed:",
};

const makers: Readonly<Record<string, (parts: Parts) => Framing<Uint8Array>>> = {
  lines(parts) {
    const end = parts.argument;
    if (end !== "" && end !== "lf" && end !== "crlf") {
      throw new FramingSpecError(end, "lf or crlf after lines:");
    }
    return lines({ newline: end === "crlf" ? "\r\n" : "\n", ...parts.limits() });
  },
  delimited(parts) {
    const delimiter = unescape(parts.argument);
    if (delimiter.length === 0) {
      throw new FramingSpecError(
        parts.argument,
        "one byte or more after delimited:, such as delimited:\\x03; a comma is \\,",
      );
    }
    const shared = { delimiter, keepDelimiter: parts.flag("keep"), ...parts.limits() };
    return delimited(parts.flag("prefix") ? { ...shared, position: "prefix" } : shared);
  },
  length(parts) {
    const lengthBytes = [1, 2, 3, 4, 8].find((bytes) => String(bytes) === parts.argument) as
      | 1
      | 2
      | 3
      | 4
      | 8
      | undefined;
    if (lengthBytes === undefined) {
      throw new FramingSpecError(parts.argument, "1, 2, 3, 4 or 8 after length:");
    }
    const lengthOffset = parts.number("offset") ?? 0;
    const headerBytes = parts.number("header") ?? lengthOffset + lengthBytes;
    const [le, be] = [parts.flag("le"), parts.flag("be")];
    if (le && be) throw new FramingSpecError("le,be", "one of the two");
    // Only a header that is nothing but the length can be written for what is sent.
    const keep = parts.flag("keep") || headerBytes !== lengthBytes || lengthOffset > 0;
    return lengthField({
      lengthBytes,
      lengthOffset,
      headerBytes,
      endian: le ? "little" : "big",
      lengthIncludesHeader: parts.flag("inclusive"),
      adjustment: parts.number("adjust") ?? 0,
      strip: keep ? 0 : headerBytes,
      ...parts.limits(),
    });
  },
  fixed(parts) {
    const frameBytes = sizeOf(parts.argument);
    if (frameBytes === undefined) {
      throw new FramingSpecError(parts.argument, "a number of bytes after fixed:, such as fixed:16");
    }
    return fixedLength({ frameBytes });
  },
  raw(parts) {
    if (parts.argument !== "") throw new FramingSpecError(parts.argument, "nothing after raw:");
    return raw();
  },
};

/** What stands behind a framing's name. */
class Parts {
  readonly argument: string;
  readonly #words: string[];
  readonly #asked: string[] = [];

  constructor(argument: string, words: readonly string[]) {
    this.argument = argument;
    this.#words = [...words];
  }

  /** True when the word stands there. */
  flag(word: string): boolean {
    this.#asked.push(word);
    return this.#take((each) => each === word) !== undefined;
  }

  /** The number of `word=NUMBER`. */
  number(word: string): number | undefined {
    this.#asked.push(`${word}=NUMBER`);
    const found = this.#take((each) => each.startsWith(`${word}=`));
    if (found === undefined) return undefined;
    if (/^-?\d{1,15}$/.test(found.slice(word.length + 1))) return Number(found.slice(word.length + 1));
    throw new FramingSpecError(found, `${word}= and a whole number`);
  }

  /** What goes with every framing that looks for an end. */
  limits(): { maxFrameBytes?: number; onFrameError?: "skip" } {
    this.#asked.push("max=SIZE", "skip");
    const max = this.#take((each) => each.startsWith("max="));
    const maxFrameBytes = max === undefined ? undefined : sizeOf(max.slice("max=".length));
    if (max !== undefined && maxFrameBytes === undefined) {
      throw new FramingSpecError(max, "max= and a size above 0, such as max=65536, max=64k or max=1m");
    }
    return {
      ...(maxFrameBytes === undefined ? {} : { maxFrameBytes }),
      ...(this.#take((each) => each === "skip") === undefined ? {} : { onFrameError: "skip" }),
    };
  }

  /** Refuses what nobody asked for. */
  done(): void {
    const left = this.#words[0];
    if (left === undefined) return;
    const known = this.#asked.length === 0 ? "nothing there" : this.#asked.join(", ");
    const near = left === ""
      ? undefined
      : this.#asked.find((word) => distance(word.split("=")[0]!, left.split("=")[0]!) <= 1);
    throw new FramingSpecError(left, near === undefined ? known : `${known}; did you mean ${near}?`);
  }

  #take(wanted: (word: string) => boolean): string | undefined {
    const at = this.#words.findIndex(wanted);
    return at < 0 ? undefined : this.#words.splice(at, 1)[0];
  }
}

/** Parts at commas; an escaped one stays, with its backslash. */
function split(text: string): string[] {
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
function unescape(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const [part, hex, letter] of text.matchAll(/\\x([0-9a-f]{2})|\\(.?)|[^\\]+/gis)) {
    if (hex !== undefined) {
      bytes.push(Number.parseInt(hex, 16));
      continue;
    }
    const meant = letter === undefined ? part : Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (meant === undefined) throw new FramingSpecError(part, "an escape: \\n \\r \\t \\0 \\xHH \\\\ or \\,");
    bytes.push(...new TextEncoder().encode(meant));
  }
  return Uint8Array.from(bytes);
}

const unitBytes: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** A size above 0 in bytes: `65536`, `64k`, `1m`. */
function sizeOf(text: string): number | undefined {
  const match = /^(\d{1,12})([kmg]?)$/i.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * unitBytes[match[2]!.toLowerCase()]! || undefined;
}
