/**
 * Frames separated by a byte string, or by one of several.
 *
 * There is no escaping: a frame that contains the delimiter arrives as two. For bytes of any kind use a
 * length field, or a framing that escapes.
 */
import { equalBytes, showBytes } from "../bytes/bytes.ts";
import { beginningOf, hiddenIn, Patterns } from "../bytes/patterns.ts";
import type { FrameError } from "../errors.ts";
import { OptionsCheck } from "../options.ts";
import type { SizeInput } from "../text/size.ts";
import { DelimitedDecoder, type DelimiterRules } from "./delimited_decoder.ts";
import { type Decoder, defaultMaxFrameBytes, type FrameErrorPolicy, type Framing } from "./framing.ts";
import { follows, Pattern } from "../bytes/pattern.ts";
import { PrefixDecoder } from "./prefix_decoder.ts";
import { refusal, requireBytes } from "./refusal.ts";
import { SeveralDelimitersDecoder } from "./several_delimiters_decoder.ts";

/** Options of {@linkcode delimited} for both positions. */
export type DelimiterOptions =
  & {
    /** Received frames include their delimiter. @default false */
    readonly keepDelimiter?: boolean | undefined;
    /**
     * Maximum frame size in bytes, without the delimiter. A larger frame is a `FrameError` `too_large`.
     * @default 1 MiB
     */
    readonly maxFrameBytes?: SizeInput | undefined;
    /**
     * What happens after a bad frame: close the connection, or report it and continue with the next. @default "close"
     */
    readonly onFrameError?: FrameErrorPolicy | undefined;
  }
  & (
    | {
      /**
       * Add the delimiter to frames that are sent. @default true, or false with `keepDelimiter`, so that what was
       * received can be sent as it is
       */
      readonly append?: boolean | undefined;
      /** Frames are sent unchanged. */
      readonly checkSent?: false | undefined;
    }
    | {
      /** Not without `append`. */
      readonly append?: true | undefined;
      /**
       * Reject frames that the receiver would cut in the wrong place, because they contain the delimiter:
       * `FrameError` `malformed`. Needs `append`. @default false
       */
      readonly checkSent: true;
    }
  );

/** Options of {@linkcode delimited}. */
export type DelimitedOptions =
  | DelimiterOptions & {
    /**
     * What separates the frames: bytes, or text encoded as UTF-8, not empty. Of several, 64 at most, the one that begins first
     * ends a frame, and at one place the longest. The first of the list is sent. Without `keepDelimiter` a frame is passed on
     * as soon as one of them is complete: what follows of a longer one is dropped. @default "\n"
     */
    readonly delimiter?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
    /** The delimiter ends each frame. @default "suffix" */
    readonly position?: "suffix" | undefined;
    /**
     * Accept what follows the last delimiter at the end of the input as a frame, instead of `truncated`. @default
     * false
     */
    readonly acceptUnterminated?: boolean | undefined;
  }
  | DelimiterOptions & {
    /** One delimiter. @default "\n" */
    readonly delimiter?: string | Uint8Array | undefined;
    /**
     * The delimiter begins each frame. A frame is then complete only when the next one begins or the input ends, and
     * until then the connection is not at a frame boundary. Input that does not begin with the delimiter is
     * `malformed`.
     */
    readonly position: "prefix";
    readonly acceptUnterminated?: undefined;
  };

const known = [
  "delimiter",
  "keepDelimiter",
  "append",
  "checkSent",
  "maxFrameBytes",
  "onFrameError",
  "position",
  "acceptUnterminated",
];

/**
 * Frames separated by a byte string, or by one of several. A frame is a view of the chunk it came in: copy it to keep it for long. There is
 * no escaping: a frame that contains the delimiter arrives as two, unless `checkSent` rejects it.
 *
 * @example Records that end with a group separator
 * ```ts
 * import { delimited } from "@millrace/millrace";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const bytes = new Blob(["ab\x1dcde\x1d"]).stream();
 * const framing = delimited({ delimiter: "\x1d" });
 * for await (const frame of bytes.pipeThrough(new FramerStream(framing))) console.log(frame.length);
 * // 2
 * // 3
 * ```
 *
 * @throws {OptionsError} `invalid`, for an invalid option, for two that contradict each other, and for delimiters of which one
 * stands inside another: where such a frame ends would be known only later
 */
export function delimited(options: DelimitedOptions = {}): Framing<Uint8Array> {
  const { delimiter = newline, keepDelimiter = false, checkSent = false, acceptUnterminated = false } =
    options;
  const { append = !keepDelimiter } = options;
  const check = new OptionsCheck();
  check.keys(options, known);
  const maxFrameBytes = check.size("maxFrameBytes", options.maxFrameBytes, defaultMaxFrameBytes);
  const policy = check.oneOf("onFrameError", options.onFrameError, "close", ["close", "skip"]);
  const position = check.oneOf("position", options.position, "suffix", ["suffix", "prefix"]);
  const several = Array.isArray(delimiter) && delimiter.length !== 1;
  const delimiters = readDelimiters(check, delimiter);
  if (Array.isArray(delimiter) && position === "prefix") {
    check.refuse("delimiter", delimiter, 'one delimiter, not a list, with position "prefix"');
  }
  const begun = several && keepDelimiter ? beginningOf(delimiters) : undefined;
  if (begun !== undefined) {
    const [shorter, longer] = begun.map((bytes) => showBytes(bytes));
    check.refuse(
      "keepDelimiter",
      true,
      `delimiters of which none begins with another: ${longer} begins with ${shorter}, and which of them a frame has ` +
        "would be known only with the next bytes",
    );
  }
  if (acceptUnterminated && position === "prefix") {
    check.refuse(
      "acceptUnterminated",
      true,
      'position "suffix": with "prefix" the end of input always ends a frame',
    );
  }
  if (checkSent && !append) {
    check.refuse("checkSent", true, "append too; without it, the sender writes delimiters itself");
  }
  check.done();

  const [bytes] = delimiters as [Uint8Array];
  const shown = delimiters.map((each) => showBytes(each)).join(", ");
  const rules = {
    name: "delimited",
    delimiterShown: several ? `one of the delimiters ${shown}` : `the delimiter ${shown}`,
    keepDelimiter,
    acceptUnterminated,
    maxFrameBytes,
    skip: policy === "skip",
  };
  const suffix = position === "suffix";
  const cutting = several ? severalOf(rules, delimiters) : oneOf(rules, bytes, suffix);
  return {
    name: "delimited",
    hint: { kind: "delimited", delimiter: bytes, position, kept: keepDelimiter },
    decoder: cutting.decoder,
    encode(frame, out) {
      requireBytes("delimited", frame);
      if (checkSent && !cutting.arrives(frame)) {
        const problem = several
          ? `it contains ${rules.delimiterShown}, or part of one at its beginning or end, and would arrive otherwise`
          : `it contains ${rules.delimiterShown}, or part of it at the end, and would be cut there`;
        throw refusal("delimited", problem);
      }
      if (append && !suffix) out.bytes(bytes);
      out.bytes(frame);
      if (append && suffix) out.bytes(bytes);
    },
  };
}

type SharedRules = Omit<DelimiterRules, "delimiter" | "stripCarriageReturn">;

/** How bytes are cut, and whether a frame arrives as it was sent. */
interface Cutting {
  decoder(report: (error: FrameError) => unknown): Decoder<Uint8Array>;
  arrives(frame: Uint8Array): boolean;
}

function oneOf(shared: SharedRules, bytes: Uint8Array, suffix: boolean): Cutting {
  const rules: DelimiterRules = { ...shared, delimiter: new Pattern(bytes), stripCarriageReturn: false };
  return {
    decoder: (report) => suffix ? new DelimitedDecoder(rules, report) : new PrefixDecoder(rules, report),
    arrives: (frame) => follows(rules.delimiter, frame),
  };
}

function severalOf(shared: SharedRules, delimiters: readonly Uint8Array[]): Cutting {
  const rules = { ...shared, delimiters: new Patterns(delimiters) };
  const unlimited = { ...rules, keepDelimiter: false, maxFrameBytes: Infinity };
  const [first] = delimiters as [Uint8Array];
  return {
    decoder: (report) => new SeveralDelimitersDecoder(rules, report),
    arrives(frame) {
      // Behind another one: a longer delimiter may begin with the one that is sent, and end with bytes of the frame.
      const sizes: number[] = [];
      const decoder = new SeveralDelimitersDecoder(unlimited, () => {});
      for (const part of [first, frame, first]) decoder.push(part, ({ length }) => sizes.push(length));
      return decoder.buffered === 0 && sizes.length === 2 && sizes[1] === frame.length;
    },
  };
}

/** The most delimiters: the memory to find them grows with their number and length. */
const mostDelimiters = 64;

/** One delimiter or several, as bytes of our own. */
function readDelimiters(check: OptionsCheck, found: unknown): readonly Uint8Array[] {
  const list: readonly unknown[] = Array.isArray(found) ? found : [found];
  if (list.length === 0 || list.length > mostDelimiters) {
    check.refuse("delimiter", found, `one delimiter, or a list of 1 to ${mostDelimiters}`);
    return [newline];
  }
  const read: Uint8Array[] = [];
  for (const each of list) {
    const isBytes = typeof each === "string" || each instanceof Uint8Array;
    if (!isBytes || each.length === 0) {
      check.refuse("delimiter", each, "a string or Uint8Array of at least one byte");
      continue;
    }
    const bytes = typeof each === "string" ? new TextEncoder().encode(each) : new Uint8Array(each);
    if (read.some((other) => equalBytes(other, bytes))) {
      check.refuse("delimiter", each, "each delimiter once");
    } else read.push(bytes);
  }
  const hidden = hiddenIn(read);
  if (hidden !== undefined) {
    const [inner, outer] = hidden.map((bytes) => showBytes(bytes));
    check.refuse(
      "delimiter",
      found,
      `none that stands inside another: ${inner} does in ${outer}, and where a frame ends would be known only later`,
    );
  }
  return read.length === 0 ? [newline] : read;
}

const newline = Uint8Array.of(10);
