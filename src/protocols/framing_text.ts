/**
 * Framings as a few characters of text: `lines`, `lines:crlf`, `delimited:\x03`, `length:4,le`, `fixed:16`, `raw`. The one
 * grammar of the library (`parseFraming`), of the configuration and of the command line (`--framing`).
 */
import { distance } from "../core/options.ts";
import { OptionsError } from "../core/errors.ts";
import { wanted } from "../core/text/reading.ts";
import { readSize } from "../core/text/size.ts";
import { readDuration } from "../core/time/duration.ts";
import { berField } from "../core/framing/ber_field.ts";
import { delimited, type DelimitedOptions } from "../core/framing/delimited.ts";
import { discardAfterSilence } from "../core/framing/discard_after_silence.ts";
import { fixedLength } from "../core/framing/fixed_length.ts";
import type { Framing } from "../core/framing/framing.ts";
import { lengthField } from "../core/framing/length_field.ts";
import type { LengthFieldOptions, LengthNotation } from "../core/framing/length_options.ts";
import { lines } from "../core/framing/lines.ts";
import { raw } from "../core/framing/raw.ts";
import { silence } from "../core/framing/silence.ts";
import type { VariableLengthOptions } from "../core/framing/variable_length.ts";
import { varintField } from "../core/framing/varint_field.ts";
import { withChecksum } from "./checksum_words.ts";
import { FramingWords, split, unescape, wrong } from "./framing_words.ts";
import { type Preset, wordFor } from "./preset.ts";
import { presets } from "./presets.ts";

const forms = "a framing such as lines, delimited:\\x03, length:4, fixed:16 or raw";

/**
 * Makes a framing from text, in the grammar of a configuration and of the command line. Its frames are bytes.
 *
 * | text                      | frames                                                                        |
 * | ------------------------- | ----------------------------------------------------------------------------- |
 * | `lines`, `lines:crlf`     | text lines; `\n` or `\r\n` ends each, `\n` or `\r\n` is sent                  |
 * | `lines:cr`                | the same, but `\r` is sent, and ends a line too                               |
 * | `lines,lone-cr`           | `\r` ends a line too                                                          |
 * | `delimited:BYTES`         | any delimiter; `\n \r \t \0 \xHH \\` and `\,` are escapes                    |
 * | `delimited:BYTES,or=MORE` | one of several delimiters; the first is sent; `or=` may stand there repeatedly |
 * | `delimited:BYTES,keep`    | frames include their delimiter                                                |
 * | `delimited:BYTES,prefix`  | the delimiter begins each frame                                               |
 * | `length:N`                | a length of N bytes (1 to 8) before each frame                                |
 * | `length:N,le`             | little-endian; big-endian is the default                                      |
 * | `length:N,decimal`        | N decimal digits in ASCII; `hex` for hexadecimal, `bcd` for two digits a byte |
 * | `length:N,mask=M`         | only these bits are the length, such as `mask=0x7fff`                         |
 * | `length:N,drop-empty`     | received frames without a body are dropped                                    |
 * | `length:N,inclusive`      | the length includes the header                                                |
 * | `length:N,adjust=M`       | M is added to the length to get what follows the header                       |
 * | `length:N,offset=M`       | M bytes precede the length; frames include their header                       |
 * | `length:N,header=M`       | M bytes precede the body; frames include their header                         |
 * | `length:N,keep`           | frames include their header                                                   |
 * | `varint`, `ber`           | a length as a varint (Protocol Buffers), or as in BER (ASN.1), before each    |
 * | `varint,offset=M`         | M bytes precede the length; frames include their header                       |
 * | `varint,bytes=N`          | a length of at most N bytes, 1 to 5                                           |
 * | `varint,shortest`         | a length must have its shortest form                                          |
 * | `varint,keep`             | frames include their header; `drop-empty` as above                            |
 * | `length:N,max-sent=SIZE`  | the maximum size of a frame to send; also of `varint` and `ber`               |
 * | `fixed:N`                 | frames of N bytes                                                             |
 * | `silence:DURATION`        | frames that end when nothing has come for so long, such as `silence:15ms`     |
 * | `raw`                     | no framing: a frame is what one read returned                                 |
 *
 * Any of them but `raw` also takes a checksum at the end of each frame, `checksum=crc16-x25`, with `checksum-le` for its lowest byte
 * first, `checksum-bytes=N`, `checksum-format=hex` or `decimal`, `checksum-from=N` for the first byte that it covers,
 * `checksum-sep=BYTES` before it, `checksum-seed=N`, and `checksum-keep`: see `checksummed`.
 *
 * The framings of `millrace/protocols` have their own names, such as `netstring`. Their options are words: `max=SIZE` and
 * `max-sent=SIZE` for the two maximum sizes, `skip` or `close`, and otherwise the name of the option in lower case with hyphens,
 * `word=VALUE`, or `word` and `no-word` for true and false.
 *
 * All but `fixed` and `raw` also take `max=SIZE`, the maximum frame size, and `skip`, which drops a bad frame instead of
 * closing the connection. All but `silence` and `raw` take `discard-after-silence=50ms`, which drops a frame that has begun
 * when nothing comes for so long. `delimited` and `lengthField` alone stand for these functions with their defaults.
 *
 * @example
 * ```ts
 * import { parseFraming } from "@millrace/millrace/protocols";
 *
 * const framing = parseFraming("length:2,le,max=64KiB");
 * console.log(framing.name); // lengthField
 * ```
 *
 * @throws {OptionsError} `invalid`, if the text is not a framing; the error names the part that is wrong and what is accepted instead
 */
export function parseFraming(text: string): Framing<Uint8Array> {
  if (typeof text !== "string") throw wrong(text, forms);
  const colon = text.indexOf(":");
  const comma = text.indexOf(",");
  const end = colon >= 0 && (comma < 0 || colon < comma) ? colon : comma >= 0 ? comma : text.length;
  const name = text.slice(0, end);
  const preset = presets.get(name);
  const make = preset !== undefined
    ? (words: FramingWords) => makePreset(preset, words)
    : Object.hasOwn(makers, name)
    ? makers[name]
    : undefined;
  if (make === undefined) {
    const lower = name.toLowerCase();
    const known = [...Object.keys(makers), ...presets.keys()];
    const near = known.find((each) => lower.startsWith(each)) ??
      known.map((each) => [distance(each.toLowerCase(), lower), each] as const)
        .sort(([one], [other]) => one - other).find(([edits]) => edits <= 2)?.[1];
    throw wrong(name, near === undefined ? forms : `${forms}; did you mean "${near}"?`);
  }
  const [argument = "", ...words] = split(text[end] === ":" ? text.slice(end + 1) : text.slice(end));
  const parts = new FramingWords(argument, words, text[end] === ":");
  try {
    const framing = withChecksum(make(parts), parts);
    const gap = unbroken.includes(name) ? undefined : parts.duration("discard-after-silence");
    parts.done();
    return gap === undefined ? framing : discardAfterSilence(framing, { gap });
  } catch (error) {
    if (!(error instanceof OptionsError) || error.issues[0]!.path === "framing") throw error;
    const issue = error.issues[0]!;
    throw wrong(text, `${optionWords[issue.path] ?? wordFor(issue.path)} to be ${issue.expected}`, {
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
  lengthMask: "mask",
  maxLengthBytes: "bytes",
  maxSentFrameBytes: "max-sent",
  frameBytes: "the number after fixed:",
  delimiter: "the delimiters",
  keepDelimiter: "keep",
  gap: "the duration after silence:",
};

/** Those whose frames cannot be torn by silence. */
const unbroken: readonly string[] = ["raw", "silence"];

const lineEnds: ReadonlyMap<string, "\n" | "\r\n" | "\r"> = new Map([
  ["", "\n"],
  ["lf", "\n"],
  ["crlf", "\r\n"],
  ["cr", "\r"],
]);

const makers: Readonly<Record<string, (parts: FramingWords) => Framing<Uint8Array>>> = {
  lines(parts) {
    const end = parts.argument;
    const newline = lineEnds.get(end);
    if (newline === undefined) throw wrong(end, "lf, crlf or cr after lines:");
    const lone = parts.flag("lone-cr") || newline === "\r";
    return lines({ newline, loneCarriageReturn: lone, ...parts.limits() });
  },
  delimited(parts) {
    const first = parts.hasArgument ? parts.argument : "\\n";
    const delimiters = [first, ...parts.all("or", "BYTES")].map((text) => {
      const bytes = unescape(text);
      if (bytes.length > 0) return bytes;
      throw wrong(text, "one byte or more after delimited:, such as delimited:\\x03; a comma is \\,");
    });
    const delimiter = delimiters.length === 1 ? delimiters[0] : delimiters;
    const position = parts.flag("prefix") ? "prefix" : "suffix";
    return delimited(
      { delimiter, position, keepDelimiter: parts.flag("keep"), ...parts.limits() } as DelimitedOptions,
    );
  },
  length(parts) {
    if (!/^[1-8]$/.test(parts.argument)) throw wrong(parts.argument, "1 to 8 after length:");
    const lengthBytes = Number(parts.argument) as LengthFieldOptions["lengthBytes"] & number;
    const lengthOffset = parts.number("offset") ?? 0;
    const headerBytes = parts.number("header") ?? lengthOffset + lengthBytes;
    const endian = parts.choice(["le", "be"]);
    const lengthFormat = parts.choice(["decimal", "hex", "bcd"]);
    const lengthMask = parts.number("mask");
    const notation = {
      ...(endian === undefined ? {} : { endian: endian === "le" ? "little" : "big" }),
      ...(lengthFormat === undefined ? {} : { lengthFormat }),
      ...(lengthMask === undefined ? {} : { lengthMask }),
    } as object as LengthNotation; // which of them go together, lengthField checks
    // Only a header that is nothing but the length can be written for what is sent.
    const keep = parts.flag("keep") || headerBytes !== lengthBytes || lengthOffset > 0;
    return lengthField({
      lengthBytes,
      lengthOffset,
      headerBytes,
      ...notation,
      lengthIncludesHeader: parts.flag("inclusive"),
      adjustment: parts.number("adjust") ?? 0,
      strip: keep ? 0 : headerBytes,
      emptyFrames: parts.flag("drop-empty") ? "drop" : "deliver",
      maxSentFrameBytes: parts.size("max-sent"),
      ...parts.limits(),
    });
  },
  lengthField(parts) {
    if (parts.hasArgument) {
      throw wrong(
        parts.argument,
        "nothing after lengthField, which has its defaults; write length:4 for a length of 4 bytes",
      );
    }
    return lengthField(parts.limits());
  },
  varint: (parts) => variableLengths(varintField, parts),
  varintField: (parts) => variableLengths(varintField, parts),
  ber: (parts) => variableLengths(berField, parts),
  berField: (parts) => variableLengths(berField, parts),
  fixed: fixedFrames,
  fixedLength: fixedFrames,
  silence(parts) {
    const gap = readDuration(parts.argument);
    if (gap.ok) return silence({ gap: gap.value, ...parts.limits() });
    throw wrong(parts.argument, `a duration after silence:, such as silence:15ms: ${wanted(gap)}`);
  },
  raw(parts) {
    if (parts.argument !== "") throw wrong(parts.argument, "nothing after raw:");
    return raw();
  },
};

function makePreset({ options, make }: Preset, words: FramingWords): Framing<Uint8Array> {
  if (words.hasArgument) throw wrong(words.argument, "nothing after a colon; options follow behind commas");
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    const found = name === "onFrameError"
      ? words.choice(["skip", "close"])
      : words.value(wordFor(name), value);
    if (found !== undefined) values[name] = found;
  }
  return make(values as never);
}

function variableLengths(make: typeof varintField, parts: FramingWords): Framing<Uint8Array> {
  if (parts.hasArgument) {
    throw wrong(parts.argument, "nothing after a colon; bytes=4 for a length of at most 4 bytes");
  }
  const lengthOffset = parts.number("offset") ?? 0;
  return make({
    lengthOffset,
    maxLengthBytes: (parts.number("bytes") ?? 5) as 5,
    shortestForm: parts.flag("shortest"),
    keepHeader: parts.flag("keep") || lengthOffset > 0,
    emptyFrames: parts.flag("drop-empty") ? "drop" : "deliver",
    maxSentFrameBytes: parts.size("max-sent"),
    ...parts.limits(),
  } as VariableLengthOptions);
}

function fixedFrames(parts: FramingWords): Framing<Uint8Array> {
  const size = readSize(parts.argument, { most: 2 ** 32 });
  if (size.ok) return fixedLength({ frameBytes: size.value });
  throw wrong(parts.argument, `a number of bytes after fixed:, such as fixed:16: ${wanted(size)}`);
}
