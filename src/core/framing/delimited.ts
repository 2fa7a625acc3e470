/**
 * Frames separated by a byte string.
 *
 * There is no escaping: a frame that contains the delimiter arrives as two. For bytes of any kind use a
 * length field, or a framing that escapes.
 */
import { showBytes } from "../bytes/bytes.ts";
import { OptionsCheck } from "../options.ts";
import type { SizeInput } from "../text/size.ts";
import { DelimitedDecoder, type DelimiterRules } from "./delimited_decoder.ts";
import { defaultMaxFrameBytes, type FrameErrorPolicy, type Framing } from "./framing.ts";
import { follows, Pattern } from "../bytes/pattern.ts";
import { PrefixDecoder } from "./prefix_decoder.ts";
import { refusal, requireBytes } from "./refusal.ts";

/** Options of {@linkcode delimited} for both positions. */
export type DelimiterOptions =
  & {
    /** What separates the frames: bytes, or text encoded as UTF-8. Not empty. @default "\n" */
    readonly delimiter?: string | Uint8Array | undefined;
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
    /** The delimiter ends each frame. @default "suffix" */
    readonly position?: "suffix" | undefined;
    /**
     * Accept what follows the last delimiter at the end of the input as a frame, instead of `truncated`. @default
     * false
     */
    readonly acceptUnterminated?: boolean | undefined;
  }
  | DelimiterOptions & {
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
 * Frames separated by a byte string. A frame is a view of the chunk it came in: copy it to keep it for long. There is
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
 * @throws {OptionsError} `invalid`, for an invalid option, and for two that contradict each other
 */
export function delimited(options: DelimitedOptions = {}): Framing<Uint8Array> {
  const { delimiter = "\n", keepDelimiter = false, checkSent = false, acceptUnterminated = false } = options;
  const { append = !keepDelimiter } = options;
  const check = new OptionsCheck();
  check.keys(options, known);
  const maxFrameBytes = check.size("maxFrameBytes", options.maxFrameBytes, defaultMaxFrameBytes);
  const policy = check.oneOf("onFrameError", options.onFrameError, "close", ["close", "skip"]);
  const position = check.oneOf("position", options.position, "suffix", ["suffix", "prefix"]);
  if (!(typeof delimiter === "string" || delimiter instanceof Uint8Array) || delimiter.length === 0) {
    check.refuse("delimiter", delimiter, "a string or Uint8Array of at least one byte");
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

  const bytes = typeof delimiter === "string"
    ? new TextEncoder().encode(delimiter)
    : new Uint8Array(delimiter);
  const pattern = new Pattern(bytes);
  const rules: DelimiterRules = {
    name: "delimited",
    delimiter: pattern,
    delimiterShown: `the delimiter ${showBytes(bytes)}`,
    keepDelimiter,
    stripCarriageReturn: false,
    acceptUnterminated,
    maxFrameBytes,
    skip: policy === "skip",
  };
  const suffix = position === "suffix";
  return {
    name: "delimited",
    hint: { kind: "delimited", delimiter: bytes, position },
    decoder: (report) => suffix ? new DelimitedDecoder(rules, report) : new PrefixDecoder(rules, report),
    encode(frame, out) {
      requireBytes("delimited", frame);
      if (checkSent && !follows(pattern, frame)) {
        throw refusal(
          "delimited",
          `it contains ${rules.delimiterShown}, or part of it at the end, and would be cut there`,
        );
      }
      if (append && !suffix) out.bytes(bytes);
      out.bytes(frame);
      if (append && suffix) out.bytes(bytes);
    },
  };
}
