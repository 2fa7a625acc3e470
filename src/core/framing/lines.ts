/**
 * Lines of text, as bytes or as strings: a newline ends each frame.
 */
import { indexOfByte } from "../bytes/byte_search.ts";
import { OptionsCheck } from "../options.ts";
import type { SizeInput } from "../text/size.ts";
import { DelimitedDecoder, type DelimiterRules } from "./delimited_decoder.ts";
import { type ByteSink, defaultMaxFrameBytes, type FrameErrorPolicy, type Framing } from "./framing.ts";
import { OneByte } from "../bytes/one_byte.ts";
import { withLoneReturns } from "./lone_returns.ts";
import { refusal, requireBytes } from "./refusal.ts";
import { textCodec, type TextEncoding } from "../text/text_encoding.ts";
import { TextLinesDecoder } from "./text_lines_decoder.ts";

/** Options of {@linkcode lines} for both types of frames. */
export type LineRules =
  & {
    /**
     * Maximum line length in bytes, without the line end. A longer line is a `FrameError` `too_large`.
     * @default 1 MiB
     */
    readonly maxFrameBytes?: SizeInput | undefined;
    /** The line end that is written. @default "\n" */
    readonly newline?: "\n" | "\r\n" | "\r" | undefined;
    /**
     * Accept what follows the last newline at the end of the input as a line, instead of `truncated`. @default false
     */
    readonly acceptUnterminated?: boolean | undefined;
    /**
     * What happens after a bad line: close the connection, or report it and continue with the next. @default "close"
     */
    readonly onFrameError?: FrameErrorPolicy | undefined;
  }
  & (
    | {
      /** Drop one carriage return before the newline. @default true */
      readonly stripCarriageReturn?: boolean | undefined;
      /** A carriage return alone is part of its line. */
      readonly loneCarriageReturn?: false | undefined;
    }
    | {
      /** Not false with `loneCarriageReturn`: each carriage return is then part of a line end. */
      readonly stripCarriageReturn?: true | undefined;
      /**
       * A carriage return ends a line too, without a newline behind it. The line is passed on at once, and a newline that
       * follows is part of the same line end. @default false
       */
      readonly loneCarriageReturn?: boolean | undefined;
    }
  )
  & (
    | {
      /** Write a line end after each frame that is sent. @default true */
      readonly append?: boolean | undefined;
      /** Frames are sent unchanged. */
      readonly checkSent?: false | undefined;
    }
    | {
      /** Not without `append`. */
      readonly append?: true | undefined;
      /**
       * Reject frames that the receiver would not get unchanged, because they contain a newline or, with `newline:
       * "\n"`, end with a carriage return; with `loneCarriageReturn` or `newline: "\r"`, because they contain one: `FrameError`
       * `malformed`. Without it, such a frame arrives as several lines.
       * @default false
       */
      readonly checkSent: true;
    }
  );

/** Options of {@linkcode lines} with frames of bytes. */
export type LinesOptions = LineRules & {
  /** Not set: frames are bytes. */
  readonly encoding?: undefined;
  /** Only with `encoding: "utf-8"`. */
  readonly fatal?: undefined;
};

/** Options of {@linkcode lines} with frames of text. */
export type TextLinesOptions =
  | LineRules & {
    /** Frames are strings in this encoding. */
    readonly encoding: "utf-8";
    /**
     * Treat a line that is not UTF-8 as a `FrameError` `malformed`, instead of replacing invalid bytes with U+FFFD.
     * @default false
     */
    readonly fatal?: boolean | undefined;
  }
  | LineRules & {
    /** Frames are strings of the characters U+0000 to U+00FF, one byte each (ISO 8859-1). */
    readonly encoding: "latin1";
    readonly fatal?: undefined;
  };

const known = [
  "maxFrameBytes",
  "stripCarriageReturn",
  "loneCarriageReturn",
  "append",
  "newline",
  "checkSent",
  "acceptUnterminated",
  "onFrameError",
  "encoding",
  "fatal",
];

/**
 * Lines: `\n` or `\r\n` ends each frame, with `loneCarriageReturn` also `\r`. Frames are `Uint8Array` without the line end, or strings if `encoding` is
 * set. A byte frame is a view of the chunk it came in, and the engine may keep the text of the whole chunk for a
 * string: copy bytes, or parse text, to keep them for long.
 *
 * @example
 * ```ts
 * import { lines } from "@millrace/millrace";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const bytes = new Blob(["one\r\ntwo\n"]).stream();
 * const framing = lines({ encoding: "utf-8", maxFrameBytes: "64KiB" });
 * for await (const line of bytes.pipeThrough(new FramerStream(framing))) console.log(line);
 * // one
 * // two
 * ```
 *
 * @throws {OptionsError} `invalid`, for an invalid option
 */
export function lines(options?: LinesOptions): Framing<Uint8Array>;
/** Lines as strings. */
export function lines(options: TextLinesOptions): Framing<string>;
export function lines(options: LinesOptions | TextLinesOptions = {}): Framing<Uint8Array> | Framing<string> {
  const { append = true, checkSent = false, stripCarriageReturn = true } = options;
  const { encoding, fatal = false, newline = "\n", loneCarriageReturn = false } = options;
  const check = new OptionsCheck();
  check.keys(options, known);
  const maxFrameBytes = check.size("maxFrameBytes", options.maxFrameBytes, defaultMaxFrameBytes);
  const policy = check.oneOf("onFrameError", options.onFrameError, "close", ["close", "skip"]);
  check.oneOf("newline", newline, "\n", ["\n", "\r\n", "\r"]);
  check.oneOf<TextEncoding | "none">("encoding", encoding, "none", ["utf-8", "latin1"]);
  if (fatal && encoding !== "utf-8") {
    check.refuse("fatal", fatal, 'encoding "utf-8" too: no other can fail');
  }
  if (loneCarriageReturn && !stripCarriageReturn) {
    check.refuse("stripCarriageReturn", false, "true with loneCarriageReturn");
  }
  if (checkSent && !append) {
    check.refuse("checkSent", checkSent, "append too; without it, the sender writes line ends itself");
  }
  check.done();

  const delimiter = new OneByte(10);
  const rules: DelimiterRules = {
    name: "lines",
    delimiter,
    delimiterShown: "a newline",
    keepDelimiter: false,
    stripCarriageReturn,
    acceptUnterminated: options.acceptUnterminated ?? false,
    maxFrameBytes,
    skip: policy === "skip",
  };
  const shared = {
    name: "lines",
    hint: { kind: "delimited", delimiter: delimiter.bytes, position: "suffix" },
  } as const;
  const writesReturn = append && newline !== "\n";
  const writesNewline = append && newline !== "\r";
  // Only one carriage return is dropped, which is then the one that is written.
  const returnIsLost = stripCarriageReturn && newline !== "\r\n";
  const returnEnds = loneCarriageReturn || newline === "\r";
  const refuseLineEnds = (newlineAt: number, returnAt: number, endsWithReturn: boolean): void => {
    const at = returnEnds && newlineAt < 0 ? returnAt : newlineAt;
    if (at >= 0) {
      throw refusal(
        "lines",
        `it has a line end at ${at} and would arrive as several lines; send each separately`,
      );
    }
    if (returnIsLost && endsWithReturn) {
      throw refusal("lines", "it ends with a carriage return, which would arrive as part of the line end");
    }
  };

  if (encoding === undefined) {
    return {
      ...shared,
      decoder(report) {
        const decoder = new DelimitedDecoder(rules, report);
        return loneCarriageReturn ? withLoneReturns(decoder) : decoder;
      },
      encode(frame: Uint8Array, out: ByteSink) {
        requireBytes("lines", frame);
        if (checkSent) {
          refuseLineEnds(indexOfByte(frame, 10, 0), indexOfByte(frame, 13, 0), frame.at(-1) === 13);
        }
        out.bytes(frame);
        if (writesReturn) out.byte(13);
        if (writesNewline) out.byte(10);
      },
    };
  }
  const codec = textCodec(encoding, fatal);
  return {
    ...shared,
    decoder(report) {
      const decoder = new TextLinesDecoder(rules, codec, report);
      return loneCarriageReturn ? withLoneReturns(decoder) : decoder;
    },
    encode(line: string, out: ByteSink) {
      if (typeof line !== "string") {
        throw refusal("lines", `found ${typeof line}, expected a string, because encoding is ${encoding}`);
      }
      if (checkSent) refuseLineEnds(line.indexOf("\n"), line.indexOf("\r"), line.endsWith("\r"));
      codec.encode(line, out);
      if (writesReturn) out.byte(13);
      if (writesNewline) out.byte(10);
    },
  };
}
